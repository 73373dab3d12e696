// @ts-check
/** A run as text to keep or to give away: JSON, CSV, SVG, a schedule. No DOM but the one that is given. */

import { computedOf, gains, inPart, passes } from "./counts.js";
import { draw, fixed } from "./draw.js";
import { t } from "./language.js";
import { layoutCard } from "./layout.js";
import { MOST_RECORDS, NUMBERS, VERSION } from "./trace.js";
import { reason } from "./words.js";

/** @typedef {import("./trace.js").Run} Run */

const COLUMNS = ["evaluation", "step", "sigma", "computed", "reason", ...NUMBERS.filter((name) => name !== "sigma")];

/** The form that the trace output has, and that Import reads. @param {Run[]} runs */
export function toJson(runs) {
    const plain = runs.map((run) => {
        const gained = gains(run);
        const computed = computedOf(run);
        const [computed_passes, of] = passes(run);
        const derived = {
            computed,
            reused: run.records.length - computed,
            in_part: inPart(run),
            computed_passes,
            passes: of,
            estimated_seconds: gained?.without ?? run.seconds ?? 0,
            speed_up: gained?.speedUp ?? 1,
        };
        // Ends that only this page knows are "still running" to others.
        const end = ["lost", "unfinished"].includes(run.end) ? "" : run.end;
        const records = run.records.map((record) => ({ ...record, milliseconds: record.milliseconds ?? 0 }));
        const { about: _, ...shared } = run; // which workflow it was is nobody else's business
        return { ...shared, end, seconds: run.seconds ?? 0, records, derived };
    });
    return `${JSON.stringify({ version: VERSION, runs: plain }, null, 1)}\n`;
}

/** One row per evaluation. @param {Run[]} runs */
export function toCsv(runs) {
    const rows = runs.flatMap((run, n) =>
        run.records.map((record) =>
            [n + 1, ...COLUMNS.map((name) => cell(record[name])), cell(reason(record))].join(","),
        ),
    );
    return `${["run", ...COLUMNS, "in_words"].join(",")}\r\n${rows.join("\r\n")}\r\n`;
}

/** A text that starts as a formula would be one for a spreadsheet. @param {unknown} value */
function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const safe = /^[=+\-@\t]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * A picture that needs nothing from this page.
 * @param {Run[]} runs
 * @param {Document} document
 * @param {Record<string, string>} palette
 * @param {{measure?: import("./shapes.js").Measure, titles?: string[]}} [look]
 */
export function toSvg(runs, document, palette, look) {
    const svg = draw(layoutCard(runs, look), document, fixed(palette));
    svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    svg.setAttribute(
        "font-family",
        "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif",
    );
    return svg;
}

/**
 * The run's decisions as the nodes read them, such as "30 steps: 1 2 7 12 29 30".
 * @param {Run} run
 * @returns {{text: string, why: string}} why there is none, or ""
 */
export function schedule(run) {
    if (!run.records.length) return { text: "", why: t("No step was recorded.") };
    const reached = new Set(run.records.map((record) => record.step));
    if (run.end !== "done" || reached.size !== run.steps || Math.max(...reached) !== run.steps)
        return { text: "", why: t("The run has not reached its last step, so its schedule has no end.") };
    // A step computed only for want of anything to reuse was decided otherwise, and a replay finds the same want again.
    const computed = run.records.filter((record) => record.computed);
    const planned = computed.filter((record) => record.reason !== "missing");
    const steps = [...new Set(planned.map((record) => record.step))].sort((a, b) => a - b);
    if (steps[0] !== 1 || run.steps > MOST_RECORDS)
        return { text: "", why: t("Its first step was not computed, so nothing can replay it.") };
    const more = new Set(computed.map((record) => record.step)).size - steps.length;
    const [done, of] = passes(run);
    const remark = more ? `  # ${more} more were computed in part or whole: ${done} of ${of} passes` : "";
    return { text: `${run.steps} steps: ${steps.join(" ")}${remark}`, why: "" };
}

/** A name for files. @param {Run[]} runs @param {string} extension */
export function fileName(runs, extension) {
    const started = runs[0].info.started
        .replace(/[^0-9T]/g, "")
        .slice(0, 15)
        .replace("T", "_");
    return ["adacache", started, runs.length > 1 ? "overlay" : ""].filter(Boolean).join("_") + `.${extension}`;
}
