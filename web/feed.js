// @ts-check
/** Brings what the server knows into the store: by events while a run of this page goes on, else by asking. No DOM. */

/** @typedef {import("./store.js").RunStore} RunStore */

const PAUSE = 3000; // milliseconds between two questions, and until silence counts as no events

/**
 * @param {{addEventListener: Function, fetchApi: (route: string) => Promise<Response>}} api the host's
 * @param {RunStore} store
 * @param {{titleOf: (run: import("./trace.js").Run) => string, watched: () => boolean, pause?: number}} options
 *     `watched`: whether anybody looks, since other pages' runs are asked for only then
 */
export function feed(api, store, { titleOf, watched, pause = PAUSE }) {
    let heard = 0; // when the last event of ours came
    let queued = 0; // graphs in the server's queue, of any page
    let asking = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    /** All the server keeps, or the newest few. Runs that went on here and are gone there are lost. */
    async function refresh(limit = 0) {
        if (asking) return;
        asking = true;
        const open = limit ? [] : store.open();
        const message = await ask(api, `/adacache/runs${limit ? `?limit=${limit}` : ""}`);
        asking = false;
        if (message) store.takeList(message, open, titleOf);
    }

    /** Events go to the page that queued a run; others follow it by asking now and then. */
    function follow() {
        clearTimeout(timer);
        if (!queued && !store.open().length) return;
        timer = setTimeout(async () => {
            if (watched() && Date.now() - heard >= pause) await refresh(4);
            follow();
        }, pause);
    }

    const hear = (take) => (event) => {
        heard = Date.now();
        take(event.detail);
    };
    const takeRun = (message) => store.takeRun(message, titleOf);
    api.addEventListener("adacache.run", hear(takeRun));
    api.addEventListener("adacache.step", hear((message) => store.takeStep(message)));
    api.addEventListener("execution_success", (event) => store.takeEnd(event.detail?.prompt_id));
    api.addEventListener("reconnected", () => refresh());
    // A socket may be silent though it is open: what this page has just queued is asked for all the same.
    api.addEventListener("promptQueued", () => {
        queued = Math.max(1, queued);
        follow();
    });
    api.addEventListener("status", (event) => {
        const now = event.detail?.exec_info?.queue_remaining ?? 0;
        if (now < queued && watched()) refresh(Math.min(16, 4 * (queued - now)));
        queued = now;
        follow();
    });
    store.addEventListener("missing", async (event) => {
        const id = /** @type {CustomEvent} */ (event).detail;
        const message = await ask(api, `/adacache/runs/${encodeURIComponent(id)}`);
        if (message) takeRun(message);
        else setTimeout(() => store.asked.delete(id), pause);
    });
    return { refresh };
}

/** @returns {Promise<unknown>} null where the server has no answer: it is away, or older than this page */
async function ask(api, route) {
    try {
        const answer = await api.fetchApi(route);
        return answer.ok ? await answer.json() : null;
    } catch {
        return null;
    }
}
