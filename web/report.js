// @ts-check
/** What a node has to say after its run: read from its output, and shown as text on the node. */

import { element } from "./dom.js";
import { saidLines } from "./server_words.js";
import { MOST_CHARACTERS, isObject } from "./trace.js";

const LONGEST = 4 * MOST_CHARACTERS;

/**
 * @param {unknown} output of a node, as the host hands it on
 * @returns {{text: string, runs: string[]} | null} null where it says nothing
 */
export function readOutput(output) {
    if (!isObject(output) || !Array.isArray(output.text)) return null;
    const texts = output.text.filter((text) => typeof text === "string");
    const runs = Array.isArray(output.runs) ? output.runs.filter((id) => typeof id === "string") : [];
    return texts.length ? { text: texts.join("\n").slice(0, LONGEST), runs } : null;
}

/** @param {Document} document @param {string} name of the text, for screen readers */
export function reportView(document, name) {
    const words = element(document, "div", { class: "words", tabindex: 0, role: "region", "aria-label": name });
    const root = element(document, "div", { class: "adacache adacache-report" }, [words]);
    // Scrolling and selecting is the text's, not the canvas's.
    for (const kind of ["wheel", "pointerdown"]) words.addEventListener(kind, (event) => event.stopPropagation());
    return {
        root,
        /** @param {string} text as the server wrote it */
        show: (text) => (words.textContent = saidLines(text)),
        get text() {
            return words.textContent ?? "";
        },
    };
}
