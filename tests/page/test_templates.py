"""The templates in the editor: what it queues of them is what the server tests run."""

from __future__ import annotations

import json
import urllib.request
from functools import cache

import pytest
from saved import BYPASSED, MUTED, load, numbers, prompt_of, since

from demo import host

FILES = sorted((host.REPO / "example_workflows").glob("*.json"))
# What is queued, by node and the mode that this node is in, all others as usual.
QUEUED = """async (cases) => {
    const set = (graph, path, id, mode) => graph.nodes.forEach((node) => {
        node.mode = `${path}${node.id}` === id ? mode : 0;
        if (node.subgraph) set(node.subgraph, `${path}${node.id}:`, id, mode);
    });
    const found = [];
    for (const [id, mode] of cases) {
        set(app.graph, "", id, mode);
        found.push(Object.fromEntries(Object.entries((await app.graphToPrompt()).output)
            .map(([id, { class_type, inputs }]) => [id, { class_type, inputs }])));
    }
    return found;
}"""


# Kinds of nodes that are drawn in red, since the editor does not know them.
UNKNOWN = """() => {
    const kinds = (graph) => graph.nodes.flatMap((node) => (node.subgraph ? kinds(node.subgraph) : [node.type]));
    return kinds(app.graph).filter((kind) => !(kind in LiteGraph.registered_node_types));
}"""


@cache
def asked(url: str) -> dict:
    with urllib.request.urlopen(url) as answer:
        return json.loads(answer.read())


def linked(prompt: dict, file) -> dict:
    """A graph to queue without the widgets' own values that a link stands for: where it leads to a muted node, some
    frontends leave the value out."""
    for node in load(file):
        for entry in node["inputs"]:
            inputs = prompt.get(node["id"], {}).get("inputs", {})
            if "widget" in entry and entry["from"] and not isinstance(inputs.get(entry["name"]), list):
                inputs.pop(entry["name"], None)
    return prompt


@pytest.fixture
def known(editor) -> list:
    """The templates that the host has the nodes of."""
    version = asked(f"{editor.url}/system_stats")["system"]["comfyui_version"]
    return [file for file in FILES if since(file) <= numbers(version)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_editor_knows_its_nodes_and_queues_it_as_the_server_tests_do(editor, known, file):
    if file not in known:
        pytest.skip("for a newer ComfyUI")
    infos = asked(f"{editor.url}/object_info")
    editor.page.evaluate("(work) => app.loadGraphData(work)", json.loads(file.read_text()))
    assert editor.page.evaluate(UNKNOWN) == []
    every = {node["id"]: 0 for node in load(file)}
    cases = [[node, mode] for node in every for mode in (BYPASSED, MUTED)]
    for (node, mode), queued in zip(cases, editor.page.evaluate(QUEUED, cases), strict=True):
        ours = prompt_of(file, infos, every | {node: mode})
        assert linked(queued, file) == linked(ours, file), (node, mode)


# Where nodes lie, their titles included, in the graph's own measure.
PLACES = """() => app.graph.nodes.map((node) => {
    const drawn = document.querySelector(`[data-node-id="${node.id}"]`)?.getBoundingClientRect();
    const [left, top, width, height] = node.boundingRect;
    const scale = app.canvas.ds.scale;
    return [String(node.type), left, top, left + width, drawn ? top + drawn.height / scale : top + height];
})"""
GROUPS = "() => app.graph.groups.map(({ pos, size }) => [pos[0], pos[1], pos[0] + size[0], pos[1] + size[1]])"


# After some frames, and once the page has nothing to do: the editor lays nodes out step by step.
LATER = """async () => {
    for (let n = 0; n < 3; n += 1) await new Promise(requestAnimationFrame);
    await new Promise((done) => requestIdleCallback(() => done()));
}"""
DRAWN = '() => app.graph.nodes.every(({ id }) => document.querySelector(`[data-node-id="${id}"]`))'


def settled(editor) -> list:
    """The nodes' places once they no longer move."""
    seen: list = [None, editor.page.evaluate(PLACES)]
    while seen[-1] != seen[-2]:
        editor.page.evaluate(LATER)
        seen.append(editor.page.evaluate(PLACES))
    return seen[-1]


def overlap(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def inside(one, other) -> bool:
    return other[0] <= one[0] and other[1] <= one[1] and one[2] <= other[2] and one[3] <= other[3]


@pytest.mark.parametrize("vue", [False, True], ids=["canvas-nodes", "vue-nodes"])
def test_no_node_lies_over_another_or_sticks_out_of_its_group(editor, known, vue):
    editor.set("Comfy.VueNodes.Enabled", vue)
    try:
        for file in known:
            editor.page.evaluate("(work) => app.loadGraphData(work)", json.loads(file.read_text()))
            settled(editor)
            editor.page.evaluate("() => app.extensionManager.command.execute('Comfy.Canvas.FitView')")
            if vue:
                editor.page.wait_for_function(DRAWN)
            places, groups = settled(editor), editor.page.evaluate(GROUPS)
            for n, (kind, *place) in enumerate(places):
                assert not [other for other, *box in places[:n] if overlap(place, box)], (file.stem, kind)
                if kind.startswith("AdaCache"):
                    assert any(inside(place, group) for group in groups), (file.stem, kind)
    finally:
        editor.set("Comfy.VueNodes.Enabled", False)
