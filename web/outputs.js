// @ts-check
/** What the server told of a node's last run: its text, and which runs it is about. No DOM. */

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
