// @ts-check
/** The runs that the views show: filled by events while they sample, by a route after a reload. No DOM. */

import { MOST_RECORDS, TraceError, VERSION, insert, isObject, readRun, readStep } from "./trace.js";

/** @typedef {import("./trace.js").Run} Run */
/** @typedef {import("./trace.js").Step} Step */

/**
 * @typedef {object} Entry A run, and what this page knows about it.
 * @property {string} id
 * @property {Run} run
 * @property {boolean} imported
 * @property {string} title of its sampler node, "" where it is not known
 * @property {number} bytes
 */

const MOST_WAITING = 4;

/**
 * Tells of its changes by the events "change" (the views draw anew) and "missing" (a run's id: somebody fetch it).
 * Runs are in the order in which they came; the oldest go first when there are too many, the pinned one never.
 */
export class RunStore extends EventTarget {
    /** @param {{mostRuns?: number, mostBytes?: number}} [bounds] */
    constructor({ mostRuns = 32, mostBytes = 24 * 2 ** 20 } = {}) {
        super();
        this.mostRuns = mostRuns;
        this.mostBytes = mostBytes;
        /** @type {Map<string, Entry>} */
        this.entries = new Map();
        /** @type {Map<string, Map<number, Step>>} steps of runs that are not known yet */
        this.waiting = new Map();
        /** @type {Set<string>} runs that were asked for and have not come yet */
        this.asked = new Set();
        this.pinned = "";
        this.imports = 0;
        /** The prompt id of this page's newest graph if it came to its end without a run, else "". */
        this.unrecorded = "";
        /** The version of a server that is too new for this page, or 0. */
        this.newer = 0;
    }

    /** Newest last. */
    get runs() {
        return [...this.entries.values()];
    }

    get bytes() {
        return this.runs.reduce((sum, entry) => sum + entry.bytes, 0);
    }

    /** @param {string} id */
    get(id) {
        return this.entries.get(id);
    }

    /**
     * The event `adacache.run`: a run has begun or ended.
     * @param {unknown} message
     * @param {(run: Run) => string} [titleOf]
     */
    takeRun(message, titleOf) {
        const plain = this._payload(message, "run");
        const run = plain && attempt(() => readRun(plain));
        if (run && this._put(run, titleOf)) this._changed();
    }

    /**
     * The event `adacache.step`: one more evaluation.
     * @param {unknown} message
     */
    takeStep(message) {
        const plain = this._payload(message, "record");
        const id = /** @type {any} */ (message)?.run_id;
        const step = plain && typeof id === "string" && id && attempt(() => readStep(plain));
        if (!step) return;
        const entry = this.entries.get(id);
        if (!entry) this._await(id, step);
        else if (!entry.run.end) {
            const gap = step.evaluation > (entry.run.records.at(-1)?.evaluation ?? 0) + 1;
            if (insert(entry.run.records, step)) this._measure(entry);
            this._trim(entry);
            if (gap) this._ask(id);
            this._changed();
        }
    }

    /**
     * The server's list. `openBefore` names the runs that were going on here when it was asked for: one of them that
     * the server no longer knows has been lost with it.
     * @param {unknown} message
     * @param {Iterable<string>} [openBefore]
     * @param {(run: Run) => string} [titleOf]
     */
    takeList(message, openBefore = [], titleOf) {
        const list = this._payload(message, "runs");
        if (!Array.isArray(list)) return;
        const known = new Set();
        for (const plain of list.slice(-this.mostRuns)) {
            const run = attempt(() => readRun(plain));
            if (run?.info.run_id) known.add(run.info.run_id) && this._put(run, titleOf);
        }
        this._order(known);
        for (const id of openBefore) {
            const run = this.entries.get(id)?.run;
            if (run && !run.end && !known.has(id)) run.end = "lost";
        }
        this._changed();
    }

    /**
     * A graph of this page came to its end; its runs were told of before.
     * @param {unknown} promptId
     */
    takeEnd(promptId) {
        if (typeof promptId !== "string") return;
        const recorded = this.runs.some(({ run, imported }) => !imported && run.info.prompt_id === promptId);
        this.unrecorded = recorded ? "" : promptId;
        this._changed();
    }

    /** Ids of the server's runs that go on, as far as this page knows. */
    open() {
        return this.runs.filter((entry) => !entry.imported && !entry.run.end).map((entry) => entry.id);
    }

    /**
     * Runs from a file; their ids are made new, so that they stand beside the session's own.
     * @param {Run[]} runs
     * @param {string} title
     * @returns {string} the id of the last
     */
    import(runs, title) {
        let id = "";
        for (const run of runs) {
            this.imports += 1;
            id = `import:${this.imports}`;
            this._set({ id, run: { ...run, end: run.end || "unfinished" }, imported: true, title, bytes: 0 });
        }
        this._changed();
        return id;
    }

    /** @param {string} id "" for none */
    pin(id) {
        this.pinned = id;
        this._changed();
    }

    /** @param {unknown} message @param {string} name @returns {any} */
    _payload(message, name) {
        if (!isObject(message)) return null;
        if (Number.isSafeInteger(message.version) && message.version > VERSION && !this.newer) {
            this.newer = message.version;
            this._changed();
        }
        return message.version === VERSION ? message[name] : null;
    }

    /** Takes a run unless what is here says more. */
    _put(run, titleOf) {
        const id = run.info.run_id;
        if (!id) return false;
        this.asked.delete(id);
        const old = this.entries.get(id);
        if (!old) this.unrecorded = "";
        if (old?.run.end && old.run.end !== "lost" && !run.end) return false;
        const later = [...(this.waiting.get(id)?.values() ?? []), ...(old && !run.end ? old.run.records : [])];
        this.waiting.delete(id);
        for (const step of run.end ? [] : later) insert(run.records, step);
        this._set({ id, run, imported: false, title: old?.title || titleOf?.(run) || "", bytes: 0 });
        return true;
    }

    /** @param {Entry} entry */
    _set(entry) {
        this.entries.set(entry.id, entry); // an old entry keeps its place
        this._measure(entry);
        this._trim(entry);
    }

    /** @param {Entry} entry */
    _measure(entry) {
        const words = entry.run.note.length + entry.run.codebook.length + entry.run.end_detail.length;
        const turns = entry.run.records.reduce((sum, record) => sum + (record.turns?.length ?? 0), 0);
        const text = words + JSON.stringify(entry.run.settings).length;
        entry.bytes = 3000 + 2 * text + 260 * entry.run.records.length + 8 * turns;
    }

    /**
     * Puts runs in the order in which they began; others keep their places. After a reload, a step of the run that goes
     * on may bring it here before the list of those before it.
     * @param {Set<string>} ids
     */
    _order(ids) {
        const inOrder = [...ids].map((id) => this.entries.get(id)).filter((entry) => entry !== undefined);
        const placed = this.runs.map((entry) => (ids.has(entry.id) ? inOrder.shift() ?? entry : entry));
        this.entries = new Map(placed.map((entry) => [entry.id, entry]));
    }

    /** @param {Entry} newest is kept, whatever its size */
    _trim(newest) {
        for (const entry of this.runs) {
            if (this.entries.size <= this.mostRuns && this.bytes <= this.mostBytes) return;
            if (entry !== newest && entry.id !== this.pinned) this.entries.delete(entry.id);
        }
    }

    /** A step of a run that is not here yet: this page came when the run was already going on. */
    _await(id, step) {
        if (!this.waiting.has(id) && this.waiting.size >= MOST_WAITING)
            this.waiting.delete(/** @type {string} */ (this.waiting.keys().next().value));
        const steps = this.waiting.get(id) ?? new Map();
        if (steps.size < MOST_RECORDS) steps.set(step.evaluation, step);
        this.waiting.set(id, steps);
        this._ask(id);
    }

    /** @param {string} id */
    _ask(id) {
        if (this.asked.has(id)) return;
        if (this.asked.size > 64) this.asked.clear();
        this.asked.add(id);
        this.dispatchEvent(new CustomEvent("missing", { detail: id }));
    }

    _changed() {
        this.dispatchEvent(new Event("change"));
    }
}

/**
 * @template T
 * @param {() => T} read
 * @returns {T | null} null where it is not a trace: what a server of ours sends is well formed
 */
function attempt(read) {
    try {
        return read();
    } catch (error) {
        if (error instanceof TraceError) return null;
        throw error;
    }
}
