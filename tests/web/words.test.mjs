import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { advice } from "../../web/advice.js";
import { fileName, schedule, toCsv, toJson } from "../../web/export.js";
import { chosen, lockedBy, moregWords, settingsText, takeOf } from "../../web/setting.js";
import { placeOf } from "../../web/table.js";
import { readFile, readRun } from "../../web/trace.js";
import {
    brief,
    facts,
    forcedKinds,
    headline,
    notices,
    progress,
    reason,
    spoken,
} from "../../web/words.js";
import { names, sample, synthetic } from "./samples.mjs";

const run = (name, more = {}) => readRun({ ...sample(name), ...more });

test("counts and gains are those that the engine derived", () => {
    for (const name of names.filter((one) => one !== "running")) {
        const plain = sample(name);
        const { counted, gained } = headline(readRun(plain));
        assert.match(counted, new RegExp(`^${plain.derived.computed} of ${plain.records.length} `));
        if (plain.derived.reused) assert.equal(gained, `${plain.derived.speed_up.toFixed(2)}x faster`);
        else assert.doesNotMatch(gained, /faster/);
    }
});

test("a run says what it was, how it was set and what it took", () => {
    assert.deepEqual(
        facts(run("fast")).map((parts) => parts.length),
        [5, 3, 1],
    );
    assert.deepEqual(facts(run("fast"))[1], [
        "paper fast + MoReg",
        "sensitivity 2",
        "cache 212.0 MiB with the model",
    ]);
    assert.equal(forcedKinds(run("fast")), "first, last");
});

test("a run is named by what was changed, and a sweep's by its setting", () => {
    const settings = { ...sample("plain").settings, sensitivity: 1 };
    assert.deepEqual(chosen(run("plain", { settings }), false), ["paper fast"]);
    const changed = { ...settings, preset: "turbo", sensitivity: 0.5, max_reuses: 3, start: 0.1 };
    assert.deepEqual(chosen(run("plain", { settings: changed }), false), [
        "turbo",
        "sensitivity 0.5",
        "from 10 % to 100 %",
        "at most 3 reused in a row",
    ]);
    assert.deepEqual(chosen(run("measured"), false), ["measure only"]);
    const info = { ...sample("measured").info, node_id: "18.0.0.1of5-uncached.10" };
    const uncached = run("measured", { info });
    assert.deepEqual(chosen(uncached, false), ["uncached"]);
    assert.deepEqual(takeOf(uncached), { take: 1, of: 5 });
    assert.equal(takeOf(run("fast")), null);
    assert.deepEqual(advice(uncached), []);
    const going = { ...sample("running"), info: { ...info, node_id: "18.0.0.2of5-turbo.10" } };
    assert.match(progress(readRun(going)), /^take 2 of 5, step 10 of 30/);
});

test("what MoReg changed is a sentence", () => {
    assert.equal(moregWords(run("plain")), "");
    assert.match(moregWords(run("fast")), /^MoReg: this video moves [\d.]+x the norm; changes count [\d.]+x\.$/);
    assert.match(moregWords(run("planned")), /^MoReg changed nothing: this preset plans its steps without motion\./);
    const before = { codebook: "", settings: { ...sample("fast").settings, share: 0.5 } };
    assert.match(moregWords(run("fast", before)), /^MoReg: this video moves [\d.]+x the norm\.$/);
});

test("a run that goes on says where it is, and when it computes next", () => {
    const last = sample("running").records.findLast((record) => record.computed);
    const next = last.step + last.rate;
    const now = readRun({ ...sample("running"), records: sample("running").records.slice(0, last.step) });
    assert.equal(progress(now), `step ${last.step} of 30, next computed: ${next}`);
    assert.equal(progress(run("fast")), "");
});

test("what was measured is said, and evaluations of one step are told apart", () => {
    const heun = run("heun");
    assert.deepEqual(facts(heun)[2], ["change measured on: output of the whole network"]);
    assert.match(settingsText(heun), /change measured on: output of the whole network/);
    assert.deepEqual(
        heun.records.slice(0, 3).map((record) => spoken(record, true).split(",")[0] + record.step),
        ["Evaluation 11", "Evaluation 21", "Evaluation 32"],
    );
    assert.deepEqual([0, 1, 2, 38].map((n) => placeOf(heun.records, n)), [1, 2, 1, 1]);
});

test("ends and refusals are said", () => {
    assert.deepEqual(notices(run("cancelled")), ["Cancelled after 7 of 30 steps"]);
    assert.deepEqual(notices(run("failed")), ["Failed after 12 of 30 steps: RuntimeError: out of memory"]);
    assert.match(notices(run("refused"))[0], /^Not cached: the sampler heun/);
    assert.match(notices(run("short"))[0], /^Caution: with so few steps each changes much/);
});

test("where nothing was reused, it says why and what to change", () => {
    assert.match(advice(run("refused"))[0], /Choose a sampler that evaluates once per step, such as euler/);
    assert.match(advice(run("measured"))[0], /Choose another preset/);
    const [why, change] = advice(run("nothing"));
    assert.match(why, /smallest value was/);
    assert.match(change, /^Try sensitivity 0\.\d+/);
    assert.match(advice(run("nothing", { codebook: "0.1:1 1:1" }))[0], /Every rate of the codebook is 1/);
    assert.match(
        advice(run("refused", { note: "3 steps leave nothing to reuse; it takes at least 5" }))[0],
        /20 steps or more/,
    );
    const outside = sample("nothing").records.map((record) => ({ ...record, reason: "outside" }));
    assert.match(advice(run("nothing", { records: outside }))[0], /Lower start_percent/);
});

test("where the plan computes every step, it says what to do", () => {
    const plain = sample("planned");
    const every = plain.records.map((record) => ({ ...record, computed: true, reason: "scheduled" }));
    const settings = { ...plain.settings, sensitivity: 2 };
    assert.match(advice(run("planned", { records: every, settings })).join(), /^At this sensitivity the plan computes/);
});

test("no advice where steps were reused, or where it is too early to tell", () => {
    for (const name of ["fast", "plain", "running", "cancelled"]) assert.deepEqual(advice(run(name)), []);
    assert.deepEqual(advice(run("nothing", { end: "" })), []);
});

test("a locked run is called so", () => {
    const locked = run("plain", { settings: { ...sample("plain").settings, locked: "30 steps: 1 2 29 30" } });
    assert.equal(lockedBy(locked), "30 steps: 1 2 29 30");
    assert.equal(facts(locked)[1][0], "locked schedule");
    assert.equal(
        reason({ ...locked.records[0], reason: "locked", computed: true }),
        "computed: the locked schedule says so",
    );
});

test("a step says all its numbers", () => {
    const words = spoken(run("fast").records[1], false);
    for (const part of [
        /^Step 2, computed/,
        /noise level/,
        /distance/,
        /looked up/,
        /next computed/,
        /motion score/,
        /time \d+ ms/,
    ])
        assert.match(words, part);
});

test("the schedule to lock is the computed steps", () => {
    assert.match(schedule(run("plain")).text, /^30 steps: 1 2 .*29 30$/);
    for (const name of names) assert.equal(schedule(run(name)).text, sample(name).derived.locked, name);
    assert.match(schedule(run("cancelled")).why, /not reached its last step/);
});

test("JSON that was exported is read again, the same", () => {
    for (const name of names) {
        const [read] = readFile(toJson([run(name)]));
        assert.deepEqual(read, run(name));
    }
});

test("turns of a measured run go with the JSON, whole or not at all, and not with the CSV", () => {
    const turns = [null, [0.25], [-1e-9, 0.5], ["0.5", 1, 2], Array(5000).fill(1), { length: 4 }];
    const plain = synthetic("measured", turns.length);
    plain.records.forEach((record, n) => (record.turns = turns[n]));
    const [read] = readFile(toJson([readRun({ ...plain, highest_sigma: 14.6 })]));
    assert.deepEqual(
        read.records.map((record) => record.turns),
        [null, [0.25], [-1e-9, 0.5], null, null, null],
    );
    assert.equal(read.highest_sigma, 14.6);
    assert.doesNotMatch(toCsv([read]), /turns/);
});

test("CSV has a row per evaluation, and no formulas", () => {
    const odd = synthetic("odd", 3);
    odd.records[0].reason = '=cmd|"x"';
    const lines = toCsv([run("fast"), readRun(odd)])
        .trimEnd()
        .split("\r\n");
    assert.equal(lines.length, 1 + 30 + 3);
    assert.match(lines[0], /^run,evaluation,step,sigma,computed,reason/);
    assert.match(lines[31], /"'=cmd\|""x"""/);
});

test("settings are lines of text; files have a name", () => {
    const text = settingsText(run("fast"));
    assert.match(text, /^preset: paper fast\nsensitivity: 2\nstart_percent: 0\nend_percent: 1\nmax_reuses: 0\n/);
    assert.match(text, /codebook: 0\.08:6[\s\S]*MoReg Settings\nstrides: 1\nnorm: 0\.37\n[\s\S]*last_step: 0\n/);
    assert.equal(fileName([run("fast")], "csv"), "adacache_20251122_140322.csv");
    assert.equal(fileName([readRun({ ...sample("fast"), info: { started: "../../x" } })], "csv"), "adacache.csv");
});

test("only the registration has effects on import, or knows the host", () => {
    const folder = new URL("../../web/", import.meta.url);
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".js") && name !== "adacache.js")) {
        const text = readFileSync(new URL(file, folder), "utf8");
        assert.doesNotMatch(text, /scripts\/(app|api)\.js|innerHTML|insertAdjacentHTML|console\./, file);
        assert.ok(text.split("\n").length <= 250, file);
    }
});

test("a step in few words", () => {
    assert.deepEqual(brief(run("fast").records[0]), ["Step 1 computed", "430 ms"]);
    assert.match(brief(run("planned").records[1]).join(": "), /^Step 2 computed: forecast error 0\.\d+, \d+ ms$/);
    assert.match(brief(run("plain").records[1])[1], /^distance /);
});
