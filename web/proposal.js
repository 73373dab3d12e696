// @ts-check
/** Asks the server what codebook a measured run suggests, and says it in words. No DOM. */

import { t } from "./language.js";
import { clean, finite, isObject } from "./trace.js";

/** @typedef {import("./trace.js").Run} Run */

const LONGEST = 10_000; // characters of a calibration, which takes less than a thousand

/** Whether a codebook can be proposed from a run. @param {Run | undefined} run */
export function isMeasured(run) {
    return run?.settings.mode === "measure" && run.end === "done" && !run.note;
}

/**
 * @param {{fetchApi: (route: string) => Promise<Response>}} api the host's
 * @param {Run} run
 * @returns {Promise<{text: string, words: string, why: string}>} `text` for AdaCache Load Calibration, and what to
 *     expect of it; or why there is none
 */
export async function proposal(api, run) {
    const none = (why) => ({ text: "", words: "", why: t("No codebook: {why}.", { why }) });
    try {
        const answer = await api.fetchApi(`/adacache/runs/${encodeURIComponent(run.info.run_id)}/calibration`);
        const plain = await answer.json();
        if (!answer.ok) return none(clean(plain?.error) || t("the server answered {status}", { status: answer.status }));
        return { text: textOf(plain), words: wordsOf(plain.calibration), why: "" };
    } catch (error) {
        return none(error instanceof Refused ? error.message : t("the server did not answer"));
    }
}

class Refused extends Error {}

/** @param {any} plain */
function textOf(plain) {
    if (!isObject(plain) || !isObject(plain.calibration) || typeof plain.text !== "string")
        throw new Refused(t("the server's answer was not understood"));
    if (plain.text.length > LONGEST) throw new Refused(t("the server's answer is too long"));
    return plain.text;
}

/** @param {any} found */
function wordsOf(found) {
    const [computed, steps] = [finite(found.computed), finite(found.steps)];
    if (computed === null || steps === null) throw new Refused(t("the server's answer was not understood"));
    return [
        t("Codebook for about twice the speed, {computed} of {steps} steps computed: {codebook}.", {
            computed: computed.toFixed(1),
            steps,
            codebook: clean(found.codebook, 200),
        }),
        t("The calibration is copied; paste it into AdaCache Load Calibration."),
        clean(found.plan, 200) && t("Its plan output is for locked_schedule in place of the codebook."),
        t("AdaCache Calibrate takes other targets and several runs, which tell more."),
    ]
        .filter(Boolean)
        .join(" ");
}
