// @ts-check
/** When nothing was reused: why, and what to change. No DOM. */

import { saves } from "./counts.js";
import { phrase, t } from "./language.js";
import { bandsOf, mostReuses } from "./scale.js";
import { remedyOf } from "./server_words.js";
import { isPlanned, lockedBy, takeOf } from "./setting.js";
import { finite } from "./trace.js";
import { number } from "./words.js";

/** @typedef {import("./trace.js").Run} Run */

const TOO_MUCH = phrase(
    "The video changed too much from step to step: the smallest value was {least}, and the codebook reuses below {limit}.",
);
const LOWER = phrase(
    "Try sensitivity {value}: about half of the values would fall below it. Lower is faster and less faithful.",
);
const FEW = phrase(
    "Few of {steps} steps can be reused, since the first and the last two are always computed. Use more steps.",
);

/**
 * What to change, in one or two sentences each; empty where steps were reused or the run is too young to tell.
 * @param {Run} run
 * @returns {string[]}
 */
export function advice(run) {
    return [run.note ? remedyOf(run.note) : change(run)].flat().filter(Boolean);
}

/** @param {Run} run @returns {string | string[]} */
function change(run) {
    const { records, settings } = run;
    if (!run.end || !records.length || saves(run)) return [];
    if (takeOf(run) && settings.mode === "measure") return []; // a sweep's uncached video
    if (settings.mode === "measure")
        return t("Measuring computes every step on purpose. Choose another preset to reuse steps.");
    if (lockedBy(run)) return t("The locked schedule computes every step. Lock the schedule of a run that reused some.");
    if (records.length < Math.min(run.steps, 6)) return [];
    const reasons = records.map((record) => record.reason);
    const planned = reasons.filter((name) => name === "scheduled").length;
    if (!planned && reasons.includes("outside"))
        return t("Start and end percent leave no step to reuse. Lower start_percent or raise end_percent.");
    const rises = records.filter((record, at) => at && Number(record.sigma) > Number(records[at - 1].sigma));
    if (rises.length > records.length / 3)
        return t("The sampler raises the noise level again and again. Choose one that only lowers it, such as euler.");
    if (reasons.filter((name) => name === "missing" || name === "restarted").length > records.length / 3)
        return t(
            "Its inputs changed at every step. Nodes that swap prompts or windows during sampling leave nothing to " +
                "reuse.",
        );
    return isPlanned(run)
        ? t("At this sensitivity the plan computes every step. Lower it, or choose a faster preset.")
        : values(run);
}

/** @param {Run} run */
function values(run) {
    const bands = bandsOf(run.codebook, mostReuses(run));
    const reusing = bands.filter((band) => band.rate > 1);
    if (bands.length && !reusing.length)
        return t("Every rate of the codebook is 1, which computes every step. Raise the first rates.");
    const seen = run.records.flatMap((record) => finite(record.looked_up) ?? []).sort((a, b) => a - b);
    const sensitivity = finite(run.settings.sensitivity);
    if (!reusing.length || !seen.length || !sensitivity) return [];
    const limit = reusing[reusing.length - 1].high;
    const half = seen[Math.floor(seen.length / 2)];
    const found = [t(TOO_MUCH, { least: number(seen[0]), limit: number(limit) })];
    const lower = Number(((sensitivity * limit) / half).toPrecision(2));
    if (half > limit && lower >= 0.05)
        found.push(t(LOWER, { value: lower }));
    else if (half > limit) found.push(t("Use a codebook with higher thresholds, or more steps."));
    else if (run.steps < 15)
        found.push(t(FEW, { steps: run.steps }));
    return found;
}
