// @ts-check
/** The heading of a plot with its legend, and the signs that legends show: the look of what they stand for. */

import { crossesPath, diamondsPath, dotsPath, fit, path, rectPath, rule, text } from "./shapes.js";

/** @typedef {import("./shapes.js").Shape} Shape */
/** @typedef {(x: number, y: number) => Shape[]} Sign Right of x, above a baseline. */
/** @typedef {{label: string, sign?: Sign, fill?: string}} Mark */

const SIZE = 12;
const ROW = 17;
const SIGN = 17; // room for a sign
const GAP = 12;

/**
 * Marks in as many rows as they take.
 * @param {Mark[]} marks
 * @param {{left: number, right: number, measure: import("./shapes.js").Measure}} frame
 * @param {number} top
 */
export function caption(marks, { left, right, measure }, top) {
    const shapes = [];
    let [x, row] = [left, 0];
    for (const { label, sign: mark, fill = "soft" } of marks) {
        const indent = mark ? SIGN : 0;
        const weight = fill === "text" ? 600 : undefined;
        const words = fit(label, SIZE, right - left - indent, measure);
        const wide = indent + measure(words, SIZE, weight);
        if (x > left && x + wide > right) [x, row] = [left, row + 1];
        const y = top + 20 + row * ROW;
        if (mark) shapes.push(...mark(x, y));
        shapes.push(text(x + indent, y, words, { size: SIZE, fill, weight }));
        x += wide + GAP;
    }
    return { height: 28 + row * ROW, shapes };
}

export const sign = {
    /** @type {Sign} */
    computed: (x, y) => [path(rectPath({ left: x + 2, top: y - 10, width: 9, height: 11 }, 2), { fill: "computed" })],
    /** @type {Sign} */
    reused: (x, y) => [
        path(rectPath({ left: x + 1.5, top: y - 4.5, width: 11, height: 5 }, 1.5), {
            fill: "reused",
            opacity: 0.28,
            stroke: "reused",
            strokeWidth: 1,
        }),
    ],
    /** @type {Sign} */
    forced: (x, y) => [path(rectPath({ left: x + 1, top: y - 5, width: 11, height: 2 }), { fill: "soft" })],
    /** @type {Sign} */
    pending: (x, y) => [path(rectPath({ left: x + 1, top: y - 2, width: 11, height: 2.5 }), { fill: "rule" })],
    /** @type {(colour: string) => Sign} */
    bar: (colour) => (x, y) => [
        path(rectPath({ left: x + 4, top: y - 9, width: 5, height: 10 }), { fill: colour, opacity: 0.85 }),
    ],
    /** @type {Sign} */
    cut: (x, y) => [
        path(rectPath({ left: x + 4, top: y - 10, width: 5, height: 3 }), { fill: "computed", opacity: 0.85 }),
        path(rectPath({ left: x + 4, top: y - 5, width: 5, height: 6 }), { fill: "computed", opacity: 0.85 }),
    ],
    /** @type {(colour: string) => Sign} */
    dot: (colour) => (x, y) => [
        path(rule(x, x + 13, y - 4), { stroke: colour, strokeOpacity: 0.55, strokeWidth: 1.5 }),
        path(dotsPath([{ x: x + 6.5, y: y - 4 }], 3), { fill: colour }),
    ],
    /** @type {Sign} */
    ring: (x, y) => [
        path(rule(x, x + 13, y - 4), { stroke: "soft", strokeOpacity: 0.45, strokeWidth: 1 }),
        path(dotsPath([{ x: x + 6.5, y: y - 4 }], 2.5), { fill: "card", stroke: "soft", strokeWidth: 1 }),
    ],
    /** @type {Sign} */
    diamond: (x, y) => [
        path(rule(x, x + 13, y - 4), { stroke: "second", strokeWidth: 1.5, dash: "3 2" }),
        path(diamondsPath([{ x: x + 6.5, y: y - 4 }], 2.6), { fill: "second" }),
    ],
    /** @type {Sign} */
    cross: (x, y) => [path(crossesPath([{ x: x + 6.5, y: y - 4 }], 3), { stroke: "alarm", strokeWidth: 2 })],
    /** @type {Sign} */
    dashes: (x, y) => [path(rule(x, x + 13, y - 4), { stroke: "soft", strokeWidth: 1, dash: "4 3" })],
};
