/** Runs for the tests: traces.json as make_traces.py wrote it, and runs of any length. */

import { readFileSync } from "node:fs";

const text = readFileSync(new URL("./traces.json", import.meta.url), "utf8");

/** A fresh copy each time: the store changes what it is given. */
export function sample(name) {
    return structuredClone(JSON.parse(text)[name]);
}

export const names = Object.keys(JSON.parse(text));

export function message(run) {
    return { version: 1, client: "me", run };
}

/** A run of `steps` steps, every third computed, with all numbers. */
export function synthetic(id, steps, { end = "done", records = steps } = {}) {
    const run = sample("plain");
    run.info = { ...run.info, run_id: id, node_id: "3", prompt_id: `prompt-${id}` };
    run.steps = steps;
    run.end = end;
    run.records = Array.from({ length: records }, (_, n) => record(n + 1));
    return run;
}

export function record(evaluation, more = {}) {
    const computed = evaluation % 3 === 1;
    return {
        evaluation,
        step: evaluation,
        sigma: 1 / evaluation,
        computed,
        reason: computed ? "scheduled" : "reused",
        distance: computed ? 0.2 : null,
        looked_up: computed ? 0.2 : null,
        score: computed ? 0.3 : null,
        motion: null,
        gradient: computed ? 0.01 : null,
        rate: computed ? 3 : null,
        milliseconds: computed ? 300 : 10,
        ...more,
    };
}

/** As much of a document as drawing needs; elements become text by `String`. */
export const paper = {
    createElementNS: (_, tag) => ({
        tag,
        attributes: {},
        children: [],
        textContent: "",
        setAttribute(name, value) {
            this.attributes[name] = value;
        },
        append(...children) {
            this.children.push(...children);
        },
        toString() {
            const escaped = (value) => String(value).replace(/[&<"]/g, (c) => `&#${c.charCodeAt(0)};`);
            const attributes = Object.entries(this.attributes)
                .map(([name, value]) => ` ${name}="${escaped(value)}"`)
                .join("");
            return `<${this.tag}${attributes}>${escaped(this.textContent)}${this.children.join("\n")}</${this.tag}>`;
        },
    }),
};
