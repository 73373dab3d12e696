"""The example workflows that the host shows in its template browser fit the nodes there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo import host
from demo.client import Client
from demo.run import WORKFLOW as DEMO
from demo.workflow import MOREG, Caching, Shot, graph

FILES = [*sorted((host.REPO / "workflows").glob("*.json")), DEMO]
FRONTEND_ONLY = {"MarkdownNote"}
GROUPS = ("required", "optional")
SEED_CONTROL = "control after generate"  # the frontend's own widget, saved after each seed


def widgets(node: dict, infos: dict[str, dict]) -> dict[str, object]:
    """A saved node's widget values by name; they are saved in the order of the node's definition.

    Later hosts add optional widgets behind those that were saved; the browser gives them their defaults.
    """
    order = infos[node["type"]]["input_order"]
    sockets = {entry["name"] for entry in node["inputs"]}
    names, optional = ([name for name in order.get(group, ()) if name not in sockets] for group in GROUPS)
    if "seed" in names:
        names.insert(names.index("seed") + 1, SEED_CONTROL)
    values = node["widgets_values"]
    names += optional[: max(len(values) - len(names), 0)]
    return dict(zip(names, values, strict=True))


def load(file: Path) -> list[dict]:
    return [node for node in json.loads(file.read_text())["nodes"] if node["type"] not in FRONTEND_ONLY]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nodes_and_widgets_exist(client: Client, file: Path):
    infos = client.node_infos()
    for node in load(file):
        assert node["type"] in infos
        widgets(node, infos)  # fails where there are more or fewer values than widgets


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_links_join_equal_types(file: Path):
    nodes = {node["id"]: node for node in load(file)}
    for number, source, output, target, place, kind in json.loads(file.read_text())["links"]:
        assert number in nodes[source]["outputs"][output]["links"]
        assert nodes[target]["inputs"][place]["link"] == number
        assert {nodes[source]["outputs"][output]["type"], nodes[target]["inputs"][place]["type"]} <= {
            kind,
            "*",
        }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_thumbnail_lies_beside_it(file: Path):
    assert file.with_suffix(".jpg").stat().st_size < 400_000


def test_demo_in_the_browser_is_the_demo_of_the_command(client: Client):
    infos = client.node_infos()
    command = graph(Shot(), Caching())
    saved = {node["type"]: widgets(node, infos) for node in load(DEMO) if node["type"] != "AdaCacheDemoTextEncode"}
    for node in command.values():
        if node["class_type"] in saved:
            settings = {name: value for name, value in node["inputs"].items() if not isinstance(value, list)}
            shown = saved[node["class_type"]]
            assert {name: shown[name] for name in settings} == settings
    assert saved["AdaCacheMoRegSettings"] == MOREG
    assert [node["widgets_values"] for node in load(DEMO) if node["type"] == "AdaCacheDemoTextEncode"] == [
        [command["prompt"]["inputs"]["caption"]],
        [command["negative"]["inputs"]["caption"]],
    ]
