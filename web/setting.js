// @ts-check
/** How a run was set, in words and by the names of the nodes' fields. No DOM. */

import { median } from "./counts.js";
import { t } from "./language.js";
import { finite, isObject } from "./trace.js";

/** @typedef {import("./trace.js").Run} Run */

const PLACES = { model: "with the model", system: "system memory" };

/** The text of the locked schedule that a run followed, "" for none. @param {Run} run */
export function lockedBy(run) {
    return typeof run.settings.locked === "string" ? run.settings.locked : "";
}

/** Whether steps were planned by a share, not looked up in a codebook or locked. @param {Run} run */
export function isPlanned(run) {
    return finite(run.settings.share) !== null && !run.codebook && !lockedBy(run);
}

/** Which video of a sweep a run is for; its sampler is called such as "18.0.0.2of5-turbo.10". @param {Run} run */
export function takeOf(run) {
    const found = /\.(\d+)of(\d+)-/.exec(run.info.node_id);
    return found ? { take: Number(found[1]), of: Number(found[2]) } : null;
}

/** What a person set, in short parts; `all` also what nobody changed. @param {Run} run */
export function chosen(run, all = true) {
    const { preset, mode, moreg, sensitivity, start, end, max_reuses: cap } = run.settings;
    if (lockedBy(run)) return [t("locked schedule")];
    if (mode === "measure") return [takeOf(run) ? t("uncached") : "measure only"];
    const within = finite(start) !== null && finite(end) !== null && (start > 0 || end < 1);
    const given = finite(sensitivity) !== null && (all || sensitivity !== 1);
    return [
        `${typeof preset === "string" ? preset.slice(0, 60) : ""}${moreg ? " + MoReg" : ""}`,
        given ? t("sensitivity {value}", { value: Number(sensitivity.toPrecision(3)) }) : "",
        within ? t("from {start} % to {end} %", { start: Math.round(start * 100), end: Math.round(end * 100) }) : "",
        finite(cap) && cap > 0 ? t("at most {cap} reused in a row", { cap }) : "",
    ].filter(Boolean);
}

/** What MoReg changed, in a sentence; "" where there was none of it. @param {Run} run */
export function moregWords(run) {
    const norm = isObject(run.settings.moreg) ? finite(run.settings.moreg.norm) : null;
    const scores = run.records.flatMap((record) => finite(record.score) ?? []);
    if (!norm || lockedBy(run)) return "";
    if (!scores.length)
        return isPlanned(run)
            ? t(
                  "MoReg changed nothing: this preset plans its steps without motion. It counts with the presets as " +
                      "published and with a codebook.",
              )
            : "";
    const moves = { moves: times(median(scores) / norm) };
    const alone = t("MoReg: this video moves {moves} the norm.", moves);
    if (isPlanned(run)) return alone; // a run of a version in which motion moved plans
    const factors = run.records.flatMap(({ distance, motion, gradient }) =>
        distance && motion !== null ? motion + Math.abs(gradient ?? 0) : [],
    );
    if (!factors.length) return alone;
    const count = { ...moves, factor: times(median(factors)) };
    return t("MoReg: this video moves {moves} the norm; changes count {factor}.", count);
}

/** @param {number} value */
function times(value) {
    return `${Number(value.toPrecision(2))}x`;
}

/** Lines to copy: every field of the nodes by its name, and what the run was. @param {Run} run */
export function settingsText(run) {
    const { preset, sensitivity, start, end, max_reuses, place, moreg } = run.settings;
    const fields = {
        preset,
        sensitivity,
        start_percent: start,
        end_percent: end,
        max_reuses,
        cache_location: PLACES[place] ?? place,
        locked_schedule: lockedBy(run),
        codebook: run.codebook,
    };
    const { strides, first_step, last_step, ...others } = isObject(moreg) ? moreg : {};
    const motion = {
        strides: Array.isArray(strides) ? strides.join(" ") : undefined,
        ...others,
        first_step: first_step ?? 0,
        last_step: last_step ?? 0,
    };
    return [
        ...lines(fields),
        ...(isObject(moreg) ? ["", "MoReg Settings", ...lines(motion)] : []),
        "",
        ...lines({ steps: run.steps, sampler: run.info.sampler, "change measured on": run.probe }),
    ].join("\n");
}

/** @param {Record<string, unknown>} fields */
function lines(fields) {
    const written = Object.entries(fields).filter(([, value]) => ["string", "number"].includes(typeof value));
    return written.filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}`);
}
