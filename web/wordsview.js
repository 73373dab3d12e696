// @ts-check
/** What is said about the run that is shown. */

import { advice } from "./advice.js";
import { element } from "./dom.js";
import { t } from "./language.js";
import { chosen, lockedBy, moregWords } from "./setting.js";
import { facts, headline, notices, progress, state } from "./words.js";

/** @typedef {import("./panel.js").Context} Context */
/** @typedef {import("./store.js").Entry} Entry */

/** The sampler node of a run, or what is known of it. @param {Entry} entry */
export function titleOf(entry) {
    const { info } = entry.run;
    return entry.title || info.sampler || info.family || t("run");
}

/** The name of a run for people: how it was set, its seed and its sampler. @param {Pick<Context, "told">} context @param {Entry} entry */
export function nameOf({ told }, entry) {
    return [...chosen(entry.run, false), told(entry.run).seed, titleOf(entry)].filter(Boolean);
}

/** The time of day at which a run began, in the reader's own zone. @param {Entry} entry @param {boolean} [day] */
export function timeOf(entry, day = false) {
    const started = new Date(entry.run.info.started);
    if (Number.isNaN(started.getTime())) return "";
    return day ? started.toLocaleString() : started.toLocaleTimeString();
}

/** @param {Context} context */
export function wordsView(context) {
    const { document } = context;
    const root = element(document, "section", { "aria-label": t("Run") });
    let said = "";

    /** @param {Entry[]} entries @param {boolean} hidden */
    function update(entries, hidden) {
        const parts = entries.length ? describe(context, entries, hidden) : empty(document);
        if (context.store.newer)
            parts.unshift(
                notice(
                    document,
                    t("The server's AdaCache sends version {version}, which this page cannot read. Reload the page.", {
                        version: context.store.newer,
                    }),
                ),
            );
        const words = parts.map((part) => part.outerHTML).join("");
        if (words === said) return;
        said = words;
        const focused = root.contains(document.activeElement);
        root.replaceChildren(...parts);
        if (focused) root.querySelector("button")?.focus();
    }

    return { root, update };
}

/** @param {Context} context @param {Entry[]} entries @param {boolean} hidden */
function describe(context, entries, hidden) {
    const { document, store, whyNone } = context;
    /** @type {HTMLElement[]} */
    const parts = entries.flatMap((entry, n) => [
        eyebrow(context, entry, entries.length > 1 ? "AB"[n] : ""),
        title(document, entry),
    ]);
    const [{ run, imported }] = entries;
    const isNewest = entries[0] === store.runs[store.runs.length - 1];
    const none = store.unrecorded && isNewest && !imported ? whyNone(store.unrecorded) : "";
    if (none) parts.unshift(notice(document, none, "advice"));
    const named = nameOf(context, entries[0]);
    if (entries.length === 1)
        for (const group of facts(run)) {
            const fresh = group.filter((part) => !named.includes(part));
            if (fresh.length) parts.push(parted(document, "p", fresh));
        }
    const motion = entries.length === 1 && moregWords(run);
    if (motion) parts.push(element(document, "p", { class: "adacache-fact", text: motion }));
    for (const words of notices(run)) parts.push(notice(document, words));
    for (const words of advice(run)) parts.push(notice(document, words, "advice"));
    if (hidden)
        parts.push(
            notice(
                document,
                t("Live plots are off in this panel; it draws the run when it has ended. Settings, AdaCache."),
                "advice",
            ),
        );
    return parts;
}

/** @param {Context} context @param {Entry} entry @param {string} letter */
function eyebrow(context, entry, letter) {
    const { document, store, choice, redraw, told } = context;
    const { run, imported } = entry;
    const about = [letter, ...nameOf(context, entry), told(run).size, timeOf(entry), progress(run)].filter(Boolean);
    const badge = (text, kind = "") => text && element(document, "span", { class: `adacache-badge ${kind}`, text });
    const newest = store.runs[store.runs.length - 1];
    const back = () => {
        choice.shown = "";
        redraw();
    };
    return element(document, "div", { class: "adacache-eyebrow" }, [
        badge(state(run), run.end ? "alarm" : "live"),
        badge(lockedBy(run) && t("locked schedule")),
        badge(imported && t("imported")),
        badge(store.pinned === entry.id && t("pinned")),
        badge(letter !== "B" && newest !== entry && t("older run")),
        parted(document, "span", about),
        letter !== "B" &&
            newest !== entry &&
            element(document, "button", {
                type: "button",
                text: t("Follow new runs"),
                title: t("You chose an older run, so newer ones do not take its place here"),
                onclick: back,
            }),
    ]);
}

/** @param {Document} document @param {Entry} entry */
function title(document, { run }) {
    const { counted, gained, how } = headline(run);
    return element(document, "h2", { class: "adacache-headline" }, [
        element(document, "span", { text: counted }),
        gained && element(document, "span", { class: how ? "gained" : "plain", text: gained }),
        how && element(document, "small", { text: `(${how})` }),
    ]);
}

/**
 * Lines break between the parts, not inside; the dots between them are the style sheet's, and none ends a line.
 * @param {Document} document
 * @param {"p" | "span"} tag
 * @param {string[]} parts
 */
export function parted(document, tag, parts) {
    const spans = parts.map((text) => element(document, "span", { text }));
    return element(document, tag, { class: "adacache-parted" }, spans);
}

/** @param {Document} document @param {string} text @param {string} [kind] */
function notice(document, text, kind = "") {
    return element(document, "p", { class: `adacache-notice ${kind}`, text });
}

/** @param {Document} document */
function empty(document) {
    const lines = [
        t(
            'Connect the model of AdaCache Patch Model, with a preset other than "off", to the sampler, and queue. The ' +
                "run appears here, step by step.",
        ),
        t("A sampler in which nothing changed does not run again: a new seed makes it run."),
    ];
    return [
        element(document, "div", { class: "adacache-empty" }, [
            element(document, "h2", { class: "adacache-headline", text: t("No run yet") }),
            ...lines.map((text) => element(document, "p", { text })),
        ]),
    ];
}
