// @ts-check
/** The runs of the session, newest first: show one, lay another over it, pin one, import some. */

import { computedOf } from "./counts.js";
import { element } from "./dom.js";
import { draw } from "./draw.js";
import { t } from "./language.js";
import { layoutCompact } from "./layout.js";
import { MOST_FILE_BYTES, TraceError, clean, readFile, tooLarge } from "./trace.js";
import { faster, state } from "./words.js";
import { nameOf, parted, timeOf } from "./wordsview.js";

/** @typedef {import("./panel.js").Context} Context */
/** @typedef {import("./store.js").Entry} Entry */

const SIDE = 96; // room beside a row's strip
const NARROW = 240; // below it nothing is beside the strip, as panel.css has it
const PADDING = 20; // of a row

/** @param {Context} context @param {HTMLElement} dropZone */
export function historyView(context, dropZone) {
    const { document, store, choice } = context;
    const list = element(document, "ul", { "aria-label": t("Runs") });
    const picker = element(document, "input", {
        type: "file",
        accept: ".json,application/json",
        hidden: true,
        "aria-label": t("Trace file"),
    });
    const root = element(document, "section", { class: "adacache-history", "aria-label": t("History") }, [
        element(document, "header", {}, [
            element(document, "h3", { text: t("Runs") }),
            element(document, "button", {
                type: "button",
                text: t("Import JSON"),
                title: t("Open a trace that was exported or shared"),
                onclick: () => picker.click(),
            }),
        ]),
        list,
        picker,
    ]);
    /** @type {Map<string, ReturnType<typeof rowFor>>} */
    const rows = new Map();

    /** @param {Entry[]} picked @param {number} width */
    function update(picked, width) {
        const pinnedFirst = (a, b) => Number(b.id === store.pinned) - Number(a.id === store.pinned);
        const entries = store.runs.reverse().sort(pinnedFirst);
        for (const id of rows.keys()) if (!store.get(id)) rows.delete(id);
        const wanted = entries.map((entry) => {
            if (!rows.has(entry.id)) rows.set(entry.id, rowFor(context, entry.id));
            const row = /** @type {ReturnType<typeof rowFor>} */ (rows.get(entry.id));
            row.update(entry, picked, width - (width > NARROW ? SIDE : PADDING));
            return row.root;
        });
        if (wanted.some((row, n) => list.children[n] !== row) || list.childElementCount !== wanted.length) {
            const focused = /** @type {HTMLElement | null} */ (document.activeElement);
            list.replaceChildren(...wanted);
            if (focused && list.contains(focused)) focused.focus();
        }
    }

    /** @param {File | undefined} file */
    async function open(file) {
        if (!file) return;
        try {
            if (file.size > MOST_FILE_BYTES)
                throw new TraceError(tooLarge());
            const runs = readFile(await file.text());
            choice.shown = store.import(runs, clean(file.name, 60));
            context.say(runs.length === 1 ? t("One run imported.") : t("{count} runs imported.", { count: runs.length }));
        } catch (error) {
            if (!(error instanceof TraceError)) throw error;
            context.say(t("Nothing was imported. {why}", { why: error.message }), "bad");
        }
        context.redraw();
    }

    picker.addEventListener("change", async () => {
        await open(picker.files?.[0]);
        picker.value = ""; // so that the same file can be chosen again
    });
    acceptDrops(dropZone, open);
    return { root, update };
}

/** @param {HTMLElement} zone @param {(file: File | undefined) => void} open */
function acceptDrops(zone, open) {
    const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
    const show = (on) => zone.classList.toggle("dropping", on);
    zone.addEventListener("dragover", (event) => {
        if (!carriesFile(event)) return;
        event.preventDefault();
        event.stopPropagation();
        show(true);
    });
    zone.addEventListener("dragleave", () => show(false));
    zone.addEventListener("drop", (event) => {
        show(false);
        if (!carriesFile(event)) return;
        event.preventDefault(); // the host would try to open it as a workflow
        event.stopPropagation();
        open(event.dataTransfer?.files[0]);
    });
}

/** @param {Context} context @param {string} id */
function rowFor(context, id) {
    const { document, store, choice, redraw, told } = context;
    const name = element(document, "span", { class: "name" });
    const when = element(document, "span", { class: "when" });
    const picture = element(document, "span", { "aria-hidden": "true" });
    const act = (work) => () => {
        work();
        redraw();
    };
    const show = element(
        document,
        "button",
        {
            type: "button",
            class: "show",
            onclick: act(() => {
                const newest = store.runs[store.runs.length - 1]?.id === id;
                choice.shown = newest ? "" : id; // who looks at the newest goes on to the next
            }),
        },
        [element(document, "span", { class: "line" }, [name, when]), picture],
    );
    const over = element(document, "button", {
        type: "button",
        text: t("Overlay"),
        onclick: act(() => (choice.over = choice.over === id ? "" : id)),
    });
    const pin = element(document, "button", {
        type: "button",
        text: t("Pin"),
        title: t("Keep it at the top of this list, however many runs come"),
        onclick: () => store.pin(store.pinned === id ? "" : id),
    });
    const root = element(document, "li", { class: "adacache-run", "data-run": id }, [
        show,
        element(document, "span", { class: "side" }, [over, pin]),
    ]);
    let drawn = "";

    /** @param {Entry} entry @param {Entry[]} picked @param {number} width */
    function update(entry, picked, width) {
        const { run } = entry;
        const named = nameOf(context, entry);
        const label = named.join(" · ");
        if (name.textContent !== named.join("")) name.replaceChildren(parted(document, "span", named));
        const count = run.records.length;
        const counts = count ? t("{computed} of {count}", { computed: computedOf(run), count }) : "";
        const notes = [entry.imported ? t("imported") : "", state(run), faster(run), counts, told(run).size];
        const parts = [...notes, timeOf(entry)].filter(Boolean);
        if (when.textContent !== parts.join("")) when.replaceChildren(parted(document, "span", parts));
        show.setAttribute("aria-pressed", String(picked[0] === entry));
        over.setAttribute("aria-pressed", String(picked[1] === entry));
        pin.setAttribute("aria-pressed", String(store.pinned === id));
        over.disabled = picked[0] === entry;
        over.setAttribute("aria-label", t("Overlay {run}", { run: label }));
        pin.setAttribute("aria-label", t("Pin {run}", { run: label }));
        const look = `${width} ${run.records.length} ${run.end}`;
        if (look !== drawn)
            picture.replaceChildren(draw(layoutCompact(run, Math.max(60, width), { stripHeight: 16 }), document));
        drawn = look;
    }

    return { root, update };
}
