import assert from "node:assert/strict";
import { test } from "node:test";

import { readOutput } from "../../web/report.js";

test("a node's output is its text and its runs; what else a host sends is none", () => {
    assert.deepEqual(readOutput({ text: ["one", "two"], runs: ["a"] }), { text: "one\ntwo", runs: ["a"] });
    assert.deepEqual(readOutput({ text: ["one", 2], runs: [{}, "a"] }), { text: "one", runs: ["a"] });
    assert.deepEqual(readOutput({ text: ["one"], images: [] }), { text: "one", runs: [] });
    for (const odd of [null, "text", [], {}, { text: "one" }, { text: [] }, { text: [3] }])
        assert.equal(readOutput(odd), null);
    assert.equal(readOutput({ text: ["x".repeat(1e6)] })?.text.length, 8000);
});
