// @ts-check
/** What the graphs that this page queued tell of their runs: seed and size, and why there is none. No DOM. */

import { PATCHES } from "./graph.js";
import { listed, t } from "./language.js";

/** @typedef {import("./trace.js").Run} Run */
/** @typedef {Record<string, {class_type?: string, inputs?: Record<string, unknown>}>} Prompt A graph in the host's API form. */

const MOST_KEPT = 64;
const SEEDS = ["noise_seed", "seed"];

export function queuedGraphs() {
    /** @type {Map<string, Prompt>} */
    const kept = new Map();

    return {
        /** @param {unknown} promptId @param {unknown} prompt */
        note(promptId, prompt) {
            if (typeof promptId !== "string" || typeof prompt !== "object" || prompt === null) return;
            kept.set(promptId, /** @type {Prompt} */ (prompt));
            if (kept.size > MOST_KEPT) kept.delete(/** @type {string} */ (kept.keys().next().value));
        },
        /** "seed 11" and "832 x 480, 33 frames", "" where they are not known. @param {Run} run */
        tell({ info }) {
            const prompt = kept.get(info.prompt_id);
            const sampler = info.node_id.split(".").at(-1) ?? ""; // a sweep's "18.0.0.turbo.10" is node 10 once more
            const find = (...names) => (prompt ? nearest(prompt, sampler, names) : null);
            const [seed, width, height, frames] = [find(...SEEDS), find("width"), find("height"), find("length")];
            const pixels = width && height ? `${width} x ${height}` : "";
            return {
                seed: seed === null ? "" : t("seed {seed}", { seed }),
                size: listed([pixels, pixels && frames && frames > 1 ? t("{count} frames", { count: frames }) : ""]),
            };
        },
        /** Why a graph that came to its end has no run, "" where that is not known. @param {string} promptId */
        whyNone(promptId) {
            const prompt = kept.get(promptId);
            if (!prompt) return "";
            /** @param {Prompt[string]} node */
            const caches = ({ class_type = "", inputs }) => PATCHES.includes(class_type) && inputs?.preset !== "off";
            return Object.values(prompt).some(caches)
                ? t("A sampler in which nothing changed does not run again: a new seed makes it run.")
                : t("The last queue was without AdaCache: bypassed, off, or not in the graph. This run is from before it.");
        },
    };
}

/** The nearest number of one of these names at a node or at what it depends on. @param {Prompt} prompt */
function nearest(prompt, id, names) {
    const seen = new Set([id]);
    for (const one of seen) {
        const inputs = prompt[one]?.inputs ?? {};
        for (const name of names) {
            // A number that is given by a link is in the node that it comes from, under any name.
            const value = inputs[name];
            if (typeof value === "number") return value;
            const linked = Array.isArray(value) ? prompt[String(value[0])]?.inputs ?? {} : {};
            const given = Object.values(linked).find((other) => typeof other === "number");
            if (given !== undefined) return /** @type {number} */ (given);
        }
        for (const value of Object.values(inputs)) if (Array.isArray(value)) seen.add(String(value[0]));
    }
    return null;
}
