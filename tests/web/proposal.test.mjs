import assert from "node:assert/strict";
import { test } from "node:test";

import { isMeasured, proposal } from "../../web/proposal.js";
import { readRun } from "../../web/trace.js";
import { sample } from "./samples.mjs";

const FOUND = { codebook: "0.02:6 0.1:1", computed: 14.53, steps: 30 };

function run(more = {}) {
    const plain = sample("plain");
    return readRun({ ...plain, info: { ...plain.info, run_id: "a/b" }, end: "done", ...more });
}

function server(status, body) {
    const asked = [];
    const json = async () => (typeof body === "string" ? JSON.parse(body) : body);
    return { asked, fetchApi: async (route) => (asked.push(route), { ok: status < 400, status, json }) };
}

test("only a run that was measured to its end suggests a codebook", () => {
    const measured = { settings: { mode: "measure" } };
    assert.ok(isMeasured(run(measured)));
    for (const other of [{}, { ...measured, end: "cancelled" }, { ...measured, end: "" }, { ...measured, note: "refused" }])
        assert.ok(!isMeasured(run(other)), JSON.stringify(other));
    assert.ok(!isMeasured(undefined));
});

test("the calibration is given as the server wrote it, with what to expect", async () => {
    const api = server(200, { version: 1, calibration: FOUND, text: "{...}" });
    const { text, words, why } = await proposal(api, run());
    assert.deepEqual(api.asked, ["/adacache/runs/a%2Fb/calibration"]);
    assert.equal(text, "{...}");
    assert.equal(why, "");
    assert.match(words, /14\.5 of 30 steps computed: 0\.02:6 0\.1:1\. The calibration is copied/);
    assert.doesNotMatch(words, /plan/);
    const planned = { ...FOUND, plan: "30 steps: 1 2 3 8 30" };
    const told = (await proposal(server(200, { version: 1, calibration: planned, text: "{...}" }), run())).words;
    assert.match(told, /Its plan output is for locked_schedule in place of the codebook\./);
});

test("a refusal is told with its reason, in one line", async () => {
    const { text, why } = await proposal(server(409, { error: "no measured\nrun\u202e" }), run());
    assert.equal(text, "");
    assert.equal(why, "No codebook: no measured run.");
    assert.match((await proposal(server(500, {}), run())).why, /the server answered 500/);
});

test("what is no answer is not carried on", async () => {
    const bad = [
        null,
        [],
        { calibration: FOUND },
        { calibration: FOUND, text: 7 },
        { calibration: FOUND, text: "x".repeat(20_000) },
        { calibration: { ...FOUND, computed: "<b>" }, text: "{}" },
        "not json",
    ];
    for (const body of bad) {
        const { text, why } = await proposal(server(200, body), run());
        assert.equal(text, "", JSON.stringify(body));
        assert.match(why, /^No codebook: the server/);
    }
    const away = { fetchApi: () => Promise.reject(new Error("away")) };
    assert.equal((await proposal(away, run())).why, "No codebook: the server did not answer.");
});
