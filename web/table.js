// @ts-check
/** All numbers of the run that is shown, as a table: for screen readers, and for whoever wants to read them. */

import { element } from "./dom.js";
import { milliseconds, reason } from "./words.js";

/** @typedef {import("./panel.js").Context} Context */
/** @typedef {import("./store.js").Entry} Entry */

const COLUMNS = /** @type {[string, string][]} */ ([
    ["distance", "Distance"],
    ["looked_up", "Looked up"],
    ["rate", "Rate"],
    ["score", "Motion"],
    ["gradient", "Gradient"],
    ["sigma", "Noise level"],
]);

/** @param {Context} context */
export function tableView({ document, redraw }) {
    const body = element(document, "tbody");
    const titles = ["Step", "", ...COLUMNS.map(([, title]) => title), "Time", "Why"];
    const head = element(
        document,
        "tr",
        {},
        titles.map((text) => element(document, "th", { scope: "col", text, class: text === "Why" && "words" })),
    );
    head.children[1].textContent = "What";
    const table = element(document, "table", {}, [element(document, "thead", {}, [head]), body]);
    const scroller = element(document, "div", { tabindex: 0, role: "region", "aria-label": "Steps as a table" }, [
        table,
    ]);
    const root = element(document, "details", { class: "adacache-table", ontoggle: redraw }, [
        element(document, "summary", { text: "All steps as a table" }),
        scroller,
    ]);
    /** @type {Entry | undefined} */
    let filled;
    /** @type {import("./trace.js").Run | undefined} */
    let runFilled;

    /** @param {Entry | undefined} entry */
    function update(entry) {
        root.hidden = !entry;
        if (!entry || !root.open) return;
        // Steps are only ever added to a run, unless it was fetched anew.
        if (entry !== filled || entry.run !== runFilled || body.childElementCount > entry.run.records.length)
            body.replaceChildren();
        filled = entry;
        runFilled = entry.run;
        const fresh = entry.run.records.slice(body.childElementCount);
        body.append(...fresh.map((record) => row(document, record)));
    }

    return { root, update };
}

/** @param {Document} document @param {import("./trace.js").Step} record */
function row(document, record) {
    const numbers = COLUMNS.map(([name]) => (record[name] === null ? "" : String(Number(record[name].toPrecision(4)))));
    const time = record.milliseconds === null ? "" : milliseconds(record.milliseconds);
    const cells = [String(record.step), record.computed ? "computed" : "reused", ...numbers, time];
    return element(document, "tr", { class: record.computed ? "computed" : "reused" }, [
        ...cells.map((text) => element(document, "td", { text })),
        element(document, "td", { class: "words", text: reason(record).replace(/^computed: /, "") }),
    ]);
}
