// @ts-check
/** The plots of what was measured: distance over the codebook's bands, and motion. */

import { caption, sign } from "./legend.js";
import { LABEL, series } from "./plots.js";
import { BandScale, bandsOf, mostReuses } from "./scale.js";
import { crossesPath, diamondsPath, dotsPath, fit, linePath, path, rectPath, rule, text } from "./shapes.js";
import { finite, isObject } from "./trace.js";
import { lockedBy, number } from "./words.js";

/** @typedef {import("./layout.js").Frame} Frame */
/** @typedef {import("./plots.js").Section} Section */
/** @typedef {import("./shapes.js").Box} Box */

const DROP = 4; // from the middle of a line of small text to its baseline
const LINE = 13;

/**
 * What was looked up over the bands of the first run's codebook.
 * @param {Frame} frame
 * @param {number} top
 * @returns {Section}
 */
export function distance(frame, top, height = 156) {
    const [first, second] = frame.tracks;
    const found = measured(frame);
    if (!found.values.length && !found.odd.length) return { height: 0, shapes: [] };
    /** @type {import("./legend.js").Mark[]} */
    const marks = [{ label: "Distance", fill: "text" }];
    if (second) marks.push({ label: "A", sign: sign.dot("text") }, { label: "B", sign: sign.diamond });
    else marks.push({ label: lookedUp(first.run), sign: sign.dot("text") });
    if (found.raw.length) marks.push({ label: "before motion and sensitivity", sign: sign.ring });
    if (found.odd.length) marks.push({ label: "not a number", sign: sign.cross });
    if (second && second.run.codebook !== first.run.codebook) marks.push({ label: "bands of A" });
    const head = caption(marks, frame, top);
    const well = { left: frame.axisLeft, top: top + head.height, width: frame.axisRight - frame.axisLeft, height };
    const scale = new BandScale(bandsOf(first.run.codebook, mostReuses(first.run)), found.values);
    return {
        height: head.height + height,
        shapes: [...head.shapes, ...bandLabels(frame, well, scale), ...curves(frame, well, scale, found)],
    };
}

/** @param {import("./trace.js").Run} run */
function lookedUp(run) {
    if (lockedBy(run)) return "measured, schedule locked";
    return run.codebook ? "looked up in the codebook" : "measured, steps planned";
}

/** The bands and curves without words. @param {Frame} frame @param {number} top @param {number} height @returns {Section} */
export function bareDistance(frame, top, height) {
    const found = measured(frame);
    if (!found.values.length) return { height: 0, shapes: [] };
    const { run } = frame.tracks[0];
    const well = { left: frame.axisLeft, top, width: frame.axisRight - frame.axisLeft, height };
    const scale = new BandScale(bandsOf(run.codebook, mostReuses(run)), found.values);
    return { height, shapes: curves(frame, well, scale, { ...found, raw: [] }) };
}

/** @param {Frame} frame */
function measured({ tracks }) {
    const lookedUp = tracks.map(({ cells }) => series(cells, "looked_up"));
    const plain = series(tracks[0].cells, "distance");
    const differs = plain.some(({ value }, n) => value !== lookedUp[0][n]?.value);
    const raw = tracks.length === 1 && differs ? plain : [];
    // A measure that is no number computes the next step; in a stored trace it is null beside a rate.
    const odd = tracks[0].cells.filter((cell, n) => {
        const record = cell.record;
        return (
            n > 0 &&
            record?.computed &&
            record.rate !== null &&
            record.looked_up === null &&
            record.reason === "scheduled"
        );
    });
    return { lookedUp, raw, odd, values: [...lookedUp.flat(), ...raw].map(({ value }) => value) };
}

function curves(frame, well, scale, { lookedUp, raw, odd }) {
    const place = ({ cell, value }) => ({ x: cell.middle, y: well.top + (1 - scale.at(value)) * well.height });
    const shapes = [...bandFields(well, scale), ...grid(frame, well)];
    if (raw.length) shapes.push(...curve(raw.map(place), "soft", "ring"));
    lookedUp.forEach((values, n) =>
        shapes.push(...curve(values.map(place), n ? "second" : "text", n ? "diamond" : "dot")),
    );
    const crosses = odd.map((cell) => ({ x: cell.middle, y: well.top + 9 }));
    if (crosses.length) shapes.push(path(crossesPath(crosses, 3.5), { stroke: "alarm", strokeWidth: 2 }));
    return shapes;
}

/** A line with a point per value. @param {{x: number, y: number}[]} points @param {string} colour @param {"dot" | "ring" | "diamond"} look */
function curve(points, colour, look) {
    if (!points.length) return [];
    const gaps = points
        .slice(1)
        .map((point, n) => point.x - points[n].x)
        .sort((a, b) => a - b);
    // Most points keep clear of each other; the two or three forced ones at the end may touch.
    const radius = Math.min(3.2, Math.max(1, 0.4 * (gaps[Math.floor(gaps.length / 5)] ?? 10)));
    const line = path(linePath(points), {
        stroke: colour,
        strokeOpacity: look === "ring" ? 0.45 : 0.6,
        strokeWidth: look === "ring" ? 1 : 1.4,
        dash: look === "diamond" ? "4 3" : undefined,
    });
    if (look === "ring")
        return [line, path(dotsPath(points, 0.85 * radius), { fill: "card", stroke: colour, strokeWidth: 1 })];
    return [line, path((look === "diamond" ? diamondsPath : dotsPath)(points, radius), { fill: colour })];
}

/** Blue where much is reused, orange where every step is computed. @param {Box} well @param {BandScale} scale */
function bandFields(well, scale) {
    const highest = Math.max(...scale.bands.map(({ rate }) => rate));
    const shapes = [path(rectPath(well), { fill: "well" })];
    const edges = [];
    for (const { band, from, to } of scale.edges()) {
        const [bottom, top] = [well.top + (1 - from) * well.height, well.top + (1 - to) * well.height];
        const opacity = band.rate <= 1 ? 0.18 : 0.08 + (0.2 * (band.rate - 1)) / Math.max(1, highest - 1);
        const box = { left: well.left, top, width: well.width, height: bottom - top };
        if (band.rate) shapes.push(path(rectPath(box), { fill: band.rate <= 1 ? "computed" : "reused", opacity }));
        if (band.low > 0) edges.push(rule(well.left, well.left + well.width, bottom));
    }
    if (edges.length && edges.length <= 24)
        shapes.push(path(edges.join(""), { stroke: "soft", strokeOpacity: 0.3, strokeWidth: 1 }));
    return shapes;
}

/** Thresholds at the left, what bands do at the right, as many as there is room for. */
function bandLabels(frame, well, scale) {
    const shapes = [];
    const bottomOf = (part) => well.top + (1 - part) * well.height;
    let [free, tickFree] = [well.top + well.height + LINE, well.top + well.height + LINE];
    for (const { band, from, to } of scale.edges()) {
        const y = (bottomOf(from) + bottomOf(to)) / 2 + DROP;
        if (band.rate && y <= free && frame.beside < frame.right) {
            const label = band.rate <= 1 ? "compute" : `reuse ${band.rate - 1}`;
            const fill = band.rate <= 1 ? "computed-text" : "reused-text";
            shapes.push(
                text(frame.beside, y, fit(label, LABEL, frame.right - frame.beside, frame.measure), {
                    fill,
                    size: LABEL,
                }),
            );
            free = y - LINE;
        }
        const edge = bottomOf(from) + (band.low > 0 ? DROP : 0);
        if (edge <= tickFree) {
            shapes.push(text(frame.axisLeft - 6, edge, number(band.low), { anchor: "end", size: 11 }));
            tickFree = edge - LINE;
        }
    }
    const peak = bottomOf(scale.at(scale.peak)) + DROP;
    if (peak <= tickFree) shapes.push(text(frame.axisLeft - 6, peak, number(scale.peak), { anchor: "end", size: 11 }));
    return shapes;
}

/** @param {Frame} frame @param {Box} well */
function grid(frame, well) {
    const lines = frame.ticks.map(({ x }) => `M${x.toFixed(2)} ${well.top.toFixed(2)}v${well.height}`).join("");
    return [path(lines, { stroke: "soft", strokeOpacity: 0.12, strokeWidth: 1 })];
}

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
    const marks = [{ label: "Motion", fill: "text" }];
    if (scores[0].length) marks.push({ label: two ? "A" : "score", sign: sign.dot("motion") });
    if (two && scores[1].length) marks.push({ label: "B", sign: sign.diamond });
    if (neutral !== null) marks.push({ label: `neutral ${number(neutral)}`, sign: sign.dashes });
    if (steepest > 0) marks.push({ label: `|gradient|, up to ${number(steepest)}`, sign: sign.bar("motion") });
    const head = caption(marks, frame, top);
    const well = { left: frame.axisLeft, top: top + head.height, width: frame.axisRight - frame.axisLeft, height: 56 };
    const { low, high, heightOf } = range([
        ...scores.flat().map(({ value }) => value),
        ...(neutral === null ? [] : [neutral]),
    ]);
    const yOf = (value) => well.top + (1 - heightOf(value)) * well.height;
    const shapes = [...head.shapes, path(rectPath(well), { fill: "well" }), ...grid(frame, well)];
    const bars = gradients
        .filter(() => steepest > 0)
        .map(({ cell, value }) => {
            const [width, height] = [Math.max(0.6, 0.5 * (cell.right - cell.left)), (well.height * value) / steepest];
            return rectPath({ left: cell.middle - width / 2, width, top: well.top + well.height - height, height });
        });
    if (bars.length) shapes.push(path(bars.join(""), { fill: "motion", opacity: 0.38 }));
    if (neutral !== null)
        shapes.push(
            path(rule(well.left, well.left + well.width, yOf(neutral)), {
                stroke: "soft",
                strokeOpacity: 0.7,
                strokeWidth: 1,
                dash: "4 3",
            }),
        );
    scores.forEach((values, n) =>
        shapes.push(
            ...curve(
                values.map(({ cell, value }) => ({ x: cell.middle, y: yOf(value) })),
                n ? "second" : "motion",
                n ? "diamond" : "dot",
            ),
        ),
    );
    for (const value of new Set([low, high]))
        shapes.push(text(frame.axisLeft - 6, yOf(value) + DROP, number(value), { anchor: "end", size: 11 }));
    return { height: head.height + well.height, shapes };
}

/** Values to heights with a margin above and below. @param {number[]} values */
function range(values) {
    const low = Math.min(...values);
    const high = Math.max(...values);
    const heightOf = (value) => 0.14 + 0.72 * (high > low ? (value - low) / (high - low) : 0.5);
    return { low, high, heightOf };
}
