// @ts-check
/** What a drawing consists of: plain objects. Steps of one look share one path, so a long run is few elements. */

/**
 * @typedef {object} Paint
 * @property {string} [fill] the name of a colour of draw.js
 * @property {string} [stroke] the name of a colour of draw.js
 * @property {number} [strokeWidth]
 * @property {number} [opacity] of the fill
 * @property {number} [strokeOpacity]
 * @property {string} [dash]
 */
/** @typedef {{kind: "path", d: string} & Paint} PathShape */
/** @typedef {{kind: "text", x: number, y: number, text: string, size: number, fill: string, anchor?: string, weight?: number}} TextShape */
/** @typedef {PathShape | TextShape} Shape */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{left: number, top: number, width: number, height: number}} Box */
/** @typedef {(text: string, size: number, weight?: number) => number} Measure The width of a text. */

// A space, a wide sign with the marks that must not be parted from it, or a word.
const WIDE = "\\u2e80-\\u9fff\\uf900-\\ufaff\\uff00-\\uff60";
const PIECES = new RegExp(` |[${WIDE}][、。，．：；！？）」』”…]*|[^ ${WIDE}]+`, "g");
const EACH_WIDE = new RegExp(`[${WIDE}\\uac00-\\ud7a3]`, "g");

/** @type {Measure} A guess at a usual sans-serif, for where no font can be measured. */
export const guess = (text, size) => size * (0.56 * text.length + 0.44 * (text.match(EACH_WIDE)?.length ?? 0));

/** Two decimals are finer than any screen. @param {number} value */
export function round(value) {
    return Math.round(value * 100) / 100;
}

/**
 * @param {string} d
 * @param {Paint} paint
 * @returns {PathShape}
 */
export function path(d, paint) {
    return { kind: "path", d, ...paint };
}

/** Pieces of one look as one path; none where there is no piece. @param {string[]} pieces @param {Paint} paint */
export function together(pieces, paint) {
    return pieces.length ? [path(pieces.join(""), paint)] : [];
}

/**
 * @param {number} x
 * @param {number} y the baseline
 * @param {string} words
 * @param {{size?: number, fill?: string, anchor?: string, weight?: number}} [look]
 * @returns {TextShape}
 */
export function text(x, y, words, { size = 12, fill = "soft", anchor, weight } = {}) {
    return { kind: "text", x: round(x), y: round(y), text: words, size, fill, anchor, weight };
}

/** @param {Box} box @param {number} [radius] */
export function rectPath({ left, top, width, height }, radius = 0) {
    const r = Math.min(radius, width / 2, height / 2);
    const start = `M${round(left + r)} ${round(top)}`;
    if (r < 0.5) return `${start}h${round(width)}v${round(height)}h${round(-width)}z`;
    const [w, h, a] = [round(width - 2 * r), round(height - 2 * r), `a${round(r)} ${round(r)} 0 0 1 `];
    const [p, n] = [round(r), round(-r)];
    return `${start}h${w}${a}${p} ${p}v${h}${a}${n} ${p}h${-w}${a}${n} ${n}v${-h}${a}${p} ${n}z`;
}

/** @param {Point[]} points */
export function linePath(points) {
    return points.map(({ x, y }, n) => `${n ? "L" : "M"}${round(x)} ${round(y)}`).join("");
}

/** @param {number} left @param {number} right @param {number} y */
export function rule(left, right, y) {
    return `M${round(left)} ${round(y)}H${round(right)}`;
}

/** @param {Point[]} points @param {number} radius */
export function dotsPath(points, radius) {
    const r = round(radius);
    const around = `a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
    return points.map(({ x, y }) => `M${round(x - r)} ${round(y)}${around}`).join("");
}

/** @param {Point[]} points @param {number} radius */
export function diamondsPath(points, radius) {
    const r = round(1.25 * radius);
    return points.map(({ x, y }) => `M${round(x)} ${round(y - r)}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`).join("");
}

/** @param {Point[]} points @param {number} radius */
export function crossesPath(points, radius) {
    const [r, d] = [round(radius), round(2 * radius)];
    return points.map(({ x, y }) => `M${round(x - r)} ${round(y - r)}l${d} ${d}m0 ${-d}l${-d} ${d}`).join("");
}

/**
 * `words`, cut at the end where they are wider than `room`.
 * @param {string} words
 * @param {number} size
 * @param {number} room
 * @param {Measure} measure
 */
export function fit(words, size, room, measure) {
    if (measure(words, size) <= room) return words;
    let [low, high] = [0, words.length];
    while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (measure(`${words.slice(0, middle)}...`, size) <= room) low = middle;
        else high = middle - 1;
    }
    return low ? `${words.slice(0, low).trimEnd()}...` : "";
}

/**
 * Words in lines no wider than `room`; a word that is too long is cut. Chinese and Japanese have no spaces: a line may
 * end after any of their signs, but none begins with a full stop.
 * @param {string} words
 * @param {number} size
 * @param {number} room
 * @param {Measure} measure
 */
export function wrap(words, size, room, measure) {
    /** @type {string[]} */
    const lines = [];
    let space = "";
    for (const piece of words.match(PIECES) ?? [""]) {
        const joined = lines.length ? `${lines[lines.length - 1]}${space}${piece}` : piece;
        if (piece === " ") space = piece;
        else if (lines.length && measure(joined, size) <= room) lines[lines.length - 1] = joined;
        else lines.push(fit(piece, size, room, measure));
        if (piece !== " ") space = "";
    }
    return lines;
}
