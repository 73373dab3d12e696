// @ts-check
/** What the panel says about a run, in plain words. No DOM. */

import { computedOf, gains, inPart, isInPart, passes, saves, sharesSteps } from "./counts.js";
import { chosen, takeOf } from "./setting.js";

/** @typedef {import("./trace.js").Run} Run */
/** @typedef {import("./trace.js").Step} Step */

const REASONS = {
    first: "computed: the first step has nothing to reuse",
    last: "computed: the last two steps always are",
    scheduled: "computed: the schedule planned it",
    locked: "computed: the locked schedule says so",
    reused: "reused what the cache holds",
    outside: "computed: outside the start and end percent",
    measuring: "computed: measuring only",
    restarted: "computed: the noise level rose, or the network changed",
    missing: "computed: an input had nothing cached yet",
    refused: "computed: this run cannot be cached",
};
const FORCED = {
    first: "first",
    last: "last",
    outside: "outside start and end",
    restarted: "noise rose or network changed",
    missing: "nothing cached yet",
};
const MOVING_WINDOWS =
    "Only a part of some steps was reused: prompts or context windows changed from step to step. Windows that stay " +
    "where they are (standard_static) reuse whole steps.";
const ENDS = {
    "": "running",
    done: "",
    cancelled: "cancelled",
    failed: "failed",
    lost: "lost",
    unfinished: "unfinished",
};

/** @param {Step} step */
export function reason(step) {
    if (isInPart(step)) return `computed in part: ${step.computed_passes} of ${step.passes} passes, the others reused`;
    return REASONS[step.reason] ?? (step.computed ? "computed" : REASONS.reused);
}

/** @param {Step} step whether it was computed whatever the schedule said */
export function isForced(step) {
    return Object.hasOwn(FORCED, step.reason);
}

/** @param {Run} run the kinds of forced steps, "" for none */
export function forcedKinds(run) {
    const found = new Set(run.records.map((record) => record.reason));
    return Object.keys(FORCED)
        .filter((kind) => found.has(kind))
        .map((kind) => FORCED[kind])
        .join(", ");
}

/** A short number for a label. @param {number} value */
export function number(value) {
    if (value === 0) return "0";
    if (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4) return value.toExponential(0);
    const short = value.toFixed(2);
    if (Number(short) === value) return short;
    return String(Number(value.toPrecision(Math.abs(value) >= 0.01 ? 3 : 2)));
}

/** @param {number} seconds */
export function duration(seconds) {
    if (seconds < 100) return `${seconds.toFixed(1)} s`;
    const minutes = Math.floor(Math.round(seconds) / 60);
    if (minutes < 60) return `${minutes} min ${Math.round(seconds) % 60} s`;
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {number} value */
export function milliseconds(value) {
    return value >= 10
        ? `${String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",")} ms`
        : `${Number(value.toPrecision(2))} ms`;
}

/** @param {number} value of bytes */
export function bytes(value) {
    return value >= 2 ** 30 ? `${(value / 2 ** 30).toFixed(2)} GiB` : `${(value / 2 ** 20).toFixed(1)} MiB`;
}

/** @param {Run} run */
export function unit(run) {
    return sharesSteps(run) ? "evaluations" : "steps";
}

/** One or two words on how a run stands, "" when it was done. @param {Run} run */
export function state(run) {
    return ENDS[run.end] ?? run.end;
}

/**
 * The title: what was computed, what it gained, and how that is known.
 * @param {Run} run
 */
export function headline(run) {
    const count = run.records.length;
    if (!count)
        return { counted: run.end ? "No step was recorded" : "Waiting for the first step", gained: "", how: "" };
    const [parts, [done, of]] = [inPart(run), passes(run)];
    const told = `${computedOf(run)} of ${count} ${unit(run)} computed`;
    const counted = parts ? `${told}, ${parts} of them in part: ${done} of ${of} passes` : told;
    const gained = gains(run);
    if (gained) {
        const times = `${gained.speedUp.toFixed(2)}x`;
        return {
            counted,
            gained: gained.speedUp >= 1.005 ? `${times} faster` : `not faster, ${times}`,
            how: "estimated",
        };
    }
    if (saves(run)) return { counted, gained: "", how: "" };
    const measured = run.settings.mode === "measure";
    return { counted, gained: measured ? "measured only" : run.end ? "nothing reused" : "", how: "" };
}

/** What a running run has come to, "" for others. @param {Run} run */
export function progress(run) {
    if (run.end || !run.records.length) return "";
    const last = run.records[run.records.length - 1];
    const sweep = takeOf(run);
    const here = `${sweep ? `take ${sweep.take} of ${sweep.of}, ` : ""}step ${last.step} of ${run.steps}`;
    // Of several evaluations of a step, the first has the rate.
    const rate = run.records.find((record) => record.step === last.step)?.rate;
    const next = last.step + (rate ?? 0);
    return rate && rate > 1 && next < run.steps ? `${here}, next computed: ${next}` : here;
}

/** What was run, how it was set, and what the cache took; each in short parts. @param {Run} run */
export function facts(run) {
    const { info } = run;
    const gained = gains(run);
    const took = run.seconds ? `took ${duration(run.seconds)}` : "";
    const saved = took && gained && gained.saved > 0 ? `about ${duration(gained.saved)} saved` : "";
    const shape = info.shape.length ? `latent ${info.shape.join("x")}` : "";
    const groups = [
        [info.family, shape, info.sampler, took, saved],
        [...chosen(run), cache(run)],
        // A number does not stand alone in a line.
        [run.probe && `change measured on: ${run.probe}`.replace(/ (\d+)$/, "\u00a0$1")],
    ];
    return groups.map((parts) => parts.filter(Boolean)).filter((parts) => parts.length);
}

/** @param {Run} run */
function cache(run) {
    if (!(run.cache_bytes > 0)) return "";
    const place = { model: "with the model", system: "in system memory" }[run.cache_place] ?? "";
    return `cache ${bytes(run.cache_bytes)} ${place}`.trim();
}

/** What must not be missed: why a run was not cached, and how it ended if not well. @param {Run} run */
export function notices(run) {
    const count = run.records.length;
    const reached = sharesSteps(run) ? `${count} evaluations` : `${count} of ${run.steps} steps`;
    const found = run.note ? [`${saves(run) ? "Caching stopped" : "Not cached"}: ${run.note}`] : [];
    const why = run.end_detail ? `: ${run.end_detail}` : "";
    if (run.end === "cancelled") found.push(`Cancelled after ${reached}`);
    else if (run.end === "lost") found.push(`The server stopped or was restarted after ${reached}`);
    else if (run.end === "unfinished") found.push(`Exported while it ran, after ${reached}`);
    else if (run.end === "failed") found.push(`Failed after ${reached}${why}`);
    else if (why) found.push(run.end_detail);
    return inPart(run) ? [...found, MOVING_WINDOWS] : found;
}

/** Every number of a step, for people: pairs of a name and a text. @param {Step} step @returns {[string, string][]} */
export function numbers(step) {
    const all = /** @type {[string, number | null, (value: number) => string][]} */ ([
        ["noise level", step.sigma, long],
        ["distance", step.distance, long],
        ["looked up", step.looked_up, long],
        [
            "next computed",
            step.rate,
            (rate) => (rate > 1 ? `${rate} steps later, so ${rate - 1} reused` : "the next step"),
        ],
        ["motion score", step.score, long],
        ["motion", step.motion, long],
        ["motion gradient", step.gradient, long],
        ["forecast error", step.error, long],
        ["forecast gain", step.gain, long],
        ["time", step.milliseconds, milliseconds],
    ]);
    return all.flatMap(([name, value, say]) => (value === null ? [] : [[name, say(value)]]));
}

/** A step in few words: what it was, and what tells most of it. @param {Step} step */
export function brief(step) {
    const [name, value] = [
        ["forecast error", step.error],
        ["distance", step.distance],
    ].find(([, value]) => value !== null) ?? ["", null];
    const told = typeof value === "number" ? `${name} ${number(value)}` : "";
    const time = step.milliseconds === null ? "" : milliseconds(step.milliseconds);
    return [`Step ${step.step} ${step.computed ? "computed" : "reused"}`, [told, time].filter(Boolean).join(", ")];
}

/** A step and its reason. @param {Step} step @param {boolean} shared whether steps have several evaluations */
export function stepTitle(step, shared) {
    return `${shared ? `Evaluation ${step.evaluation}, step` : "Step"} ${step.step}, ${reason(step)}`;
}

/** @param {Step} step @param {boolean} shared */
export function spoken(step, shared) {
    return [stepTitle(step, shared), ...numbers(step).map(([name, value]) => `${name} ${value}`)].join("; ");
}

/** @param {number} value */
function long(value) {
    const size = Math.abs(value);
    return size > 0 && (size < 1e-4 || size >= 1e7) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}
