import assert from "node:assert/strict";
import { test } from "node:test";

import { renameChoices } from "../../web/onnode.js";

test("a choice of a saved graph takes its new name, and others stay", () => {
    class Node {
        static nodeData = { input: { required: { preset: ["COMBO", { renamed: { old: "new" } }], other: ["INT"] } } };
        widgets = [
            { name: "preset", value: "" },
            { name: "other", value: "old" },
        ];
    }
    const node = new Node();
    renameChoices(node);
    for (const [saved, shown] of [
        ["old", "new"],
        ["new", "new"],
        ["toString", "toString"],
        [3, 3],
    ]) {
        node.widgets[0].value = saved;
        node.onConfigure();
        assert.deepEqual(
            node.widgets.map(({ value }) => value),
            [shown, "old"],
        );
    }
});
