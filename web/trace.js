// @ts-check
/** Reads runs as the server and exported files hold them; what is not a run is refused with a reason. No DOM. */

import { t } from "./language.js";

/**
 * @typedef {{evaluation: number, step: number, computed: boolean, reason: string, turns: number[] | null} &
 *     Record<typeof NUMBERS[number], number | null>} Step One evaluation of the network; `adacache/trace/record.py`
 *     says what its fields are.
 */

/**
 * @typedef {object} Run One call of the sampler.
 * @property {{family: string, shape: number[], sampler: string, run_id: string, handle: string, prompt_id: string,
 *     node_id: string, started: string, workers: number}} info how many processes sampled it together, among others
 * @property {{task: string, workflow: string, title: string}} about what the queue said of it: its task, the workflow's
 *     id and the title of the sampler node; "" where it did not, as in files
 * @property {number} steps
 * @property {Record<string, any>} settings
 * @property {string} codebook
 * @property {Step[]} records in the order of their evaluations, each once
 * @property {number | null} seconds
 * @property {number} cache_bytes
 * @property {string} cache_place
 * @property {string} probe
 * @property {number} highest_sigma the model's highest noise level, 0 where it is not known
 * @property {string} note
 * @property {string} caution
 * @property {string} end
 * @property {string} end_detail
 */

export const VERSION = 1;
/** Evaluations kept of one run, and characters kept of one text: what is longer is no run that a person looks at. */
export const MOST_RECORDS = 10_000;
export const MOST_CHARACTERS = 2_000;
const MOST_TURNS = 1_000; // of one record
export const MOST_FILE_BYTES = 16 * 2 ** 20;
export const MOST_FILE_RUNS = 32;
const MOST_LEVELS = 20;

/** The numbers of a record. */
export const NUMBERS = /** @type {const} */ ([
    "sigma", "distance", "looked_up", "score", "motion", "gradient", "rate", "milliseconds", "error", "gain",
    "far", "far_steps", "passes", "computed_passes",
]);
const INFO = ["family", "sampler", "run_id", "handle", "prompt_id", "node_id", "started"];

/** What was read is not a trace, or one of a newer version; the message is for people. */
export class TraceError extends Error {}

/**
 * @param {unknown} value
 * @returns {number | null} a number that can be placed, or null
 */
export function finite(value) {
    return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/**
 * Text from elsewhere in one line, without control characters and without marks that turn the reading direction.
 * @param {unknown} value
 */
export function clean(value, most = MOST_CHARACTERS) {
    if (typeof value !== "string" && typeof value !== "number") return "";
    const text = String(value)
        .slice(0, 4 * most)
        .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, " ")
        .trim();
    return text.length > most ? `${text.slice(0, most)}...` : text;
}

/**
 * @param {any} plain
 * @param {string} where for the message
 * @returns {Step}
 */
export function readStep(plain, where = "the record") {
    if (!isObject(plain)) throw new TraceError(`${where} is not an object`);
    const { evaluation, step, computed } = plain;
    for (const [name, value] of Object.entries({ evaluation, step }))
        if (!Number.isSafeInteger(value) || value < 1)
            throw new TraceError(`${where}: "${name}" is not a whole number from 1`);
    if (typeof computed !== "boolean") throw new TraceError(`${where}: "computed" is neither true nor false`);
    const read = { evaluation, step, computed, reason: clean(plain.reason, 40), turns: readTurns(plain.turns) };
    for (const name of NUMBERS) read[name] = finite(plain[name]);
    return /** @type {Step} */ (read);
}

/** Kept for whoever calibrates from an exported run. @param {unknown} plain */
function readTurns(plain) {
    const whole = Array.isArray(plain) && plain.length <= MOST_TURNS && plain.every((one) => finite(one) !== null);
    return whole ? plain : null;
}

/**
 * @param {any} plain
 * @param {string} where for the message
 * @returns {Run}
 */
export function readRun(plain, where = "the run") {
    if (!isObject(plain) || !isObject(plain.info)) throw new TraceError(`${where} has no "info"`);
    if (!Array.isArray(plain.records)) throw new TraceError(`${where}: its "records" are not a list`);
    if (plain.records.length > MOST_RECORDS)
        throw new TraceError(
            `${where} has ${plain.records.length} records; at most ${MOST_RECORDS.toLocaleString("en")} are read`,
        );
    if (!Number.isSafeInteger(plain.steps) || plain.steps < 0)
        throw new TraceError(`${where}: "steps" is not a whole number`);
    const records = plain.records.map((record, n) => readStep(record, `${where}, record ${n + 1}`));
    return {
        info: readInfo(plain.info),
        about: readAbout(plain.about),
        steps: plain.steps,
        settings: readSettings(plain.settings),
        codebook: clean(plain.codebook),
        records: inOrder(records),
        seconds: finite(plain.seconds),
        cache_bytes: Math.max(0, finite(plain.cache_bytes) ?? 0),
        cache_place: clean(plain.cache_place, 40),
        probe: clean(plain.probe, 200),
        highest_sigma: finite(plain.highest_sigma) ?? 0,
        note: clean(plain.note),
        caution: clean(plain.caution),
        end: clean(plain.end, 40),
        end_detail: clean(plain.end_detail),
    };
}

/**
 * The runs in the text of an exported file.
 * @param {string} text
 * @returns {Run[]}
 */
export function readFile(text) {
    if (text.length > MOST_FILE_BYTES)
        throw new TraceError(tooLarge());
    let plain;
    try {
        plain = JSON.parse(text);
    } catch {
        throw new TraceError(t("This is not a JSON file. Choose a file that Export or the trace output has made."));
    }
    if (!isObject(plain) || !Number.isSafeInteger(plain.version) || !Array.isArray(plain.runs))
        throw new TraceError(t('This JSON is not an AdaCache trace: "version" and "runs" were expected.'));
    if (plain.version > VERSION)
        throw new TraceError(
            t("This trace has version {theirs}; this panel reads {ours}. Update AdaCache.", {
                theirs: plain.version,
                ours: VERSION,
            }),
        );
    if (!plain.runs.length) throw new TraceError(t("This trace holds no run."));
    if (plain.runs.length > MOST_FILE_RUNS)
        throw new TraceError(
            t("This trace holds {count} runs; at most {most} are read at once.", {
                count: plain.runs.length,
                most: MOST_FILE_RUNS,
            }),
        );
    if (nests(plain, MOST_LEVELS)) throw new TraceError(t("This JSON is nested too deeply to be a trace."));
    return plain.runs.map((run, n) => readRun(run, `Run ${n + 1}`));
}

/**
 * Whether a value holds others in more levels than that; a walk through all of them would not come to its end.
 * @param {unknown} value @param {number} most
 * @returns {boolean}
 */
function nests(value, most) {
    if (typeof value !== "object" || value === null) return false;
    return most === 0 || Object.values(value).some((one) => nests(one, most - 1));
}

/** What is said of a file that no exported run is. */
export function tooLarge() {
    return t("The file is larger than {most} MiB, which no exported run is.", { most: MOST_FILE_BYTES / 2 ** 20 });
}

/** @param {any} value @returns {value is Record<string, any>} */
export function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {Record<string, any>} info */
function readInfo(info) {
    const shape = Array.isArray(info.shape) ? info.shape.slice(0, 8).map((size) => finite(size) ?? 0) : [];
    const texts = Object.fromEntries(INFO.map((name) => [name, clean(info[name], 200)]));
    return /** @type {Run["info"]} */ ({ ...texts, shape, workers: finite(info.workers) ?? 1 });
}

/** @param {unknown} about */
function readAbout(about) {
    const { task, workflow, title } = isObject(about) ? about : {};
    return { task: clean(task, 200), workflow: clean(workflow, 200), title: clean(title, 120) };
}

/** Settings are kept as they are, for people to copy, unless they are too large to have been made by a node. */
function readSettings(settings) {
    if (!isObject(settings)) return {};
    return JSON.stringify(settings).length <= 20_000 ? structuredClone(settings) : {};
}

/** @param {Step[]} records */
function inOrder(records) {
    const each = new Map(records.map((record) => [record.evaluation, record]));
    return [...each.values()].sort((a, b) => a.evaluation - b.evaluation);
}

/**
 * Puts a step at its place; one that is there already stays.
 * @param {Step[]} records
 * @param {Step} step
 */
export function insert(records, step) {
    if (records.length >= MOST_RECORDS) return false;
    let place = records.length;
    while (place > 0 && records[place - 1].evaluation > step.evaluation) place -= 1;
    if (place > 0 && records[place - 1].evaluation === step.evaluation) return false;
    records.splice(place, 0, step);
    return true;
}
