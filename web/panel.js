// @ts-check
/** The full view: one run or two over each other, in plots and in words, and the runs before it. */

import { actionsFor } from "./actions.js";
import { copy, element, isLight, measurer, redrawing } from "./dom.js";
import { historyView } from "./history.js";
import { t } from "./language.js";
import { plotsView } from "./plotsview.js";
import { tableView } from "./table.js";
import { wordsView } from "./wordsview.js";

/** @typedef {import("./store.js").RunStore} RunStore */
/** @typedef {import("./store.js").Entry} Entry */
/** @typedef {import("./trace.js").Run} Run */

/**
 * @typedef {object} Choice What the user looks at; it outlives the elements, which the host takes away and makes anew.
 * @property {string} shown a run's id, "" for the newest
 * @property {string} over the id of the run laid over it, "" for none
 */

/**
 * @typedef {object} Context What the parts of the panel share.
 * @property {Document} document
 * @property {RunStore} store
 * @property {Choice} choice
 * @property {() => void} redraw
 * @property {(message: string, kind?: "good" | "bad") => void} say
 * @property {(text: string, what: string) => Promise<boolean>} give copies a text; false where it is shown instead
 * @property {() => Entry[]} picked the run that is shown and the one over it
 * @property {() => import("./shapes.js").Measure} measure
 * @property {() => boolean} light
 * @property {(run: Run) => {seed: string, size: string}} told what the queued graph says of a run
 * @property {(promptId: string) => string} whyNone why a queued graph has no run
 * @property {(run: Run) => {title: string, write: (text: string) => void} | null} lockOf the field that locks a schedule
 * @property {(run: Run) => Promise<{text: string, words: string, why: string}>} propose
 */

/**
 * @param {HTMLElement} host
 * @param {{store: RunStore, choice: Choice, live: () => boolean} & Pick<Context, "told" | "whyNone" | "lockOf" | "propose">} options
 *     `live`: whether a run that goes on is drawn
 * @returns {() => void} takes the view away
 */
export function mount(host, { store, choice, live, ...given }) {
    const document = host.ownerDocument;
    const root = element(document, "div", {
        class: "adacache adacache-panel",
        role: "region",
        "aria-label": "AdaCache",
    });
    const status = element(document, "div", { class: "adacache-status", role: "status" });
    const frame = redrawing(root, store, () => redraw());

    /** @type {Context} */
    const context = {
        document,
        store,
        choice,
        redraw: frame.ask,
        say: (message, kind = "good") => {
            status.replaceChildren(message);
            status.classList.toggle("bad", kind === "bad");
        },
        give: (text, what) => give(context, status, text, what),
        picked: () => picked(store, choice),
        measure: measurer(root),
        light: () => root.classList.contains("light"),
        ...given,
    };
    const words = wordsView(context);
    const plots = plotsView(context);
    const table = tableView(context);
    const actions = actionsFor(context);
    const history = historyView(context, root);
    root.append(words.root, plots.root, actions.root, status, table.root, history.root);
    host.append(root);

    function redraw() {
        root.classList.toggle("light", isLight(root));
        const entries = context.picked();
        const hidden = entries.length > 0 && !entries[0].run.end && !live();
        words.update(entries, hidden);
        plots.update(hidden ? [] : entries, contentWidth(root));
        actions.update(entries);
        table.update(entries[0]?.run.records.length ? entries[0] : undefined);
        history.update(entries, contentWidth(root));
    }

    document.fonts.ready.then(frame.ask);
    redraw();
    return () => {
        frame.end();
        root.remove();
    };
}

/** @param {RunStore} store @param {Choice} choice @returns {Entry[]} */
export function picked(store, choice) {
    const first = store.get(choice.shown) ?? store.runs[store.runs.length - 1];
    const second = store.get(choice.over);
    return first ? (second && second !== first && second.run.records.length ? [first, second] : [first]) : [];
}

/** @param {HTMLElement} root */
function contentWidth(root) {
    const { paddingLeft, paddingRight } = getComputedStyle(root);
    return Math.max(80, Math.floor(root.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight)));
}

/** @param {Context} context @param {HTMLElement} status @param {string} text @param {string} what */
async function give(context, status, text, what) {
    if (await copy(context.document, text)) {
        context.say(t("{what} copied.", { what }));
        return true;
    }
    const area = element(context.document, "textarea", { readonly: true, rows: 4, "aria-label": what });
    area.value = text;
    context.say(t("The browser does not allow copying here; copy it from this field:"));
    status.append(area);
    area.focus();
    area.select();
    return false;
}
