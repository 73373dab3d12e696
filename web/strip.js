// @ts-check
/** The strip of steps: what was computed and what was reused, apart by colour and by shape. */

import { computedOf, sharesSteps } from "./counts.js";
import { t } from "./language.js";
import { caption, sign } from "./legend.js";
import { rectPath, text, together } from "./shapes.js";
import { forcedKinds, isForced } from "./words.js";

/** @typedef {import("./layout.js").Frame} Frame */
/** @typedef {import("./legend.js").Mark} Mark */
/** @typedef {import("./plots.js").Section} Section */
/** @typedef {import("./shapes.js").Shape} Shape */

const MARK = 7; // above the strip's cells, for the marks of forced steps
const LOW = 0.38; // height of a reused step over that of a computed one

/**
 * A run's cells: full and orange where computed, low and hollow where reused, a line where still to come.
 * @param {Frame} frame
 * @param {number} which of the frame's runs
 * @param {number} top
 * @param {number} height
 * @returns {Shape[]}
 */
export function strip(frame, which, top, height) {
    const { run, cells } = frame.tracks[which];
    const bottom = top + height;
    const [full, low, forced, planned, pending] = /** @type {import("./scale.js").Cell[][]} */ ([[], [], [], [], []]);
    const nextComputed = plannedUntil(run);
    const mark = height < 20 ? 0 : MARK; // a small strip has no room for marks
    for (const cell of cells) {
        if (cell.record) (cell.record.computed ? full : low).push(cell);
        else (cell.step < nextComputed ? planned : pending).push(cell);
        if (cell.record && isForced(cell.record)) forced.push(cell);
    }
    const lowHeight = (height - mark) * LOW;
    const box = (from, tall) => (cell) => ({ left: cell.left, width: cell.right - cell.left, top: from, height: tall });
    const hollow = cells[0].right - cells[0].left >= 5;
    const inner = ({ left, right }) => {
        const inset = hollow ? 0.5 : 0;
        const [width, height] = [right - left - 2 * inset, lowHeight - 2 * inset];
        return { left: left + inset, width, top: bottom - lowHeight + inset, height };
    };
    const lowPaint = hollow
        ? { fill: "reused", opacity: 0.28, stroke: "reused", strokeWidth: 1 }
        : { fill: "reused", opacity: 0.85 };
    return [
        ...cellsPath(full, box(top + mark, height - mark), 3, { fill: "computed" }),
        ...cellsPath(low, inner, 2.5, lowPaint),
        ...cellsPath(planned, inner, 2.5, { stroke: "reused", strokeWidth: 1, strokeOpacity: 0.45, dash: "2 2" }),
        ...cellsPath(pending, box(bottom - 2.5, 2.5), 0, { fill: "rule" }),
        ...cellsPath(mark ? forced : [], box(top + 1, 2), 0, { fill: "soft" }),
    ];
}

/** The step that will be computed next as far as the last rate tells; 0 for a run that has ended. */
function plannedUntil(run) {
    const computed = run.end ? null : run.records.findLast((record) => record.computed);
    // Of several evaluations of a step, the first has the rate.
    const last = computed && run.records.find((record) => record.step === computed.step);
    // By a codebook the last two steps are always computed; a plan, which has none, computes only the last.
    const forced = run.codebook ? run.steps - 1 : run.steps;
    return last?.rate ? Math.min(last.step + last.rate, forced) : 0;
}

/** One path for all; where cells touch, neighbours are joined, so that no seams show. */
function cellsPath(cells, boxOf, radius, paint) {
    const boxes = [];
    for (const cell of cells) {
        const box = boxOf(cell);
        const before = boxes[boxes.length - 1];
        if (before && box.left - (before.left + before.width) < 0.01) before.width = box.left + box.width - before.left;
        else boxes.push(box);
    }
    return together(boxes.map((box) => rectPath(box, Math.min(radius, box.width / 3))), paint);
}

/** The strips of all runs, with a legend and counts. @param {Frame} frame @param {number} top @returns {Section} */
export function strips(frame, top) {
    const two = frame.tracks.length > 1;
    const head = caption(stripMarks(frame), frame, top);
    const shapes = [...head.shapes];
    let y = top + head.height;
    const height = two ? 34 : 46;
    frame.tracks.forEach((track, n) => {
        shapes.push(...strip(frame, n, y, height));
        if (two) {
            const { computed, reused } = countsOf([track]);
            shapes.push(text(frame.left, y + height - 8, "AB"[n], { fill: "text", weight: 600 }));
            if (frame.beside < frame.right) {
                shapes.push(text(frame.beside, y + height / 2, String(computed), { fill: "computed-text" }));
                shapes.push(text(frame.beside, y + height - 1, String(reused), { fill: "reused-text" }));
            }
        }
        y += height + 4;
    });
    return { height: y - top, from: head.height, shapes };
}

/** @param {Frame} frame @returns {Mark[]} */
function stripMarks({ tracks }) {
    const two = tracks.length > 1;
    const { computed, reused } = countsOf(tracks);
    const kinds = [...new Set(tracks.map(({ run }) => forcedKinds(run)).filter(Boolean))];
    const stopped = tracks.some(({ run, cells }) => run.end && cells.some(({ record }) => !record));
    /** @type {Mark[]} */
    const marks = [{ label: sharesSteps(tracks[0].run) ? t("Evaluations") : t("Steps"), fill: "text" }];
    const [first, second] = two ? [t("computed"), t("reused")] : [t("{computed} computed", { computed }), t("{reused} reused", { reused })];
    if (computed) marks.push({ label: first, sign: sign.computed });
    if (reused) marks.push({ label: second, sign: sign.reused });
    if (kinds.length)
        marks.push({ label: two ? t("forced") : t("forced ({kinds})", { kinds: kinds[0] }), sign: sign.forced });
    if (stopped) marks.push({ label: t("not reached"), sign: sign.pending });
    return marks;
}

/** @param {import("./layout.js").Track[]} tracks */
function countsOf(tracks) {
    const computed = tracks.reduce((sum, { run }) => sum + computedOf(run), 0);
    return { computed, reused: tracks.reduce((sum, { run }) => sum + run.records.length, 0) - computed };
}
