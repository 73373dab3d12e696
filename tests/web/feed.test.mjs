import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { test } from "node:test";

import { feed } from "../../web/feed.js";
import { RunStore } from "../../web/store.js";
import { sample } from "./samples.mjs";

/** The host's api, whose socket says only what a test says; `runs` are what the server keeps. */
class Silent extends EventTarget {
    asked = [];
    runs = [];

    async fetchApi(route) {
        this.asked.push(route);
        return { ok: true, json: async () => ({ version: 1, runs: structuredClone(this.runs) }) };
    }
}

/** The queue is empty: nothing is waited for any more. */
const over = (api) => api.dispatchEvent(Object.assign(new Event("status"), { detail: null }));

const started = (options = {}) => {
    const [api, store] = [new Silent(), new RunStore()];
    feed(api, store, { titleOf: () => "", watched: () => true, pause: 20, ...options });
    return { api, store };
};

test("a run that was queued here is found though the socket is silent", async () => {
    const { api, store } = started();
    await wait(60);
    api.asked.length = 0;
    api.dispatchEvent(new Event("promptQueued"));
    api.runs = [sample("running")];
    await wait(100);
    assert.equal(store.open().length, 1);
    api.runs = [{ ...sample("fast"), info: sample("running").info }];
    await wait(100);
    assert.equal(store.open().length, 0, "and so is its end");
    over(api);
});

test("a graph that came to its end without a run is known, until the next run", () => {
    const { api, store } = started();
    const ended = (prompt_id) => api.dispatchEvent(Object.assign(new Event("execution_success"), { detail: { prompt_id } }));
    const run = sample("fast");
    const tell = (run_id, prompt_id) =>
        store.takeRun({ version: 1, run: { ...run, info: { ...run.info, run_id, prompt_id } } });
    tell("a", "cached");
    ended("cached");
    assert.equal(store.unrecorded, "");
    ended("bypassed");
    assert.equal(store.unrecorded, "bypassed");
    tell("a", "cached"); // told once more, as a list does
    assert.equal(store.unrecorded, "bypassed");
    tell("b", "cached again");
    assert.equal(store.unrecorded, "");
    ended(undefined);
    assert.equal(store.unrecorded, "");
});

test("nothing is asked for while nobody looks, and nothing was queued", async () => {
    const { api } = started();
    await wait(60);
    const before = api.asked.length;
    await wait(100);
    assert.equal(api.asked.length, before);
    const unwatched = started({ watched: () => false });
    await wait(60);
    const first = unwatched.api.asked.length;
    unwatched.api.dispatchEvent(new Event("promptQueued"));
    await wait(100);
    assert.equal(unwatched.api.asked.length, first);
    over(unwatched.api);
});
