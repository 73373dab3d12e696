// @ts-check
/** What the panel says about a run, in plain words. No DOM. */

import { computedOf, gains, inPart, isInPart, passes, saves, sharesSteps } from "./counts.js";
import { listed, phrase, t } from "./language.js";
import { said } from "./server_words.js";
import { chosen, takeOf } from "./setting.js";

/** @typedef {import("./trace.js").Run} Run */
/** @typedef {import("./trace.js").Step} Step */

const WHY = {
    first: phrase("the first step has nothing to reuse"),
    last: phrase("the last two steps always are"),
    scheduled: phrase("the schedule planned it"),
    locked: phrase("the locked schedule says so"),
    outside: phrase("outside the start and end percent"),
    measuring: phrase("measuring only"),
    restarted: phrase("the noise level rose, or the network changed"),
    missing: phrase("an input had nothing cached yet"),
    refused: phrase("this run cannot be cached"),
};
const FORCED = {
    first: phrase("first"),
    last: phrase("last"),
    outside: phrase("outside start and end"),
    restarted: phrase("noise rose or network changed"),
    missing: phrase("nothing cached yet"),
};
const MOVING_WINDOWS = phrase(
    "Only a part of some steps was reused: prompts or context windows changed from step to step. Windows that stay " +
        "where they are (standard_static) reuse whole steps.",
);
const ENDS = {
    "": phrase("running"),
    cancelled: phrase("cancelled"),
    failed: phrase("failed"),
    lost: phrase("lost"),
    unfinished: phrase("unfinished"),
};

/** Why a step was computed or reused; a column has said which of the two. @param {Step} step */
export function why(step) {
    if (isInPart(step))
        return t("computed in part: {computed} of {passes} passes, the others reused", {
            computed: step.computed_passes,
            passes: step.passes,
        });
    if (!step.computed) return t("reused what the cache holds");
    return step.reason in WHY ? t(WHY[step.reason]) : "";
}

/** @param {Step} step */
export function reason(step) {
    if (isInPart(step) || !step.computed) return why(step);
    return why(step) ? t("computed: {why}", { why: why(step) }) : t("computed");
}

/** @param {Step} step whether it was computed whatever the schedule said */
export function isForced(step) {
    return Object.hasOwn(FORCED, step.reason);
}

/** @param {Run} run the kinds of forced steps, "" for none */
export function forcedKinds(run) {
    const found = new Set(run.records.map((record) => record.reason));
    return listed(Object.keys(FORCED).map((kind) => (found.has(kind) ? t(FORCED[kind]) : "")));
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
    if (seconds < 100) return t("{seconds} s", { seconds: seconds.toFixed(1) });
    const minutes = Math.floor(Math.round(seconds) / 60);
    if (minutes < 60) return t("{minutes} min {seconds} s", { minutes, seconds: Math.round(seconds) % 60 });
    return t("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
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

/** One or two words on how a run stands, "" when it was done. @param {Run} run */
export function state(run) {
    return run.end === "done" ? "" : t(ENDS[run.end] ?? run.end);
}

/**
 * The title: what was computed, what it gained, and how that is known.
 * @param {Run} run
 */
export function headline(run) {
    const count = run.records.length;
    if (!count)
        return { counted: run.end ? t("No step was recorded") : t("Waiting for the first step"), gained: "", how: "" };
    const [parts, [done, of]] = [inPart(run), passes(run)];
    const sentence = sharesSteps(run)
        ? phrase("{computed} of {count} evaluations computed")
        : phrase("{computed} of {count} steps computed");
    const told = t(sentence, { computed: computedOf(run), count });
    const counted = parts ? t("{told}, {parts} of them in part: {done} of {of} passes", { told, parts, done, of }) : told;
    const gained = gains(run);
    if (gained) {
        const times = faster(run);
        const words = gained.speedUp >= 1.005 ? phrase("{times} faster") : phrase("not faster, {times}");
        return { counted, gained: t(words, { times }), how: t("estimated") };
    }
    if (saves(run)) return { counted, gained: "", how: "" };
    const measured = run.settings.mode === "measure";
    return { counted, gained: measured ? t("measured only") : run.end ? t("nothing reused") : "", how: "" };
}

/** The gain alone, such as "2.27x"; "" where there is none to tell. @param {Run} run */
export function faster(run) {
    const gained = gains(run);
    return gained ? `${gained.speedUp.toFixed(2)}x` : "";
}

/** What a running run has come to, "" for others. @param {Run} run */
export function progress(run) {
    if (run.end || !run.records.length) return "";
    const last = run.records[run.records.length - 1];
    const sweep = takeOf(run);
    const take = sweep ? t("take {take} of {of}", sweep) : "";
    const step = t("step {step} of {steps}", { step: last.step, steps: run.steps });
    // Of several evaluations of a step, the first has the rate.
    const rate = run.records.find((record) => record.step === last.step)?.rate;
    const next = last.step + (rate ?? 0);
    return listed([take, step, rate && rate > 1 && next < run.steps ? t("next computed: {next}", { next }) : ""]);
}

/** What was run, how it was set, and what the cache took; each in short parts. @param {Run} run */
export function facts(run) {
    const { info } = run;
    const gained = gains(run);
    const took = run.seconds ? t("took {time}", { time: duration(run.seconds) }) : "";
    const saved = took && gained && gained.saved > 0 ? t("about {time} saved", { time: duration(gained.saved) }) : "";
    const shape = info.shape.length ? t("latent {shape}", { shape: info.shape.join("x") }) : "";
    const groups = [
        [info.family, shape, info.sampler, info.workers > 1 ? t("{count} workers", { count: info.workers }) : "", took, saved],
        [...chosen(run), cache(run)],
        // A number does not stand alone in a line.
        [run.probe && t("change measured on: {probe}", { probe: said(run.probe) }).replace(/ (\d+)$/, "\u00a0$1")],
    ];
    return groups.map((parts) => parts.filter(Boolean)).filter((parts) => parts.length);
}

/** @param {Run} run */
function cache(run) {
    if (!(run.cache_bytes > 0)) return "";
    const size = bytes(run.cache_bytes);
    if (run.cache_place === "model") return t("cache {size} with the model", { size });
    return run.cache_place === "system" ? t("cache {size} in system memory", { size }) : t("cache {size}", { size });
}

const AFTER = {
    cancelled: phrase("Cancelled after {reached}"),
    lost: phrase("The server stopped or was restarted after {reached}"),
    unfinished: phrase("Exported while it ran, after {reached}"),
    failed: phrase("Failed after {reached}"),
};

/** What must not be missed: why a run was not cached, and how it ended if not well. @param {Run} run */
export function notices(run) {
    const count = run.records.length;
    const reached = sharesSteps(run)
        ? t("{count} evaluations", { count })
        : t("{count} of {steps} steps", { count, steps: run.steps });
    const uncached = saves(run) ? phrase("Caching stopped: {why}") : phrase("Not cached: {why}");
    const found = run.note ? [t(uncached, { why: said(run.note) })] : [];
    if (run.caution && saves(run)) found.push(t("Caution: {what}", { what: said(run.caution) }));
    const ended = AFTER[run.end] ? t(AFTER[run.end], { reached }) : "";
    const detail = ["cancelled", "lost", "unfinished"].includes(run.end) ? "" : run.end_detail;
    if (ended || detail) found.push([ended, detail].filter(Boolean).join(": "));
    return inPart(run) ? [...found, t(MOVING_WINDOWS)] : found;
}

/** Every number of a step, for people: pairs of a name and a text. @param {Step} step @returns {[string, string][]} */
export function numbers(step) {
    const all = /** @type {[string, number | null, (value: number) => string][]} */ ([
        [t("noise level"), step.sigma, long],
        [t("distance"), step.distance, long],
        [t("looked up"), step.looked_up, long],
        [t("next computed"), step.rate, later],
        [t("motion score"), step.score, long],
        [t("motion"), step.motion, long],
        [t("motion gradient"), step.gradient, long],
        [t("forecast error"), step.error, long],
        [t("forecast gain"), step.gain, long],
        [t("time"), step.milliseconds, milliseconds],
    ]);
    return all.flatMap(([name, value, say]) => (value === null ? [] : [[name, say(value)]]));
}

/** @param {number} rate */
function later(rate) {
    return rate > 1 ? t("{rate} steps later, so {reused} reused", { rate, reused: rate - 1 }) : t("the next step");
}

/** A step in few words: what it was, and what tells most of it. @param {Step} step */
export function brief(step) {
    const [name, value] = [
        [t("forecast error"), step.error],
        [t("distance"), step.distance],
    ].find(([, value]) => value !== null) ?? ["", null];
    const told = typeof value === "number" ? `${name} ${number(value)}` : "";
    const time = step.milliseconds === null ? "" : milliseconds(step.milliseconds);
    const what = step.computed ? phrase("Step {step} computed") : phrase("Step {step} reused");
    return [t(what, { step: step.step }), listed([told, time])];
}

/** A step and its reason. @param {Step} step @param {boolean} shared whether steps have several evaluations */
export function stepTitle(step, shared) {
    const title = shared ? phrase("Evaluation {evaluation}, step {step}, {reason}") : phrase("Step {step}, {reason}");
    return t(title, { evaluation: step.evaluation, step: step.step, reason: reason(step) });
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
