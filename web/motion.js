// @ts-check
/** The plot of motion, as MoReg sees it. */

import { t } from "./language.js";
import { caption, sign } from "./legend.js";
import { series } from "./plots.js";
import { path, rectPath, rule, text, together } from "./shapes.js";
import { finite, isObject } from "./trace.js";
import { DROP, curve, grid } from "./values.js";
import { number } from "./words.js";

/** @typedef {import("./layout.js").Frame} Frame */
/** @typedef {import("./plots.js").Section} Section */

/** The motion score as a line, its gradient as bars. @param {Frame} frame @param {number} top @returns {Section} */
export function motion(frame, top) {
    const scores = frame.tracks.map(({ cells }) => series(cells, "score"));
    if (!scores.flat().length) return { height: 0, shapes: [] };
    const two = frame.tracks.length > 1;
    const gradients = two
        ? []
        : series(frame.tracks[0].cells, "gradient").map(({ cell, value }) => ({ cell, value: Math.abs(value) }));
    const steepest = gradients.reduce((most, { value }) => Math.max(most, value), 0);
    const neutral = isObject(frame.tracks[0].run.settings.moreg)
        ? finite(frame.tracks[0].run.settings.moreg.norm)
        : null;
    /** @type {import("./legend.js").Mark[]} */
    const marks = [{ label: t("Motion"), fill: "text" }];
    if (scores[0].length) marks.push({ label: two ? "A" : t("score"), sign: sign.dot("motion") });
    if (two && scores[1].length) marks.push({ label: "B", sign: sign.diamond });
    if (neutral !== null) marks.push({ label: t("neutral {value}", { value: number(neutral) }), sign: sign.dashes });
    if (steepest > 0) marks.push({ label: t("|gradient|, up to {value}", { value: number(steepest) }), sign: sign.bar("motion") });
    const head = caption(marks, frame, top);
    const well = { left: frame.axisLeft, top: top + head.height, width: frame.axisRight - frame.axisLeft, height: 56 };
    const { low, high, heightOf } = range([
        ...scores.flat().map(({ value }) => value),
        ...(neutral === null ? [] : [neutral]),
    ]);
    const yOf = (value) => well.top + (1 - heightOf(value)) * well.height;
    const shapes = [...head.shapes, path(rectPath(well), { fill: "well" }), ...grid(frame, well)];
    const bars = (steepest > 0 ? gradients : []).map(({ cell, value }) => {
        const [width, height] = [Math.max(0.6, 0.5 * (cell.right - cell.left)), (well.height * value) / steepest];
        return rectPath({ left: cell.middle - width / 2, width, top: well.top + well.height - height, height });
    });
    shapes.push(...together(bars, { fill: "motion", opacity: 0.38 }));
    const level = neutral === null ? [] : [rule(well.left, well.left + well.width, yOf(neutral))];
    shapes.push(...together(level, { stroke: "soft", strokeOpacity: 0.7, strokeWidth: 1, dash: "4 3" }));
    scores.forEach((values, n) => {
        const points = values.map(({ cell, value }) => ({ x: cell.middle, y: yOf(value) }));
        shapes.push(...curve(points, n ? "second" : "motion", n ? "diamond" : "dot"));
    });
    for (const value of new Set([low, high]))
        shapes.push(text(frame.axisLeft - 6, yOf(value) + DROP, number(value), { anchor: "end", size: 11 }));
    return { height: head.height + well.height, from: head.height, shapes };
}

/** Values to heights with a margin above and below. @param {number[]} values */
function range(values) {
    const low = Math.min(...values);
    const high = Math.max(...values);
    const heightOf = (value) => 0.14 + 0.72 * (high > low ? (value - low) / (high - low) : 0.5);
    return { low, high, heightOf };
}
