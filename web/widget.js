// @ts-check
/** The live plot inside the Cache Stats node: the same store, little room. */

import { element, isLight, measureIn, oncePerFrame } from "./dom.js";
import { draw } from "./draw.js";
import { layoutCompact } from "./layout.js";
import { computedOf } from "./trace.js";
import { headline, notices, state } from "./words.js";
import { nameOf } from "./wordsview.js";

/** @typedef {import("./store.js").RunStore} RunStore */
/** @typedef {import("./store.js").Entry} Entry */

export const HEIGHT = 128;
const MOST_RUNS = 2;

/**
 * @param {Document} document
 * @param {{store: RunStore, runsOf: () => Entry[], shown: () => boolean}} options `runsOf`: the runs that the node is about
 * @returns {{root: HTMLElement, redraw: () => void, remove: () => void}}
 */
export function nodePlot(document, { store, runsOf, shown }) {
    const root = element(document, "div", { class: "adacache adacache-node" });
    const window = /** @type {Window} */ (document.defaultView);
    const frame = oncePerFrame(window, redraw);
    /** @type {import("./shapes.js").Measure | undefined} */
    let measure;

    function redraw() {
        root.hidden = !shown();
        // Not in the page, or too small to be seen: the next resize comes back here.
        if (root.hidden || !root.isConnected || root.clientWidth < 20) return;
        const known = (measure ??= measureIn(root));
        root.classList.toggle("light", isLight(root));
        const entries = runsOf().slice(-MOST_RUNS);
        root.replaceChildren(
            ...(entries.length
                ? entries.map((entry) => runPlot(document, entry, root, entries.length, known))
                : [empty(document)]),
        );
    }

    const sizes = new ResizeObserver(frame.ask);
    sizes.observe(root);
    store.addEventListener("change", frame.ask);
    return {
        root,
        redraw: frame.ask,
        remove: () => {
            store.removeEventListener("change", frame.ask);
            sizes.disconnect();
            frame.stop();
        },
    };
}

/** @param {Document} document @param {Entry} entry @param {HTMLElement} root @param {number} of @param {import("./shapes.js").Measure} measure */
function runPlot(document, entry, root, of, measure) {
    const { run } = entry;
    const { gained, how } = headline(run);
    const count = run.records.length;
    const counted = count
        ? `${computedOf(run)} of ${run.end ? count : run.steps} computed`
        : "waiting for the first step";
    const left = of > 1 ? `${nameOf(entry)}: ${counted}` : counted;
    const right = gained || (state(run) === "running" ? `step ${run.records.at(-1)?.step ?? 0}` : state(run));
    const ended = run.end === "done" ? "" : state(run);
    const line = element(document, "div", { class: "line" }, [
        element(document, "span", { class: "name", text: left }),
        element(document, "span", {
            class: how ? "gained" : "plain",
            text: [right, right !== ended && run.end && ended].filter(Boolean).join(", "),
        }),
    ]);
    const [why] = notices(run);
    line.title = [`${headline(run).counted} ${gained}`.trim(), why].filter(Boolean).join(". ");
    const room = Math.max(20, (root.clientHeight - 6) / of - 44);
    const style = getComputedStyle(root);
    const width = root.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const look =
        of > 1
            ? { stripHeight: Math.min(24, room), measure }
            : { stripHeight: 28, distanceHeight: Math.max(24, Math.min(120, room - 28)), numbers: true, measure };
    const svg = draw(layoutCompact(run, Math.max(60, width), look), document);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", line.title);
    return element(document, "div", { style: "display:grid;gap:4px" }, [line, svg]);
}

/** @param {Document} document */
function empty(document) {
    return element(document, "p", { text: "The next run appears here, step by step." });
}
