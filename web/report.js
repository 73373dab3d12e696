// @ts-check
/** What a node has to say after its run, as text on the node. */

import { element } from "./dom.js";
import { saidLines } from "./server_words.js";

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
