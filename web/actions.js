// @ts-check
/** What can be done with the run that is shown: lock, copy, export. */

import { download, element, toPng } from "./dom.js";
import { DARK, LIGHT } from "./draw.js";
import { fileName, schedule, toCsv, toJson, toSvg } from "./export.js";
import { t } from "./language.js";
import { isMeasured } from "./proposal.js";
import { settingsText } from "./setting.js";
import { nameOf, timeOf } from "./wordsview.js";

/** @typedef {import("./panel.js").Context} Context */
/** @typedef {import("./store.js").Entry} Entry */

/** @param {Context} context */
export function actionsFor(context) {
    const { document, give, say, picked, propose, lockOf } = context;
    const runs = () => picked().map(({ run }) => run);
    /** An imported run is of another graph, whatever its nodes are called. @param {Entry | undefined} entry */
    const fieldOf = (entry) => (entry && !entry.imported ? lockOf(entry.run) : null);
    const save = (extension, kind, text) =>
        download(document, fileName(runs(), extension), new Blob([text], { type: kind }));
    const picture = () => {
        const titles = picked().map((entry) => [...nameOf(context, entry), timeOf(entry, true)].filter(Boolean).join(" · "));
        return toSvg(runs(), document, context.light() ? LIGHT : DARK, { measure: context.measure(), titles });
    };
    const button = (text, title, onclick, kind) =>
        element(document, "button", { type: "button", text, title, onclick, class: kind });

    const lock = button(
        t("Lock schedule"),
        "",
        async () => {
            const { text, why } = schedule(runs()[0]);
            if (why) return say(why, "bad");
            const field = fieldOf(picked()[0]);
            if (field) {
                field.write(text);
                return say(
                    t("Locked: {schedule} is now in locked_schedule of {node}. Ctrl+Z takes it back.", {
                        schedule: text,
                        node: field.title,
                    }),
                );
            }
            if (await give(text, t("Schedule")))
                say(
                    t("Schedule copied: {schedule}. Paste it into locked_schedule of AdaCache Patch Model.", {
                        schedule: text,
                    }),
                );
        },
        "primary",
    );
    const suggest = button(
        t("Propose a codebook"),
        t("From this measured run: a codebook for twice the speed, as text for AdaCache Load Calibration"),
        async () => {
            say(t("Looking for a codebook..."));
            const { text, words, why } = await propose(runs()[0]);
            if (why) return say(why, "bad");
            if (await give(text, t("Calibration"))) say(words);
        },
        "primary",
    );
    const codebook = button(t("Copy codebook"), t("Copy the codebook of this run as text"), () =>
        give(runs()[0].codebook, t("Codebook")),
    );
    const root = element(document, "div", {}, [
        element(document, "div", { class: "adacache-actions", role: "group", "aria-label": t("Copy") }, [
            lock,
            suggest,
            button(t("Copy settings"), t("Copy the settings of this run as text"), () =>
                give(settingsText(runs()[0]), t("Settings")),
            ),
            codebook,
        ]),
        element(document, "div", { class: "adacache-actions", role: "group", "aria-label": t("Export") }, [
            element(document, "span", { text: t("Export"), "aria-hidden": "true" }),
            button("JSON", t("All numbers, for Import and for scripts"), () =>
                save("json", "application/json", toJson(runs())),
            ),
            button("CSV", t("Export a table for spreadsheets"), () => save("csv", "text/csv", toCsv(runs()))),
            button("SVG", t("Export the picture, sharp at any size"), () =>
                save("svg", "image/svg+xml", picture().outerHTML),
            ),
            button("PNG", t("Export the picture in pixels"), async () => {
                try {
                    download(document, fileName(runs(), "png"), await toPng(picture()));
                } catch (error) {
                    say(t("The picture could not be made: {why}", { why: /** @type {Error} */ (error).message }), "bad");
                }
            }),
        ]),
    ]);

    /** @param {Entry[]} entries */
    function update(entries) {
        root.hidden = !entries.length;
        const field = fieldOf(entries[0]);
        lock.textContent = field ? t("Lock schedule") : t("Copy schedule");
        lock.title = field
            ? t("Write which steps were computed into locked_schedule of {node}: its next runs compute the same", {
                  node: field.title,
              })
            : t("Copy which steps were computed, for locked_schedule of AdaCache Patch Model");
        codebook.hidden = !entries[0]?.run.codebook; // planned steps have none
        suggest.hidden = !isMeasured(entries[0]?.run);
    }

    return { root, update };
}
