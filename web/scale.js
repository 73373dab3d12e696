// @ts-check
/** Where steps, values and the codebook's bands lie; numbers only. */

import { finite } from "./trace.js";

/** @typedef {import("./trace.js").Run} Run */
/** @typedef {import("./trace.js").Step} Step */
/** @typedef {{left: number, right: number, middle: number, step: number, record: Step | null}} Cell */
/** @typedef {{low: number, high: number, rate: number}} Band Values from low to below high get the rate. */

// Steps still to come; a trace that claims more is drawn with this many.
const MOST_PENDING = 10_000;
// The topmost band has no upper end. Its height over that of the others, and the least part of the whole.
const TOP_FACTOR = 1.7;
const TOP_LEAST = 0.14;

/**
 * How many evaluations each step has had; samplers such as heun have several.
 * @param {Run} run
 * @returns {number[]}
 */
function evaluationsOf({ records }) {
    const counts = [];
    records.forEach((record, n) => {
        if (n && record.step === records[n - 1].step) counts[counts.length - 1] += 1;
        else counts.push(1);
    });
    return counts;
}

/** Places on the axis: the steps so far, and those to come. @param {Run} run */
export function slotsOf(run) {
    return Math.max(1, evaluationsOf(run).length, Math.min(run.steps, MOST_PENDING));
}

/**
 * One cell per evaluation and per step to come, from `left` over `width`. Steps stand apart while there is room for
 * it; evaluations of one step share its place and touch, since they are computed or reused together.
 * @param {Run} run
 * @param {number} left
 * @param {number} width
 * @param {number} slots
 * @returns {Cell[]}
 */
export function cellsOf(run, left, width, slots) {
    const pitch = width / slots;
    const gap = pitch >= 4 ? Math.min(3, pitch * 0.18) : 0;
    const last = run.records.at(-1)?.step ?? 0;
    const counts = evaluationsOf(run);
    /** @type {Cell[]} */
    const cells = [];
    for (let slot = 0; slot < slots; slot += 1) {
        const count = counts[slot] ?? 1;
        const [start, room] = [left + slot * pitch + gap / 2, (pitch - gap) / count];
        for (let n = 0; n < count; n += 1) {
            const record = run.records[cells.length] ?? null;
            const step = record ? record.step : last + slot - counts.length + 1;
            const from = start + n * room;
            cells.push({ left: from, right: from + room, middle: from + room / 2, step, record });
        }
    }
    return cells;
}

/**
 * Places and numbers for the axis: the round ones, and the first and the last where these keep clear of them.
 * @param {Cell[]} cells
 * @param {(text: string) => number} room that a label takes
 * @returns {{x: number, label: string}[]}
 */
export function ticksOf(cells, room) {
    const first = new Map();
    /** @type {Map<number, any>} */
    const ends = new Map(cells.map((cell) => [cell.step, cell.right]));
    for (const cell of cells)
        if (!first.has(cell.step)) first.set(cell.step, (cell.left + ends.get(cell.step)) / 2);
    const steps = [...first.keys()];
    const apart = room(String(Math.max(...steps)));
    const pitch = (cells[cells.length - 1].right - cells[0].left) / first.size;
    const every = roundInterval(pitch, apart);
    const placed = new Map();
    for (const step of [...steps.filter((n) => n % every === 0), steps[0], steps[steps.length - 1]]) {
        const x = first.get(step);
        if ([...placed.keys()].every((other) => Math.abs(other - x) >= apart)) placed.set(x, String(step));
    }
    return [...placed].sort((a, b) => a[0] - b[0]).map(([x, label]) => ({ x, label }));
}

/** The least of 1, 2, 5, 10, 20, ... whose multiples lie `room` apart. @param {number} pitch @param {number} room */
function roundInterval(pitch, room) {
    for (let power = 1; ; power *= 10)
        for (const factor of [1, 2, 5]) if (factor * power * pitch >= room || power > 1e9) return factor * power;
}

/** The cap on reused steps in a row, 0 for none. @param {Run} run */
export function mostReuses(run) {
    return Math.max(0, Math.floor(finite(run.settings.max_reuses) ?? 0));
}

/**
 * The codebook as bands, neighbours of one rate joined; none where the text is not a codebook.
 * @param {string} codebook `threshold:rate` pairs
 * @param {number} cap on reused steps in a row; 0 for none
 * @returns {Band[]}
 */
export function bandsOf(codebook, cap = 0) {
    const entries = (codebook.match(/[^\s,;]+/g) ?? []).map((pair) => pair.split(":").map(Number));
    const ascending = entries.every(([threshold], n) => threshold > (n ? entries[n - 1][0] : 0));
    if (!entries.length || !ascending || entries.some((pair) => pair.length !== 2 || !(pair[1] >= 1))) return [];
    /** @type {Band[]} */
    const bands = [];
    let low = 0;
    entries.forEach(([threshold, written], n) => {
        const rate = cap > 0 ? Math.min(written, cap + 1) : written;
        const high = n === entries.length - 1 ? Infinity : threshold; // the last threshold is never tested
        const before = bands[bands.length - 1];
        if (before?.rate === rate) before.high = high;
        else bands.push({ low, high, rate });
        low = threshold;
    });
    return bands;
}

/**
 * Values to heights, 0 to 1: every band is equally high and linear inside, so that each can be read. The topmost has
 * no upper end, and early values can be far above it: it is logarithmic up to the largest value.
 */
export class BandScale {
    /** @param {Band[]} bands @param {number[]} values */
    constructor(bands, values) {
        this.bands = bands.length ? bands : [{ low: 0, high: Infinity, rate: 0 }];
        this.low = this.bands[this.bands.length - 1].low;
        this.peak = values.reduce((most, value) => Math.max(most, value), this.low * 1.5) || 1;
        const others = this.bands.length - 1;
        this.top = Math.max(TOP_FACTOR / (others + TOP_FACTOR), TOP_LEAST);
        this.share = (1 - this.top) / Math.max(1, others);
    }

    /** @param {number} value */
    at(value) {
        for (let n = 0; n < this.bands.length - 1; n += 1) {
            const { low, high } = this.bands[n];
            if (value < high) return this.share * Math.max(0, n + (value - low) / (high - low));
        }
        return 1 - this.top * (1 - 0.86 * this._above(Math.max(value, 0))); // the largest stays below the edge
    }

    /** @param {number} value */
    _above(value) {
        if (this.low <= 0) return Math.sqrt(value / this.peak);
        return Math.log(value / this.low) / Math.max(1e-9, Math.log(this.peak / this.low));
    }

    /** Lower and upper end of every band, 0 to 1. */
    edges() {
        return this.bands.map((band, n) => ({
            band,
            from: this.share * n,
            to: n === this.bands.length - 1 ? 1 : this.share * (n + 1),
        }));
    }
}
