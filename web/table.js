// @ts-check
/** All numbers of the run that is shown, as a table: for screen readers, and for whoever wants to read them. */

import { element } from "./dom.js";
import { phrase, t } from "./language.js";
import { milliseconds, why } from "./words.js";

/** @typedef {import("./panel.js").Context} Context */
/** @typedef {import("./store.js").Entry} Entry */

const COLUMNS = /** @type {[string, string][]} */ ([
    ["distance", phrase("Distance")],
    ["looked_up", phrase("Looked up")],
    ["rate", phrase("Next in")],
    ["score", phrase("Motion")],
    ["gradient", phrase("Gradient")],
    ["sigma", phrase("Noise level")],
]);

/** @param {Context} context */
export function tableView({ document, redraw }) {
    const body = element(document, "tbody");
    const titles = [t("Step"), t("What"), ...COLUMNS.map(([, title]) => t(title)), t("Time"), t("Why")];
    const head = element(
        document,
        "tr",
        {},
        titles.map((text, n) =>
            element(document, "th", { scope: "col", text, class: n === titles.length - 1 && "words" }),
        ),
    );
    const table = element(document, "table", {}, [element(document, "thead", {}, [head]), body]);
    const scroller = element(document, "div", { tabindex: 0, role: "region", "aria-label": t("Steps as a table") }, [
        table,
    ]);
    const root = element(document, "details", { class: "adacache-table", ontoggle: redraw }, [
        element(document, "summary", { text: t("All steps as a table") }),
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
        const { records } = entry.run;
        const start = records.length - fresh.length;
        body.append(...fresh.map((record, n) => row(document, record, placeOf(records, start + n))));
    }

    return { root, update };
}

/** Which evaluation of its step a record is, from 1. @param {import("./trace.js").Step[]} records @param {number} n */
export function placeOf(records, n) {
    let place = 1;
    while (n - place >= 0 && records[n - place].step === records[n].step) place += 1;
    return place;
}

/** @param {Document} document @param {import("./trace.js").Step} record @param {number} place */
function row(document, record, place) {
    const numbers = COLUMNS.map(([name]) => (record[name] === null ? "" : String(Number(record[name].toPrecision(4)))));
    const time = record.milliseconds === null ? "" : milliseconds(record.milliseconds);
    const step = place > 1 ? `${record.step} (${place})` : String(record.step);
    const cells = [step, record.computed ? t("computed") : t("reused"), ...numbers, time];
    return element(document, "tr", { class: record.computed ? "computed" : "reused" }, [
        ...cells.map((text) => element(document, "td", { text })),
        element(document, "td", { class: "words", text: why(record) }),
    ]);
}
