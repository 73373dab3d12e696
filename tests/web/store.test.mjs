import assert from "node:assert/strict";
import { test } from "node:test";

import { RunStore } from "../../web/store.js";
import { MOST_RECORDS, TraceError, readFile, readRun } from "../../web/trace.js";
import { message, record, sample, synthetic } from "./samples.mjs";

const step = (id, evaluation, more) => ({ version: 1, run_id: id, record: record(evaluation, more) });
const opened = (id, steps = 30) => message(synthetic(id, steps, { end: "", records: 0 }));
const evaluations = (store, id) => store.get(id).run.records.map((one) => one.evaluation);

function changes(store) {
    const seen = { count: 0 };
    store.addEventListener("change", () => (seen.count += 1));
    return seen;
}

function missing(store) {
    const ids = [];
    store.addEventListener("missing", (event) => ids.push(event.detail));
    return ids;
}

test("a run fills step by step and closes", () => {
    const store = new RunStore();
    const seen = changes(store);
    store.takeRun(opened("a"), () => "KSampler");
    for (let n = 1; n <= 30; n += 1) store.takeStep(step("a", n));
    assert.equal(store.get("a").run.records.length, 30);
    assert.equal(store.get("a").run.end, "");
    assert.equal(store.get("a").title, "KSampler");
    store.takeRun(message(synthetic("a", 30)));
    assert.equal(store.get("a").run.end, "done");
    assert.equal(store.get("a").title, "KSampler");
    assert.equal(seen.count, 32);
});

test("steps that come twice, late or out of order are each there once, in order", () => {
    const store = new RunStore();
    store.takeRun(opened("a"));
    for (const n of [1, 2, 2, 5, 4, 1, 3, 5]) store.takeStep(step("a", n));
    assert.deepEqual(evaluations(store, "a"), [1, 2, 3, 4, 5]);
});

test("a step left out is asked for, once", () => {
    const store = new RunStore();
    const ids = missing(store);
    store.takeRun(opened("a"));
    for (const n of [1, 2, 4, 5, 7]) store.takeStep(step("a", n));
    assert.deepEqual(ids, ["a"]);
    store.takeRun(message(synthetic("a", 30, { end: "", records: 6 })));
    assert.deepEqual(evaluations(store, "a"), [1, 2, 3, 4, 5, 6, 7]);
});

test("a page that comes in mid-run asks for the run and loses no step", () => {
    const store = new RunStore();
    const ids = missing(store);
    for (const n of [11, 12, 13]) store.takeStep(step("a", n));
    assert.deepEqual(ids, ["a"]);
    assert.equal(store.get("a"), undefined);
    store.takeRun(message(synthetic("a", 30, { end: "", records: 12 })));
    assert.deepEqual(
        evaluations(store, "a"),
        Array.from({ length: 13 }, (_, n) => n + 1),
    );
});

test("a page that was loaded again in mid-run has the run that goes on last, whatever came first", () => {
    const store = new RunStore();
    store.takeStep(step("now", 3));
    store.takeRun(message(synthetic("now", 30, { end: "", records: 2 })));
    store.import([readRun(sample("plain"))], "shared.json");
    store.takeList({
        version: 1,
        runs: [synthetic("old", 30), synthetic("later", 30), synthetic("now", 30, { end: "", records: 2 })],
    });
    assert.deepEqual(
        store.runs.map(({ id }) => id),
        ["old", "import:1", "later", "now"],
    );
});

test("an opening that comes after the end changes nothing, nor does a late step", () => {
    const store = new RunStore();
    store.takeRun(message(sample("fast")));
    store.takeRun(message({ ...sample("fast"), end: "", records: [] }));
    store.takeStep(step("fast", 31));
    assert.equal(store.get("fast").run.end, "done");
    assert.equal(store.get("fast").run.records.length, 30);
});

test("after a restart of the server, runs that went on are lost and others stay", () => {
    const store = new RunStore();
    store.takeRun(message(sample("fast")));
    store.takeRun(opened("a"));
    store.takeStep(step("a", 1));
    const open = store.open();
    store.takeRun(opened("began while the list was on its way"));
    store.takeList({ version: 1, runs: [] }, open);
    assert.equal(store.get("a").run.end, "lost");
    assert.equal(store.get("began while the list was on its way").run.end, "");
    assert.equal(store.get("fast").run.end, "done");
});

test("a run that was thought lost comes back", () => {
    const store = new RunStore();
    store.takeRun(opened("a"));
    store.takeList({ version: 1, runs: [] }, store.open());
    store.takeList({ version: 1, runs: [synthetic("a", 30, { end: "", records: 3 })] });
    assert.equal(store.get("a").run.end, "");
    store.takeRun(message(synthetic("a", 30)));
    assert.equal(store.get("a").run.end, "done");
});

test("two samplers are two runs", () => {
    const store = new RunStore();
    for (const id of ["high", "low"]) store.takeRun(opened(id, 10));
    for (let n = 1; n <= 10; n += 1) for (const id of ["low", "high"]) store.takeStep(step(id, n));
    assert.deepEqual(
        store.runs.map((entry) => [entry.id, entry.run.records.length]),
        [
            ["high", 10],
            ["low", 10],
        ],
    );
});

test("messages of a newer version are left out, and it is known why", () => {
    const store = new RunStore();
    store.takeRun({ ...opened("a"), version: 2 });
    store.takeStep({ ...step("a", 1), version: 2 });
    store.takeList({ version: 2, runs: [sample("fast")] });
    assert.equal(store.runs.length, 0);
    assert.equal(store.newer, 2);
});

test("what is not a message does no harm", () => {
    const store = new RunStore();
    for (const odd of [
        null,
        1,
        "text",
        [],
        {},
        { version: 1 },
        { version: 1, run: 3 },
        { version: 1, run: { info: {} } },
        { version: 1, run_id: 7, record: {} },
        { version: 1, runs: [null, 1, {}] },
    ]) {
        store.takeRun(odd);
        store.takeStep(odd);
        store.takeList(odd);
    }
    assert.equal(store.runs.length, 0);
});

test("runs and bytes are bounded; the pinned run stays", () => {
    const store = new RunStore({ mostRuns: 5, mostBytes: 60_000 });
    store.takeRun(message(synthetic("first", 30)));
    store.pin("first");
    for (let n = 0; n < 40; n += 1) {
        store.takeRun(message(synthetic(`run ${n}`, 30)));
        assert.ok(store.runs.length <= 5 && store.bytes <= 60_000);
    }
    assert.ok(store.get("first"));
    assert.equal(store.runs.at(-1).id, "run 39");
    assert.equal(store.get("run 0"), undefined);
});

test("a run without end is bounded, and so are steps of runs that nobody knows", () => {
    const store = new RunStore();
    store.takeRun(opened("a"));
    for (let n = 1; n <= MOST_RECORDS + 500; n += 1) store.takeStep(step("a", n));
    assert.equal(store.get("a").run.records.length, MOST_RECORDS);
    for (let n = 0; n < 100; n += 1) store.takeStep(step(`unknown ${n}`, 1));
    assert.ok(store.waiting.size <= 4);
    assert.ok(store.asked.size <= 65);
});

test("imports stand beside the session's runs, under names of their own", () => {
    const store = new RunStore();
    store.takeRun(message(sample("fast")));
    const id = store.import(
        readFile(JSON.stringify({ version: 1, runs: [sample("fast"), sample("running")] })),
        "shared.json",
    );
    assert.equal(store.runs.length, 3);
    assert.equal(store.get(id).run.end, "unfinished");
    assert.deepEqual(store.open(), []);
});

for (const [name, text, words] of [
    ["text", "not json", /not a JSON file/],
    ["a list", "[]", /not an AdaCache trace/],
    ["a workflow", '{"version":0.4,"nodes":[]}', /not an AdaCache trace/],
    ["a newer version", '{"version":2,"runs":[]}', /has version 2; this panel reads 1/],
    ["no run", '{"version":1,"runs":[]}', /holds no run/],
    ["too many runs", JSON.stringify({ version: 1, runs: Array(40).fill(0) }), /holds 40 runs; at most 32/],
    ["a run without info", '{"version":1,"runs":[{}]}', /Run 1 has no "info"/],
    [
        "a bad record",
        '{"version":1,"runs":[{"info":{},"steps":3,"records":[{"evaluation":"1"}]}]}',
        /Run 1, record 1: "evaluation"/,
    ],
    [
        "a bad decision",
        '{"version":1,"runs":[{"info":{},"steps":3,"records":[{"evaluation":1,"step":1,"computed":"yes"}]}]}',
        /neither true nor false/,
    ],
    [
        "too many records",
        JSON.stringify({ version: 1, runs: [{ info: {}, steps: 3, records: Array(10_001).fill(0) }] }),
        /at most 10,000/,
    ],
    [
        "a JSON nested a hundred thousand times",
        `{"version":1,"runs":[{"info":{},"settings":${"[".repeat(1e5)}${"]".repeat(1e5)},"records":[],"steps":3}]}`,
        /nested too deeply/,
    ],
    ["a huge file", " ".repeat(16 * 2 ** 20 + 1), /larger than 16 MiB/],
])
    test(`an import of ${name} is refused with a reason`, () => {
        assert.throws(
            () => readFile(text),
            (error) => error instanceof TraceError && words.test(error.message),
        );
    });

test("texts are cut, and lose what would turn or hide them", () => {
    const run = sample("fast");
    run.info.sampler = `<b>\u202e\u0000 two\nlines ${"x".repeat(500)}`;
    run.note = "n".repeat(100_000);
    run.settings = { blob: "y".repeat(100_000) };
    const read = readRun(run);
    assert.match(read.info.sampler, /^<b> two lines x+\.\.\.$/);
    assert.ok(read.info.sampler.length < 210);
    assert.ok(read.note.length < 2010);
    assert.deepEqual(read.settings, {});
});
