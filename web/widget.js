// @ts-check
/** The live plot inside the Cache Stats node: the same store, little room. */

import { computedOf } from "./counts.js";
import { element, isLight, measurer, redrawing } from "./dom.js";
import { draw } from "./draw.js";
import { listed, t } from "./language.js";
import { indexAt, layoutCompact } from "./layout.js";
import { saidLines } from "./server_words.js";
import { brief, faster, headline, notices, state } from "./words.js";
import { titleOf } from "./wordsview.js";

/** @typedef {import("./store.js").RunStore} RunStore */
/** @typedef {import("./store.js").Entry} Entry */

/** @typedef {{text: string, runs: string[]}} Told What the server said of the node's last run, see report.js. */

export const HEIGHT = 128;
const MOST_RUNS = 2;

/**
 * @param {Document} document
 * @param {{store: RunStore, runsOf: () => Entry[], shown: () => boolean}} options `runsOf`: the runs that the node is about
 * @returns {{root: HTMLElement, redraw: () => void, take: (told: Told) => void, remove: () => void}}
 */
export function nodePlot(document, { store, runsOf, shown }) {
    const root = element(document, "div", { class: "adacache adacache-node" });
    const frame = redrawing(root, store, redraw);
    const measure = measurer(root);

    /** @type {(Told & {known: Set<string>}) | null} */
    let told = null;
    /** @type {{x: number, y: number} | null} */
    let mouse = null; // on the page, while it is over the node's plots
    /** @type {ReturnType<typeof runPlot>[]} */
    let plots = [];

    // Where the mouse is, not what it is over: a run draws its plot anew with every step, under a mouse that rests.
    const point = () => plots.forEach(({ tell }) => tell(mouse));
    root.addEventListener("pointermove", ({ clientX, clientY }) => {
        mouse = { x: clientX, y: clientY };
        point();
    });
    root.addEventListener("pointerleave", () => {
        mouse = null;
        point();
    });

    /** What the server told, until a run comes that it did not know of. */
    function chosen() {
        const entries = runsOf();
        const last = told;
        if (!last || entries.some(({ id }) => !last.known.has(id))) return { entries, words: t("The next run appears here, step by step.") };
        return { entries: last.runs.flatMap((id) => store.get(id) ?? []), words: saidLines(last.text) };
    }

    function redraw() {
        root.hidden = !shown();
        // Not in the page, or too small to be seen: the next resize comes back here.
        if (root.hidden || !root.isConnected || root.clientWidth < 20) return;
        const font = measure();
        root.classList.toggle("light", isLight(root));
        const { entries, words } = chosen();
        const drawn = entries.slice(-MOST_RUNS);
        plots = drawn.map((entry) => runPlot(document, entry, root, drawn.length, font));
        root.replaceChildren(
            ...(plots.length ? plots.map((plot) => plot.root) : [element(document, "p", { text: words })]),
        );
        if (mouse) point(); // not otherwise: to ask where a plot lies makes the page lay itself out
    }

    return {
        root,
        redraw: frame.ask,
        take: (now) => {
            told = { ...now, known: new Set(store.runs.map(({ id }) => id)) };
            frame.ask();
        },
        remove: frame.end,
    };
}

/**
 * @param {Document} document
 * @param {Entry} entry
 * @param {HTMLElement} root
 * @param {number} of how many runs share the room
 * @param {import("./shapes.js").Measure} measure
 * @returns {{root: HTMLElement, tell: (mouse: {x: number, y: number} | null) => void}}
 */
function runPlot(document, entry, root, of, measure) {
    const { run } = entry;
    const style = getComputedStyle(root);
    const width = Math.max(60, root.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
    const room = Math.max(20, (root.clientHeight - 6) / of - 44);
    const look =
        of > 1
            ? { stripHeight: Math.min(24, room), measure }
            : { stripHeight: 28, distanceHeight: Math.max(24, Math.min(120, room - 28)), numbers: true, measure };
    const line = headLine(document, entry, of > 1, (words) => measure(words, 12) + 10 <= width);
    const scene = layoutCompact(run, width, look);
    const svg = draw(scene, document);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", line.title);
    return { root: element(document, "div", { class: "run" }, [line, svg]), tell: teller(svg, scene, line) };
}

/**
 * Tells the numbers of the step under the mouse in place of the line above the plot.
 * @param {SVGSVGElement} svg
 * @param {import("./layout.js").Scene} scene
 * @param {HTMLElement} line
 * @returns {(mouse: {x: number, y: number} | null) => void}
 */
function teller(svg, scene, line) {
    const spans = [...line.children];
    const usual = spans.map((span) => span.textContent);
    const under = ({ x, y }) => {
        const { left, top, width, bottom } = svg.getBoundingClientRect(); // the canvas may be zoomed
        const index = y < top || y > bottom ? -1 : indexAt(scene, ((x - left) * scene.width) / width);
        return scene.tracks[0].run.records[index];
    };
    return (mouse) => {
        const record = mouse && under(mouse);
        const words = record ? brief(record) : usual;
        spans.forEach((span, n) => (span.textContent = words[n]));
    };
}

/**
 * What was computed and what it gained, in as many words as fit.
 * @param {Document} document
 * @param {Entry} entry
 * @param {boolean} named
 * @param {(words: string) => boolean} fits
 */
function headLine(document, entry, named, fits) {
    const { run } = entry;
    const { counted, gained, how } = headline(run);
    const count = run.records.length;
    const [computed, of] = [computedOf(run), run.end ? count : Math.max(run.steps, count)];
    const name = named ? `${titleOf(entry)}: ` : "";
    const ended = run.end ? state(run) : "";
    const long = [
        name + (count ? t("{computed} of {count} computed", { computed, count: of }) : t("waiting")),
        listed([gained, ended]),
    ];
    const short = [
        name + (count ? t("{computed} of {count}", { computed, count: of }) : t("waiting")),
        ended || faster(run) || gained,
    ];
    // What is no gain need not be said where the counts say it already.
    const least = [short[0], how || ended ? short[1] : ""];
    const [left, right] = [long, short].find((words) => fits(words.join("  "))) ?? least;
    const title = [`${counted} ${gained}`.trim(), ...notices(run)].join(". ");
    return element(document, "div", { class: "line", title }, [
        element(document, "span", { class: "name", text: left }),
        element(document, "span", { class: how && !ended ? "gained" : "plain", text: right }),
    ]);
}
