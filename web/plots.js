// @ts-check
/** The plots of a run, one under the other on one axis. Each takes a top edge and gives its shapes and its height. */

import { computedShare, median } from "./counts.js";
import { t } from "./language.js";
import { caption, sign } from "./legend.js";
import { fit, path, rectPath, rule, text, together } from "./shapes.js";
import { finite } from "./trace.js";
import { milliseconds } from "./words.js";

/** @typedef {import("./scale.js").Cell} Cell */
/** @typedef {import("./shapes.js").Shape} Shape */
/** @typedef {import("./layout.js").Frame} Frame */
/** @typedef {import("./legend.js").Mark} Mark */
/** @typedef {{height: number, from?: number, shapes: Shape[]}} Section `from`: where what is below its heading begins */

/** The size of labels beside the plots. */
export const LABEL = 11;
const LONGEST = 1.6; // a bar of more usual ones is cut: a first step that loads a model would flatten the rest

/**
 * After each computed step, how far the next one was planned.
 * @param {Frame} frame
 * @param {number} top
 * @param {number} which of the frame's runs
 * @returns {Section}
 */
export function rates(frame, top, which) {
    const { cells } = frame.tracks[which];
    const spans = [];
    const labels = [];
    const y = top + 10;
    const size = 10;
    let free = -Infinity;
    cells.forEach((cell, n) => {
        const rate = cell.record?.computed ? finite(cell.record.rate) : null;
        if (!rate || rate < 1) return;
        // A forced step may come before the planned one: the span ends where the plan did.
        let until = n + 1;
        while (cells[until]?.step === cell.step) until += 1; // further evaluations of the same step
        while (cells[until]?.step < cell.step + rate && !cells[until].record?.computed) until += 1;
        const [left, right] = [cell.left + 0.5, cells[until - 1].right - 0.5];
        const wide = frame.measure(String(rate), size) + 4;
        const middle = (left + right) / 2;
        const fits = right - left + 2 >= wide && left - 1 >= free;
        const [before, behind] = [middle - wide / 2, middle + wide / 2];
        const look = { size, anchor: "middle", fill: rate > 1 ? "reused-text" : "soft" };
        if (fits) labels.push(text(middle, y + 3.5, String(rate), look));
        if (fits) free = behind - 2;
        const bar = fits ? [[left, before], [behind, right]] : [[left, right]];
        if (rate > 1) for (const [from, to] of bar) if (to - from > 1.5) spans.push(rule(from, to, y));
    });
    if (!labels.length && !spans.length) return { height: 0, shapes: [] };
    const shapes = [path(spans.join(""), { stroke: "soft", strokeOpacity: 0.5, strokeWidth: 1 }), ...labels];
    const name = frame.tracks.length > 1 ? t("next {letter}", { letter: "AB"[which] }) : t("next in");
    const label = fit(name, 12, frame.axisLeft - frame.left, frame.measure);
    return { height: 18, from: 2, shapes: [text(frame.left, y + 4, label), ...shapes] };
}

/** Milliseconds of every step. @param {Frame} frame @param {number} top @returns {Section} */
export function times(frame, top) {
    const taken = frame.tracks.map(({ cells }) => series(cells, "milliseconds"));
    const longest = Math.max(0, ...taken.map((bars) => bars.reduce((most, { value }) => Math.max(most, value), 0)));
    if (!(longest > 0)) return { height: 0, shapes: [] };
    /** @type {Mark[]} */
    const marks = [{ label: t("Time"), fill: "text" }];
    let ceiling = longest;
    for (const computed of [true, false]) {
        const values = taken
            .flat()
            .filter(({ cell }) => cell.record && computedShare(cell.record) === Number(computed)) // as a whole
            .map(({ value }) => value);
        if (!values.length) continue;
        const usual = median(values);
        if (computed && usual > 0) ceiling = Math.min(ceiling, LONGEST * usual);
        const time = milliseconds(usual);
        const label = computed ? t("computed {time}", { time }) : t("reused {time}", { time });
        marks.push({ label, sign: sign.bar(computed ? "computed" : "reused") });
    }
    if (frame.tracks.length > 1) marks.push({ label: t("B is the paler one") });
    if (longest > ceiling) marks.push({ label: t("longest {time}, cut", { time: milliseconds(longest) }), sign: sign.cut });
    const head = caption(marks, frame, top);
    const height = 40;
    const base = top + head.height + height;
    const shapes = [...head.shapes];
    taken.forEach((bars, n) => {
        for (const computed of [true, false]) {
            const mine = bars.filter(({ cell, value }) => cell.record?.computed === computed && value >= 0);
            const drawn = mine.map((bar) => rectPath(barBox(bar, n, taken.length, base, height, ceiling)));
            shapes.push(...together(drawn, { fill: computed ? "computed" : "reused", opacity: n ? 0.5 : 0.85 }));
        }
        const gap = { top: base - height + 6, height: 2 };
        const cut = bars.filter(({ value }) => value > ceiling).map(({ cell }) => cell);
        const gaps = cut.map(({ left, right }) => rectPath({ left: left - 1, width: right - left + 2, ...gap }));
        shapes.push(...together(gaps, { fill: "card" }));
    });
    shapes.push(path(rule(frame.axisLeft, frame.axisRight, base), { stroke: "rule", strokeWidth: 1 }));
    return { height: head.height + height, from: head.height, shapes };
}

function barBox({ cell, value }, n, of, base, height, ceiling) {
    const room = cell.right - cell.left;
    const width = Math.max(0.6, room * (of > 1 ? 0.42 : 0.6));
    const left = of > 1 ? (n ? cell.middle : cell.middle - width) : cell.middle - width / 2;
    const tall = Math.max(1, height * Math.min(1, value / ceiling));
    return { left, width, top: base - tall, height: tall };
}

/** The steps' numbers. @param {Frame} frame @param {number} top @returns {Section} */
export function axis(frame, top) {
    /** @type {Shape[]} */
    const shapes = [
        path(frame.ticks.map(({ x }) => `M${x.toFixed(2)} ${top + 2}v4`).join(""), { stroke: "rule", strokeWidth: 1 }),
    ];
    const name = t("step"); // a number that it would touch is left out
    const clear = frame.left + frame.measure(name, 11) + 6;
    for (const { x, label } of frame.ticks) {
        const half = frame.measure(label, 11) / 2;
        const inside = Math.min(x, frame.right - half);
        if (inside - half >= clear) shapes.push(text(inside, top + 18, label, { anchor: "middle", size: 11 }));
    }
    shapes.push(text(frame.left, top + 18, name, { size: 11 }));
    return { height: 24, shapes };
}

/**
 * The cells in which a field of the record is a number, with it.
 * @param {Cell[]} cells
 * @param {string} name
 */
export function series(cells, name) {
    const found = [];
    for (const cell of cells) {
        const value = finite(cell.record?.[name]);
        if (value !== null) found.push({ cell, value });
    }
    return found;
}
