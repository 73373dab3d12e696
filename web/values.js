// @ts-check
/** The plots of what was measured: distance over the codebook's bands, and the error of forecasts. */

import { t } from "./language.js";
import { caption, sign } from "./legend.js";
import { LABEL, series } from "./plots.js";
import { BandScale, bandsOf, mostReuses } from "./scale.js";
import { isPlanned, lockedBy } from "./setting.js";
import { crossesPath, diamondsPath, dotsPath, fit, linePath, path, rectPath, rule, text, together } from "./shapes.js";
import { number } from "./words.js";

/** @typedef {import("./layout.js").Frame} Frame */
/** @typedef {import("./plots.js").Section} Section */
/** @typedef {import("./shapes.js").Box} Box */

export const DROP = 4; // from the middle of a line of small text to its baseline
const LINE = 13;

/**
 * What was looked up over the bands of the first run's codebook. Where something else decided, it is small, and without
 * what nothing was held against.
 * @param {Frame} frame
 * @param {number} top
 * @returns {Section}
 */
export function distance(frame, top) {
    const [first, second] = frame.tracks;
    const found = measured(frame);
    if (!found.values.length && !found.odd.length) return { height: 0, shapes: [] };
    const decides = found.bands.length > 0 && !lockedBy(first.run);
    /** @type {import("./legend.js").Mark[]} */
    const marks = [{ label: t("Distance"), fill: "text" }];
    if (second) marks.push({ label: "A", sign: sign.dot("text") }, { label: "B", sign: sign.diamond });
    else if (decides) marks.push({ label: t("looked up in the codebook"), sign: sign.dot("text") });
    if (found.raw.length) marks.push({ label: t("before motion and sensitivity"), sign: sign.ring });
    if (found.odd.length) marks.push({ label: t("not a number"), sign: sign.cross });
    if (!decides) marks.push({ label: why(first.run, second?.run) });
    return field(frame, top, decides ? 156 : 56, marks, found);
}

/** Why the measured distance is only shown. @param {import("./trace.js").Run} run @param {import("./trace.js").Run} [over] */
function why(run, over) {
    if (over && run.codebook !== over.codebook) return t("as measured, since the codebooks differ");
    if (lockedBy(run)) return t("measured; the locked schedule decides");
    return isPlanned(run) ? t("measured; the plan decides") : t("measured");
}

/**
 * How far off the forecast was that a computed step took the place of.
 * @param {Frame} frame
 * @param {number} top
 * @returns {Section}
 */
export function errors(frame, top) {
    const found = forecast(frame);
    if (!found.values.length) return { height: 0, shapes: [] };
    /** @type {import("./legend.js").Mark[]} */
    const marks = [{ label: t("Forecast error"), fill: "text" }];
    if (frame.tracks.length > 1) {
        if (found.lookedUp[0].length) marks.push({ label: "A", sign: sign.dot("text") });
        if (found.lookedUp[1].length) marks.push({ label: "B", sign: sign.diamond });
    } else marks.push({ label: t("how far off reuse would have been"), sign: sign.dot("text") });
    return field(frame, top, 84, marks, found);
}

/** @param {Frame} frame */
function forecast({ tracks }) {
    const lookedUp = tracks.map(({ cells }) => series(cells, "error"));
    return { bands: [], lookedUp, raw: [], odd: [], values: lookedUp.flat().map(({ value }) => value) };
}

/** @param {Frame} frame @param {number} top @param {number} height @returns {Section} */
function field(frame, top, height, marks, found) {
    const head = caption(marks, frame, top);
    const well = { left: frame.axisLeft, top: top + head.height, width: frame.axisRight - frame.axisLeft, height };
    const scale = new BandScale(found.bands, found.values);
    return {
        height: head.height + height,
        from: head.height,
        shapes: [...head.shapes, ...bandLabels(frame, well, scale), ...curves(frame, well, scale, found)],
    };
}

/** The curve of what decides, without words. @param {Frame} frame @param {number} top @param {number} height @returns {Section} */
export function bareCurve(frame, top, height) {
    const found = hasBands(frame.tracks) ? measured(frame) : forecast(frame);
    if (!found.values.length) return { height: 0, shapes: [] };
    const well = { left: frame.axisLeft, top, width: frame.axisRight - frame.axisLeft, height };
    const scale = new BandScale(found.bands, found.values);
    return { height, shapes: curves(frame, well, scale, { ...found, raw: [] }) };
}

/** The bands that decided, of all runs; none where they differ or where no codebook decided. @param {Frame} frame */
function bandsIn({ tracks }) {
    const [{ run }] = tracks;
    const equal = tracks.every((track) => track.run.codebook === run.codebook);
    return equal ? bandsOf(run.codebook, mostReuses(run)) : [];
}

/** Whether there is a codebook whose bands are drawn. @param {import("./layout.js").Track[]} tracks */
export function hasBands(tracks) {
    return bandsIn(/** @type {Frame} */ ({ tracks })).length > 0;
}

/** @param {Frame} frame */
function measured(frame) {
    const { tracks } = frame;
    const bands = bandsIn(frame);
    const plain = series(tracks[0].cells, "distance");
    // Motion and sensitivity change what is looked up in a codebook; without one, the measure itself is drawn.
    const lookedUp = tracks.map(({ cells }) => series(cells, bands.length ? "looked_up" : "distance"));
    const differs = plain.some(({ value }, n) => value !== lookedUp[0][n]?.value);
    const raw = tracks.length === 1 && differs ? plain : [];
    // A measure that is no number computes the next step; in a stored trace it is null beside a rate.
    const odd = tracks[0].cells.filter(({ record }, n) => {
        const scheduled = n > 0 && record?.computed && record.reason === "scheduled";
        return scheduled && record.rate !== null && record.looked_up === null;
    });
    return { bands, lookedUp, raw, odd, values: [...lookedUp.flat(), ...raw].map(({ value }) => value) };
}

function curves(frame, well, scale, { lookedUp, raw, odd }) {
    const place = ({ cell, value }) => ({ x: cell.middle, y: well.top + (1 - scale.at(value)) * well.height });
    const shapes = [...bandFields(well, scale), ...grid(frame, well)];
    if (raw.length) shapes.push(...curve(raw.map(place), "soft", "ring"));
    lookedUp.forEach((values, n) => {
        shapes.push(...curve(values.map(place), n ? "second" : "text", n ? "diamond" : "dot"));
    });
    const crosses = odd.map((cell) => crossesPath([{ x: cell.middle, y: well.top + 9 }], 3.5));
    return [...shapes, ...together(crosses, { stroke: "alarm", strokeWidth: 2 })];
}

/** A line with a point per value. @param {{x: number, y: number}[]} points @param {string} colour @param {"dot" | "ring" | "diamond"} look */
export function curve(points, colour, look) {
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
    const few = edges.length <= 24 ? edges : [];
    return [...shapes, ...together(few, { stroke: "soft", strokeOpacity: 0.3, strokeWidth: 1 })];
}

/** Thresholds at the left, what bands do at the right, as many as there is room for. */
function bandLabels(frame, well, scale) {
    const shapes = [];
    const bottomOf = (part) => well.top + (1 - part) * well.height;
    let [free, tickFree] = [well.top + well.height + LINE, well.top + well.height + LINE];
    for (const { band, from, to } of scale.edges()) {
        const y = (bottomOf(from) + bottomOf(to)) / 2 + DROP;
        if (band.rate && y <= free && frame.beside < frame.right) {
            const label = band.rate <= 1 ? t("compute") : t("reuse {count}", { count: band.rate - 1 });
            const fill = band.rate <= 1 ? "computed-text" : "reused-text";
            const words = fit(label, LABEL, frame.right - frame.beside, frame.measure);
            shapes.push(text(frame.beside, y, words, { fill, size: LABEL }));
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
export function grid(frame, well) {
    const lines = frame.ticks.map(({ x }) => `M${x.toFixed(2)} ${well.top.toFixed(2)}v${well.height}`).join("");
    return [path(lines, { stroke: "soft", strokeOpacity: 0.12, strokeWidth: 1 })];
}
