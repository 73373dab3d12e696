import assert from "node:assert/strict";
import { test } from "node:test";

import { patchOf, runsBefore, titleIn } from "../../web/graph.js";
import { ownership } from "../../web/owner.js";
import { readRun } from "../../web/trace.js";
import { sample } from "./samples.mjs";

const ZEROS = "00000000-0000-0000-0000-000000000000";

function editor({ id = ZEROS, path = "a.json", open = ["a.json", "b.json"] } = {}) {
    const state = { id, path, open };
    const owners = ownership({ id: () => state.id, path: () => state.path, isOpen: (one) => state.open.includes(one) });
    return { state, owners };
}

function run(prompt, about) {
    const plain = sample("fast");
    return readRun({ ...plain, info: { ...plain.info, prompt_id: prompt }, about });
}

test("a run is that of the workflow from which this page queued it, whatever the ids say", () => {
    const { state, owners } = editor();
    owners.note("p1", "a.json");
    assert.ok(owners.isShown(run("p1", { workflow: ZEROS })));
    state.path = "b.json";
    assert.ok(!owners.isShown(run("p1", { workflow: ZEROS })));
    assert.ok(!owners.isShown(run("p1", {})));
});

test("a template that is opened once more has the path of before, and none of its runs", () => {
    const { state, owners } = editor({ id: "one" });
    owners.note("p1", "a.json");
    assert.ok(owners.isShown(run("p1", { workflow: "one" })));
    state.id = "two";
    assert.ok(!owners.isShown(run("p1", { workflow: "one" })));
});

test("runs that this page has not queued are told by the workflow's id", () => {
    const { owners } = editor({ id: "one" });
    assert.ok(owners.isShown(run("p1", { workflow: "one" })));
    assert.ok(!owners.isShown(run("p1", { workflow: "two" })));
    for (const unknown of [{}, undefined, { workflow: ZEROS }])
        assert.ok(owners.isShown(run("p1", unknown)), "what does not say otherwise is shown");
});

test("a workflow that was saved under another name keeps its runs", () => {
    const { state, owners } = editor({ id: "one" });
    owners.note("p1", "a.json");
    Object.assign(state, { path: "saved.json", open: ["saved.json"] });
    assert.ok(owners.isShown(run("p1", { workflow: "one" })));
});

test("notes are bounded, and odd answers of the host are not noted", () => {
    const { state, owners } = editor();
    owners.note(undefined, "b.json");
    owners.note("p1", undefined);
    for (let n = 0; n < 2000; n += 1) owners.note(`later ${n}`, "b.json");
    assert.ok(!owners.isShown(run("later 1999", {})));
    assert.ok(owners.isShown(run("later 0", {})));
    state.path = undefined;
    assert.ok(owners.isShown(run("later 1999", {})));
});

test("a sampler's title is found inside subgraphs, and is no text of a run's own making", () => {
    const inner = { getNodeById: (id) => (id === 5 ? { title: "KSampler" } : null) };
    const root = { getNodeById: (id) => (id === 12 ? { title: "Refine", subgraph: inner } : null) };
    const at = (node) => readRun({ ...sample("fast"), info: { ...sample("fast").info, node_id: node } });
    assert.equal(titleIn(root, at("12:5")), "Refine / KSampler");
    assert.equal(titleIn(root, at("12:6")), "");
    assert.equal(titleIn(root, at("12.0.0.5")), "Refine");
});

test("a node's runs are those of the samplers before it, though the host fails on one of the inputs", () => {
    const failing = () => {
        throw new TypeError("no graph");
    };
    const sampler = { id: 3, inputs: [{}, {}], getInputNode: failing };
    const inputs = [{ name: "handle" }, { name: "value" }];
    const node = { inputs, getInputNode: (slot) => (slot === 1 ? sampler : null) };
    const entry = (id, node_id) => ({ id, run: readRun({ ...sample("fast"), info: { node_id, prompt_id: "p" } }) });
    const entries = [entry("a", "3"), entry("b", "4"), entry("c", "3:7")];
    assert.deepEqual(
        runsBefore(node, "value", entries).map(({ id }) => id),
        ["a", "c"],
    );
});

test("of two graphs that a client gave one prompt id a node shows the newer one's runs", () => {
    const sampler = { id: 3 };
    const node = { inputs: [{ name: "value" }], getInputNode: () => sampler };
    const entry = (id, task) => {
        const { info, ...plain } = sample("fast");
        return { id, run: readRun({ ...plain, info: { ...info, node_id: "3", prompt_id: "p" }, about: { task } }) };
    };
    assert.deepEqual(
        runsBefore(node, "value", [entry("a", "7"), entry("b", "8"), entry("c", "8")]).map(({ id }) => id),
        ["b", "c"],
    );
});

test("a run's schedule is locked in the node that patched its model, be it of one network or of workers", () => {
    const at = (node) => readRun({ ...sample("fast"), info: { ...sample("fast").info, node_id: node } });
    for (const comfyClass of ["AdaCachePatchModel", "AdaCachePatchRayActors"]) {
        const patch = { id: 4, comfyClass };
        const sampler = { id: 3, inputs: [{}], getInputNode: () => patch };
        const root = { getNodeById: (id) => (id === 3 ? sampler : null) };
        assert.equal(patchOf(root, at("3")), patch);
        assert.equal(patchOf(root, at("4")), null);
    }
});
