"""The templates in the editor: what it queues of them is what the server tests run."""

from __future__ import annotations

import json
import urllib.request

import pytest
from saved import BYPASSED, MUTED, load, prompt_of

from demo import host

FILES = sorted((host.REPO / "workflows").glob("*.json"))
QUEUED = """async ([id, mode]) => {
    app.graph.nodes.forEach((node) => { node.mode = Number(node.id) === id ? mode : 0; });
    return Object.fromEntries(Object.entries((await app.graphToPrompt()).output)
        .map(([id, { class_type, inputs }]) => [id, { class_type, inputs }]));
}"""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_editor_queues_it_as_the_server_tests_do(editor, file):
    with urllib.request.urlopen(f"{editor.url}/object_info") as answer:
        infos = json.loads(answer.read())
    editor.page.evaluate("(work) => app.loadGraphData(work)", json.loads(file.read_text()))
    every = {node["id"]: 0 for node in load(file)}
    for node in every:
        for mode in (BYPASSED, MUTED):
            queued = editor.page.evaluate(QUEUED, [node, mode])
            assert queued == prompt_of(file, infos, every | {node: mode}), (node, mode)
