// @ts-check
/** What a run amounts to: how much was computed, and what that gained. The same as the Python `Trace` says. No DOM. */

/** @typedef {import("./trace.js").Run} Run */
/** @typedef {import("./trace.js").Step} Step */

/** @param {Run} run */
export function computedOf(run) {
    return run.records.reduce((sum, record) => sum + Number(record.computed), 0);
}

/** How much of an evaluation was computed, 0 to 1. @param {Step} step */
export function computedShare(step) {
    return step.passes && step.computed_passes !== null ? step.computed_passes / step.passes : Number(step.computed);
}

/** Evaluations of which a part was computed and a part reused. @param {Run} run */
export function inPart(run) {
    return run.records.filter((record) => isInPart(record)).length;
}

/** @param {Step} step */
export function isInPart(step) {
    return computedShare(step) > 0 && computedShare(step) < 1;
}

/** How many passes were computed, and of how many. @param {Run} run @returns {[number, number]} */
export function passes(run) {
    const total = (name) => sum(run.records.map((record) => record[name] ?? 0));
    return [total("computed_passes"), total("passes")];
}

/** Whether anything was reused, be it in a part of a step only. @param {Run} run */
export function saves(run) {
    return computedOf(run) < run.records.length || inPart(run) > 0;
}

/**
 * Whether several evaluations belong to one step.
 * @param {Run} run
 */
export function sharesSteps(run) {
    return new Set(run.records.map((record) => record.step)).size < run.records.length;
}

/**
 * Estimate of the seconds without a cache, of those taken, and their ratio; null where nothing was reused or measured.
 * By medians, so that one slow step does not move it; the same as `Trace.estimated_seconds`, which says more. While a
 * run goes on, the seconds taken are those of its evaluations.
 * @param {Run} run
 */
export function gains(run) {
    const taken = run.end && run.seconds ? run.seconds : sum(run.records.map((one) => one.milliseconds ?? 0)) / 1000;
    const [whole, none] = [1, 0].map((share) => timesOf(run.records.filter((one) => computedShare(one) === share)));
    if (!saves(run) || !whole.length || !(taken > 0)) return null;
    const more = Math.max(0, median(whole) - (none.length ? median(none) : 0));
    const saved = (more * sum(run.records.map((record) => 1 - computedShare(record)))) / 1000;
    return { without: taken + saved, taken, saved, speedUp: (taken + saved) / taken };
}

/** @param {Step[]} records @returns {number[]} */
function timesOf(records) {
    return records.flatMap((record) => record.milliseconds ?? []);
}

/** @param {number[]} values */
export function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** @param {number[]} values */
function sum(values) {
    return values.reduce((total, value) => total + value, 0);
}
