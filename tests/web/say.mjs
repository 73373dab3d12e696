/** What the panel says of every run in traces.json, and of some numbers, as JSON: for test_words_agree.py. */

import { computedOf, gains, inPart, passes } from "../../web/counts.js";
import { schedule } from "../../web/export.js";
import { readRun } from "../../web/trace.js";
import { bytes, duration, facts, headline, notices, number } from "../../web/words.js";
import { names, sample } from "./samples.mjs";

const numbers = JSON.parse(process.argv[2]);
const each = (say) => numbers.map((value) => (value >= 0 ? say(value) : ""));

console.log(
    JSON.stringify({
        runs: Object.fromEntries(names.map((name) => [name, said(readRun(sample(name)))])),
        number: numbers.map(number),
        duration: each(duration),
        bytes: each(bytes),
    }),
);

function said(run) {
    const { counted, gained, how } = headline(run);
    const [computed_passes, of] = passes(run);
    const estimate = gains(run);
    return {
        headline: [counted, gained, how],
        facts: facts(run).slice(0, 2),
        notices: notices(run),
        locked: schedule(run).text,
        derived: { computed: computedOf(run), in_part: inPart(run), computed_passes, passes: of },
        estimate: estimate && [estimate.without, estimate.speedUp],
    };
}
