// @ts-check
/**
 * Which of the open workflows a run belongs to: their nodes often have the same ids. No DOM.
 *
 * The page notes from which workflow it queues each graph. Runs of before a reload, or of another page, are told by the
 * workflow's id, which older hosts leave equal in copies and empty in graphs of the API's form.
 */

/** @typedef {import("./trace.js").Run} Run */

const NO_ID = /^[0-]*$/; // an id of zeros is none
const MOST_NOTED = 1000;

/**
 * @param {{id: () => unknown, path: () => unknown, isOpen: (path: string) => boolean}} shown the workflow in the editor:
 *     its id, its path, and whether a path is that of an open one
 */
export function ownership(shown) {
    /** @type {Map<string, string>} */
    const queuedFrom = new Map();

    return {
        /** A graph was queued from a path. @param {unknown} promptId @param {unknown} path */
        note(promptId, path) {
            if (typeof promptId !== "string" || typeof path !== "string" || !promptId || !path) return;
            queuedFrom.set(promptId, path);
            if (queuedFrom.size > MOST_NOTED)
                queuedFrom.delete(/** @type {string} */ (queuedFrom.keys().next().value));
        },
        /** Whether a run may be one of the workflow in the editor. @param {Run} run */
        isShown(run) {
            const [theirs, ours] = [run.about.workflow, String(shown.id() ?? "")];
            // A template that is opened again has the path of before and another id.
            if (!NO_ID.test(theirs) && !NO_ID.test(ours) && theirs !== ours) return false;
            const from = queuedFrom.get(run.info.prompt_id);
            const path = shown.path();
            return !from || !path || from === path || !shown.isOpen(from);
        },
    };
}
