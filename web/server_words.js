// @ts-check
/** Sentences that the server writes in English into runs and outputs, and what to do about them. No DOM. */

import { listed, phrase, t } from "./language.js";
import { PARTS, REPORTS, SUMMARY } from "./report_words.js";

const BLOCKS = phrase("Find the node that replaces the model's blocks, and bypass one of the two.");
const SAMPLER = phrase("Choose a sampler that evaluates once per step, such as euler, uni_pc or dpmpp_2m.");

/** @type {[string, string?][]} a sentence of the server, {names} for what differs, and the remedy */
const SENTENCES = [
    [phrase("{other} is on the same model; remove one of the two"), phrase("Bypass the other cache node, or ours.")],
    [phrase("the sampler {sampler} does not tell when a step ends"), SAMPLER],
    [phrase("the sampler {sampler} evaluates the network a varying number of times per step"), SAMPLER],
    [phrase("the sampler {sampler} evaluates at noise levels other than its list's"), SAMPLER],
    [phrase("the sampler made no evaluation that could be seen from here")],
    [
        phrase("{steps} steps leave nothing to reuse; it takes at least {least}"),
        phrase("Sample 20 steps or more. Of 5 to 8 steps, balanced reuses one or two, with a sampler such as euler."),
    ],
    [phrase('with so few steps each changes much: look at motion and detail; preset "off" computes them all')],
    [
        phrase("the locked schedule is for {locked} steps, and this run has {steps}"),
        phrase("Empty locked_schedule, or lock the schedule of a run with as many steps."),
    ],
    [phrase("another node answered in place of the network"), BLOCKS],
    [phrase("another node answered in place of the network, perhaps of {packs}"), BLOCKS],
    [phrase("{other} runs in place of the network's blocks; remove one of the two"), BLOCKS],
    [phrase("{pack} has put its own code in place of the network's, and left it there; restart ComfyUI")],
    [phrase("the network's blocks did not run once each, from first to last"), BLOCKS],
    [phrase("the network's answer has another shape than the latent")],
    [phrase("the network makes its video frame by frame, with a memory of its own")],
    [phrase("the model is being trained")],
    [phrase("another model runs the sampling; where a guider takes two, patch the first, the positive one")],
    [phrase("this model's sampling makes more of the network's answer than can be undone")],
    [phrase("caching failed: {error}")],
    // Several GPUs.
    [phrase("another of the workers cannot cache")],
    [
        phrase("PipeFusion keeps activations from step to step itself"),
        phrase("Use sequence parallelism, CFG parallelism or FSDP in its place."),
    ],
    [
        phrase(
            "with CFG parallelism a GPU has one of the prompts, and the presets as published need all of them",
        ),
        phrase("Choose another preset."),
    ],
    [
        phrase(
            "each of the workers holds one model, and another was loaded or patched since this sampler's: change a " +
                "value of its model loader, so that it loads again",
        ),
    ],
    // What was measured.
    [phrase("the network's answer")],
    [phrase("the denoised latent")],
    [phrase("attention residual of block {block}")],
    [phrase("block residual of block {block}")],
    // What Cache Stats says in place of a run.
    [
        phrase(
            "No run was recorded with this model. Connect the value from behind the sampler that uses the model of " +
                'AdaCache Patch Model, and choose a preset other than "off".',
        ),
    ],
    [
        phrase(
            "AdaCache is bypassed: no handle of AdaCache Patch Model comes in, so the sampling was without it. " +
                "Switch that node on again, or connect its handle.",
        ),
    ],
    ...[...REPORTS, ...SUMMARY].map((sentence) => /** @type {[string]} */ ([sentence])),
];
/** @type {typeof SENTENCES} */
const LISTED = PARTS.map((part) => [part]);

/** @param {string} english @param {typeof SENTENCES} [among] @returns {{sentence: string, remedy: string, values: Record<string, string>} | null} */
function found(english, among = SENTENCES) {
    for (const [sentence, remedy = ""] of among) {
        const plain = sentence.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
        const match = new RegExp(`^${plain.replace(/\{(\w+)\}/g, "(?<$1>.*)")}$`, "is").exec(english);
        if (match) return { sentence, remedy, values: match.groups ?? {} };
    }
    return null;
}

/** A text of the server in the page's language; as it is where it is not one of ours. @param {string} english @param {typeof SENTENCES} [among] */
export function said(english, among) {
    const known = found(english, among);
    if (!known) return english;
    const values = Object.entries(known.values).map(([name, value]) => [name, said(value)]);
    return t(known.sentence, Object.fromEntries(values));
}

/** The same of a text of several lines, some of which list parts. @param {string} english */
export function saidLines(english) {
    const line = (text) => {
        const parts = text.split(", ");
        if (found(text) || !parts.some((part) => found(part, LISTED))) return said(text);
        return listed(parts.map((part) => said(part, LISTED)));
    };
    return english.split("\n").map(line).join("\n");
}

/** What to do about a note of the server; "" where nothing is known. @param {string} note */
export function remedyOf(note) {
    const known = found(note);
    return known?.remedy ? t(known.remedy) : "";
}
