// @ts-check
/** The plots, and the numbers of the step that is pointed at or that the arrow keys have reached. */

import { sharesSteps } from "./counts.js";
import { element } from "./dom.js";
import { draw, drawShapes } from "./draw.js";
import { t } from "./language.js";
import { highlight, indexAt, layoutPlots } from "./layout.js";
import { numbers, spoken, stepTitle } from "./words.js";

/** @typedef {import("./panel.js").Context} Context */
/** @typedef {import("./store.js").Entry} Entry */

/** @param {Context} context */
export function plotsView(context) {
    const { document } = context;
    const field = element(document, "div", {
        class: "adacache-plots",
        tabindex: 0,
        role: "slider",
        "aria-label": t("Steps"),
        "aria-orientation": "horizontal",
    });
    const readout = element(document, "div", { class: "adacache-readout" });
    const root = element(document, "section", { "aria-label": t("Plots") }, [field, readout]);
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "g");
    /** @type {import("./layout.js").Scene | null} */
    let scene = null;
    /** @type {Entry[]} */
    let entries = [];
    let index = -1; // of the chosen evaluation
    let shownId = "";

    /** @param {Entry[]} now @param {number} width */
    function update(now, width) {
        entries = now[0]?.run.records.length ? now : [];
        root.hidden = !entries.length; // by which the pointer may leave it
        if (root.hidden) return;
        if (shownId !== entries[0].id) index = -1;
        shownId = entries[0].id;
        scene = layoutPlots(
            entries.map(({ run }) => run),
            width,
            context.measure(),
        );
        const svg = draw(scene, document);
        svg.setAttribute("aria-hidden", "true");
        svg.append(mark);
        field.replaceChildren(svg);
        choose(index);
    }

    /** @param {number} to */
    function choose(to) {
        const { records } = entries[0].run;
        index = Math.min(to, records.length - 1);
        mark.replaceChildren(...(scene && index >= 0 ? drawShapes(highlight(scene, index), document) : []));
        const step = records[Math.max(index, 0)];
        field.setAttribute("aria-valuemin", "1");
        field.setAttribute("aria-valuemax", String(records.length));
        field.setAttribute("aria-valuenow", String(Math.max(index, 0) + 1));
        field.setAttribute("aria-valuetext", spoken(step, sharesSteps(entries[0].run)));
        readout.replaceChildren(...(index < 0 ? hint() : tell()));
    }

    function hint() {
        const { run } = entries[0];
        if (!run.end && entries.length === 1) return lines(run.records[run.records.length - 1], run, "");
        return [
            element(document, "div", {
                text: t("Point at a step for its numbers, or come here with Tab and use the arrow keys."),
            }),
        ];
    }

    function tell() {
        return entries.flatMap(({ run }, n) => {
            const step = run.records[index];
            return step ? lines(step, run, entries.length > 1 ? `${"AB"[n]} · ` : "") : [];
        });
    }

    function lines(step, run, letter) {
        const pairs = numbers(step).map(([name, value]) =>
            element(document, "span", {}, [`${name} `, element(document, "b", { text: value })]),
        );
        return [
            element(document, "div", { class: "title", text: letter + stepTitle(step, sharesSteps(run)) }),
            element(document, "div", { class: "numbers" }, pairs),
        ];
    }

    field.addEventListener("pointermove", (event) => {
        const at = scene ? indexAt(scene, event.clientX - field.getBoundingClientRect().left) : -1;
        if (at >= 0 && at !== index) choose(at);
    });
    field.addEventListener("pointerleave", () => {
        if (field !== document.activeElement && entries.length) choose(-1);
    });
    field.addEventListener("keydown", (event) => {
        const last = (entries[0]?.run.records.length ?? 0) - 1;
        const to = {
            ArrowRight: index + 1,
            ArrowUp: index + 1,
            ArrowLeft: index - 1,
            ArrowDown: index - 1,
            PageUp: index + 10,
            PageDown: index - 10,
            Home: 0,
            End: last,
            Escape: -1,
        }[event.key];
        if (to === undefined || event.ctrlKey || event.altKey || event.metaKey || last < 0) return;
        event.preventDefault();
        event.stopPropagation(); // the canvas would move its nodes
        choose(event.key === "Escape" ? -1 : Math.max(0, to));
    });
    field.addEventListener("focus", () => {
        if (index < 0 && field.matches(":focus-visible") && entries.length) choose(0);
    });
    return { root, update };
}
