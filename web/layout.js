// @ts-check
/** From runs to a scene of shapes, at a width. Pure geometry: no DOM, no colours but names. */

import { t } from "./language.js";
import { motion } from "./motion.js";
import { LABEL, axis, rates, times } from "./plots.js";
import { cellsOf, slotsOf, ticksOf } from "./scale.js";
import { guess, path, rectPath, round, text, together, wrap } from "./shapes.js";
import { strip, strips } from "./strip.js";
import { bareCurve, distance, errors, hasBands } from "./values.js";
import { facts, headline, notices } from "./words.js";

/** @typedef {import("./trace.js").Run} Run */
/** @typedef {import("./shapes.js").Measure} Measure */
/** @typedef {import("./shapes.js").Shape} Shape */
/** @typedef {{run: Run, cells: import("./scale.js").Cell[]}} Track */

/**
 * @typedef {object} Frame Runs on one axis; left and right are the edges of the text.
 * @property {Track[]} tracks one run, or two to compare
 * @property {number} left
 * @property {number} right
 * @property {number} axisLeft
 * @property {number} axisRight
 * @property {number} beside left edge of what is written to the right of the plots; Infinity where nothing is
 * @property {{x: number, label: string}[]} ticks
 * @property {Measure} measure
 */

/**
 * @typedef {object} Scene
 * @property {number} width
 * @property {number} height
 * @property {Shape[]} shapes
 * @property {Track[]} tracks
 * @property {{top: number, height: number}[]} areas where steps are drawn, between the headings
 */

const BESIDE = 3; // pixels beside the outermost steps that still point at them
const MOST_BESIDE = 90; // pixels of a word there; longer ones are cut
const NARROW = 190; // below it the plots need all the room, and nothing is written at their right

/**
 * @param {Run[]} runs
 * @param {number} left
 * @param {number} right
 * @param {Measure} measure
 * @param {{before: number, after: number}} gutters
 * @returns {Frame}
 */
function frameOf(runs, left, right, measure, { before, after }) {
    const [axisLeft, axisRight] = [left + before, right - after];
    const slots = Math.max(...runs.map(slotsOf));
    const tracks = runs.map((run) => ({ run, cells: cellsOf(run, axisLeft, axisRight - axisLeft, slots) }));
    const ticks = ticksOf(tracks[0].cells, (label) => measure(label, 11) + 12);
    return { tracks, left, right, axisLeft, axisRight, beside: after ? axisRight + 8 : Infinity, ticks, measure };
}

/**
 * All plots of a run, or of two runs over each other.
 * @param {Run[]} runs one or two
 * @param {number} width
 * @param {Measure} [measure]
 * @returns {Scene}
 */
export function layoutPlots(runs, width, measure = guess, left = 0, top = 0) {
    const tracks = runs.map((run) => ({ run, cells: [] }));
    const labels = [t("compute"), t("reuse {count}", { count: 5 })];
    const widest = Math.max(...labels.map((label) => measure(label, LABEL)));
    const beside = runs.length > 1 || hasBands(tracks) ? Math.min(widest, MOST_BESIDE) : 0;
    const after = width < NARROW || !beside ? 0 : 8 + beside;
    const before = 7 + Math.max(measure("0.0000", 11), Math.min(measure(t("next in"), 12), MOST_BESIDE));
    const frame = frameOf(runs, left, left + width, measure, { before, after });
    const planned = runs.map((_, n) => (frame, y) => rates(frame, y, n));
    const sections = [strips, ...planned, errors, distance, motion, times, axis];
    const shapes = [];
    const areas = [];
    let y = top;
    for (const section of sections) {
        const drawn = section(frame, y);
        shapes.push(...drawn.shapes);
        if (drawn.from !== undefined) areas.push({ top: y + drawn.from, height: drawn.height - drawn.from });
        y += drawn.height;
    }
    return { width: left + width, height: y, shapes, tracks: frame.tracks, areas };
}

/**
 * Strip and distance at a glance, for a node or a row of the history.
 * @param {Run} run
 * @param {number} width
 * @param {{stripHeight?: number, distanceHeight?: number, numbers?: boolean, measure?: Measure}} [look]
 * @returns {Scene}
 */
export function layoutCompact(
    run,
    width,
    { stripHeight = 30, distanceHeight = 0, numbers = false, measure = guess } = {},
) {
    const frame = frameOf([run], 0, width, measure, { before: 0, after: 0 });
    const shapes = strip(frame, 0, 0, stripHeight);
    let y = stripHeight;
    if (distanceHeight) {
        const drawn = bareCurve(frame, y + 5, distanceHeight);
        shapes.push(...drawn.shapes);
        if (drawn.height) y += 5 + drawn.height;
    }
    if (numbers) {
        for (const { x, label } of frame.ticks) {
            const half = measure(label, 10) / 2;
            const inside = Math.min(Math.max(x, half), width - half);
            shapes.push(text(inside, y + 12, label, { size: 10, anchor: "middle" }));
        }
        y += 15;
    }
    return { width, height: y, shapes, tracks: frame.tracks, areas: [{ top: 0, height: y }] };
}

/**
 * A run's card, words included, for a file.
 * @param {Run[]} runs one or two
 * @param {{width?: number, measure?: Measure, titles?: string[]}} [look]
 * @returns {Scene}
 */
export function layoutCard(runs, { width = 720, measure = guess, titles = [] } = {}) {
    const [edge, room] = [24, width - 48];
    const shapes = [];
    let y = 30;
    runs.forEach((run, n) => {
        const { counted, gained, how } = headline(run);
        const name = [runs.length > 1 ? "AB"[n] : "AdaCache", titles[n]].filter(Boolean).join(" · ");
        shapes.push(text(edge, y, name, { size: 12 }));
        const lines = wrap(counted, 22, room, measure);
        const after = measure(gained, 22) + 12 + measure(`(${how})`, 12) + 8;
        let x = edge + measure(lines[lines.length - 1], 22) + 12;
        if (lines.length > 1 && x + after > edge + room) [x] = [edge, lines.push("")];
        lines.forEach((line, row) => shapes.push(text(edge, y + 28 + 26 * row, line, { size: 22, fill: "text" })));
        y += 26 * (lines.length - 1);
        shapes.push(text(x, y + 28, gained, { size: 22, fill: how ? "reused-text" : "soft" }));
        shapes.push(text(x + measure(gained, 22) + 8, y + 28, how && `(${how})`, { size: 12 }));
        y += 48;
        for (const parts of facts(run))
            for (const line of wrap(parts.join(" · "), 12, room, measure)) {
                shapes.push(text(edge, y, line, { size: 12 }));
                y += 17;
            }
        for (const notice of notices(run)) {
            const lines = wrap(notice, 13, room - 12, measure);
            const bar = { left: edge, top: y - 8, width: 3, height: 18 * lines.length - 3 };
            shapes.push(path(rectPath(bar, 1.5), { fill: "alarm" }));
            for (const line of lines) {
                shapes.push(text(edge + 12, y + 4, line, { size: 13, fill: "text" }));
                y += 18;
            }
            y += 6;
        }
        y += 14;
    });
    const plots = runs[0].records.length ? layoutPlots(runs, room, measure, edge, y - 12) : null;
    const height = round((plots ? plots.height : y) + 14);
    const field = { left: 0.5, top: 0.5, width: width - 1, height: height - 1 };
    const card = path(rectPath(field, 10), { fill: "card", stroke: "rule", strokeWidth: 1 });
    const all = [card, ...shapes.filter((shape) => shape.kind !== "text" || shape.text), ...(plots?.shapes ?? [])];
    return { width, height, shapes: all, tracks: plots?.tracks ?? [], areas: [] };
}

/**
 * What marks a step in a scene: a column over each plot, but not over the headings.
 * @param {Scene} scene
 * @param {number} index
 * @returns {Shape[]}
 */
export function highlight(scene, index) {
    const cell = scene.tracks[0]?.cells[index];
    if (!cell) return [];
    const width = Math.max(3, cell.right - cell.left + 2);
    const columns = scene.areas.map((area) => rectPath({ left: cell.middle - width / 2, width, ...area }, 3));
    return together(columns, { fill: "text", opacity: 0.1, stroke: "text", strokeOpacity: 0.35, strokeWidth: 1 });
}

/** The index of the evaluation at a place; -1 where there is none. @param {Scene} scene @param {number} x */
export function indexAt(scene, x) {
    const cells = scene.tracks[0]?.cells ?? [];
    if (!cells.length) return -1;
    if (x < cells[0].left - BESIDE || x > cells[cells.length - 1].right + BESIDE) return -1;
    const n = cells.findIndex((cell, at) => at === cells.length - 1 || x < (cell.right + cells[at + 1].left) / 2);
    return cells[n].record ? n : -1;
}
