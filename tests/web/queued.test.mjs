import assert from "node:assert/strict";
import { test } from "node:test";

import { queuedGraphs } from "../../web/queued.js";
import { readRun } from "../../web/trace.js";
import { sample } from "./samples.mjs";

const at = (node_id, prompt_id = "p") =>
    readRun({ ...sample("fast"), info: { ...sample("fast").info, node_id, prompt_id } });
const LATENT = { inputs: { width: 832, height: 480, length: 33, batch_size: 1 } };

test("seed and size are those of the graph that was queued, in a sweep too", () => {
    const graphs = queuedGraphs();
    graphs.note("p", { 10: { inputs: { seed: 11, steps: 20, latent_image: ["7", 0] } }, 7: LATENT });
    for (const node of ["10", "18.0.0.2of5-turbo.10"])
        assert.deepEqual(graphs.tell(at(node)), { seed: "seed 11", size: "832 x 480, 33 frames" });
    assert.deepEqual(graphs.tell(at("10", "another")), { seed: "", size: "" });
});

test("a seed from a node of its own, and a picture, which has no frames", () => {
    const graphs = queuedGraphs();
    graphs.note("p", {
        "12:5": { inputs: { noise: ["12:6", 0], latent_image: ["12:7", 0] } },
        "12:6": { inputs: { noise_seed: ["9", 0] } },
        9: { inputs: { value: 0 } },
        "12:7": { inputs: { width: 1024, height: 1024 } },
    });
    assert.deepEqual(graphs.tell(at("12:5")), { seed: "seed 0", size: "1024 x 1024" });
});

test("why a graph has no run: it was without us, or nothing in it changed", () => {
    const graphs = queuedGraphs();
    const sampler = { class_type: "KSampler", inputs: { seed: 1 } };
    const patch = (preset) => ({ class_type: "AdaCachePatchModel", inputs: { preset } });
    for (const [name, graph] of Object.entries({ bypassed: [sampler], off: [patch("off")], same: [sampler, patch("fast")] }))
        graphs.note(name, { ...graph });
    for (const name of ["bypassed", "off"]) assert.match(graphs.whyNone(name), /without AdaCache/);
    assert.match(graphs.whyNone("same"), /a new seed makes it run/);
    assert.equal(graphs.whyNone("of another page"), "");
});

test("odd answers are not kept, and not too many graphs", () => {
    const graphs = queuedGraphs();
    graphs.note(undefined, {});
    graphs.note("p", null);
    graphs.note("p", { 10: { inputs: { seed: 1, model: ["10", 0], other: ["11", 0] } } });
    assert.equal(graphs.tell(at("10")).seed, "seed 1");
    assert.equal(graphs.tell(at("99")).seed, "");
    for (let n = 0; n < 70; n += 1) graphs.note(`later ${n}`, {});
    assert.equal(graphs.tell(at("10")).seed, "");
});
