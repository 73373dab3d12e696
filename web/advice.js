// @ts-check
/** When nothing was reused: why, and what to change. No DOM. */

import { saves } from "./counts.js";
import { bandsOf, mostReuses } from "./scale.js";
import { lockedBy, takeOf } from "./setting.js";
import { finite } from "./trace.js";
import { number } from "./words.js";

/** @typedef {import("./trace.js").Run} Run */

// The remedy for what the host's side refuses, by a word of its note.
const REMEDIES = /** @type {[RegExp, string][]} */ ([
    [/several times per step/, "Choose a sampler that evaluates once per step, such as euler, uni_pc or dpmpp_2m."],
    [/is on the same model/, "Bypass the other cache node, or ours."],
    [/not supported yet/, "Use a supported video model, or bypass AdaCache Patch Model: it gains nothing here."],
    [/leave nothing to reuse/, "Sample with more steps; from about 15 on, caching begins to pay."],
    [/compiled as one piece/, "Compile the model's blocks instead of the whole model."],
    [
        /another node answered|in place of the network's blocks|did not run once each/,
        "Find the node that replaces the model's blocks, and bypass one of the two.",
    ],
    [/left it there/, "Bypass that pack's node, and restart ComfyUI: what it left goes with the process."],
    [/where a guider takes two/, "Connect AdaCache Patch Model to the guider's first model."],
]);

/**
 * What to change, in one or two sentences each; empty where steps were reused or the run is too young to tell.
 * @param {Run} run
 * @returns {string[]}
 */
export function advice(run) {
    const { records, settings } = run;
    if (run.note)
        return REMEDIES.filter(([word]) => word.test(run.note))
            .map(([, remedy]) => remedy)
            .slice(0, 1);
    if (!run.end || !records.length || saves(run)) return [];
    if (takeOf(run) && settings.mode === "measure") return []; // a sweep's uncached video
    if (settings.mode === "measure")
        return ["Measuring computes every step on purpose. Choose another preset to reuse steps."];
    if (lockedBy(run)) return ["The locked schedule computes every step. Lock the schedule of a run that reused some."];
    if (records.length < Math.min(run.steps, 6)) return [];
    const reasons = records.map((record) => record.reason);
    const planned = reasons.filter((name) => name === "scheduled").length;
    if (!planned && reasons.includes("outside"))
        return ["Start and end percent leave no step to reuse. Lower start_percent or raise end_percent."];
    if (reasons.filter((name) => name === "restarted").length > records.length / 3)
        return [
            "The sampler raises the noise level, or other nodes change the network, again and again. Choose a sampler that only lowers it, such as euler.",
        ];
    if (reasons.filter((name) => name === "missing").length > records.length / 3)
        return [
            "Its inputs changed at every step. Nodes that swap prompts or windows during sampling leave nothing to reuse.",
        ];
    return values(run);
}

/** @param {Run} run */
function values(run) {
    const bands = bandsOf(run.codebook, mostReuses(run));
    const reusing = bands.filter((band) => band.rate > 1);
    if (bands.length && !reusing.length)
        return ["Every rate of the codebook is 1, which computes every step. Raise the first rates."];
    const seen = run.records
        .map((record) => finite(record.looked_up))
        .filter((value) => value !== null)
        .sort((a, b) => a - b);
    const sensitivity = finite(run.settings.sensitivity);
    if (!reusing.length || !seen.length || !sensitivity) return [];
    const limit = reusing[reusing.length - 1].high;
    const half = seen[Math.floor(seen.length / 2)];
    const found = [
        `The video changed too much from step to step: the smallest value was ${number(seen[0])}, and the codebook reuses below ${number(limit)}.`,
    ];
    const lower = Number(((sensitivity * limit) / half).toPrecision(2));
    if (half > limit && lower >= 0.05)
        found.push(
            `Try sensitivity ${lower}: about half of the values would fall below it. Lower is faster and less faithful.`,
        );
    else if (half > limit) found.push("Use a codebook with higher thresholds, or more steps.");
    else if (run.steps < 15)
        found.push(
            `Few of ${run.steps} steps can be reused, since the first and the last two are always computed. Use more steps.`,
        );
    return found;
}
