/**
 * What the browser's side costs, without a browser: memory after many events, and the time to lay out a long run.
 *
 *     node --expose-gc bench/panel.mjs        # writes panel.json beside it
 */

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";

import { draw } from "../web/draw.js";
import { layoutPlots } from "../web/layout.js";
import { RunStore } from "../web/store.js";
import { readRun } from "../web/trace.js";
import { message, paper, record, synthetic } from "../tests/web/samples.mjs";

const ROUNDS = 12;
const EVENTS = 10_000; // in each round
const STEPS = 50;
const WIDTH = 420;

/** MiB that are in use when everything else was collected. */
function heap() {
    globalThis.gc();
    globalThis.gc();
    return process.memoryUsage().heapUsed / 2 ** 20;
}

/** Rounds of runs that begin, go on and end, as events bring them. Every event is parsed from text, as in a browser. */
function memory() {
    const store = new RunStore();
    const before = heap();
    const rounds = [];
    let runs = 0;
    let milliseconds = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
        for (let sent = 0; sent < EVENTS; sent += STEPS + 2) {
            const id = `run-${(runs += 1)}`;
            const texts = [
                JSON.stringify(message(synthetic(id, STEPS, { end: "", records: 0 }))),
                ...Array.from({ length: STEPS }, (_, n) =>
                    JSON.stringify({ version: 1, run_id: id, record: record(n + 1) }),
                ),
                JSON.stringify(message(synthetic(id, STEPS))),
            ];
            const start = performance.now();
            for (const [n, text] of texts.entries())
                if (n === 0 || n === texts.length - 1) store.takeRun(JSON.parse(text));
                else store.takeStep(JSON.parse(text));
            milliseconds += performance.now() - start;
        }
        rounds.push(Number((heap() - before).toFixed(2)));
    }
    return {
        events_per_round: EVENTS,
        heap_mib_after_each_round: rounds,
        growth_mib_after_the_first_round: Number((rounds.at(-1) - rounds[0]).toFixed(2)),
        runs_seen: runs,
        runs_kept: store.runs.length,
        store_mib_as_it_estimates: Number((store.bytes / 2 ** 20).toFixed(2)),
        bound_mib: store.mostBytes / 2 ** 20,
        microseconds_per_event: Number(((1000 * milliseconds) / (ROUNDS * EVENTS)).toFixed(1)),
    };
}

/** The store filled to its bound with the longest runs that it takes. */
function fullest() {
    const store = new RunStore();
    const before = heap();
    for (let n = 0; n < 40; n += 1) store.takeRun(JSON.parse(JSON.stringify(message(synthetic(`long-${n}`, 10_000)))));
    return {
        runs_kept: store.runs.length,
        heap_mib: Number((heap() - before).toFixed(1)),
        store_mib_as_it_estimates: Number((store.bytes / 2 ** 20).toFixed(1)),
        bound_mib: store.mostBytes / 2 ** 20,
    };
}

/** Milliseconds to lay out a run and make its elements, the best and the median of some. */
function drawing(steps) {
    const run = readRun(synthetic("long", steps));
    const times = [];
    let elements = 0;
    for (let n = 0; n < 30; n += 1) {
        const start = performance.now();
        elements = draw(layoutPlots([run], WIDTH), paper).children.length;
        times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    return {
        steps,
        elements,
        best_ms: Number(times[0].toFixed(2)),
        median_ms: Number(times[times.length >> 1].toFixed(2)),
    };
}

if (!globalThis.gc) throw new Error("start it with: node --expose-gc bench/panel.mjs");
const result = {
    about: "RunStore and layout under node; the document is a stand-in, so the browser's own painting is not in it",
    node: process.version,
    cpu: cpus()[0].model,
    memory: memory(),
    fullest: fullest(),
    drawing: [30, 100, 1000, 10_000].map(drawing),
};
writeFileSync(new URL("./panel.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
