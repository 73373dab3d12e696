"""The example workflows that the host shows in its template browser fit the nodes there are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from saved import BYPASSED, MUTED, load, prompt_of, small, widgets

from demo import host
from demo.client import Client, Refused
from demo.run import WORKFLOW as DEMO
from demo.workflow import MOREG, Caching, Shot, graph

FILES = [*sorted((host.REPO / "example_workflows").glob("*.json")), DEMO]


def is_ours(node: dict) -> bool:
    return node["type"].startswith("AdaCache") and "Demo" not in node["type"]


OURS = [(file, node["id"], node["type"]) for file in FILES for node in load(file) if is_ours(node)]


def names(value: object) -> str:
    return getattr(value, "stem", str(value))


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
        taken = set(nodes[target]["inputs"][place]["type"].split(","))
        assert nodes[source]["outputs"][output]["type"] in (kind, "*") and taken & {kind, "*"}


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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_runs(client: Client, file: Path):
    """With the demo's models in place of the large ones."""
    assert client.run(small(prompt_of(file, client.node_infos()))).outputs


@pytest.mark.parametrize(("file", "node", "kind"), OURS, ids=names)
def test_it_runs_with_any_one_of_our_nodes_bypassed(client: Client, file: Path, node: int, kind: str):
    outputs = client.run(small(prompt_of(file, client.node_infos(), {node: BYPASSED}))).outputs
    if kind == "AdaCachePatchModel":
        said = [output["text"][0] for output in outputs.values() if "text" in output]
        assert any(text.startswith("AdaCache is bypassed") for text in said)


@pytest.mark.parametrize(("file", "node", "kind"), OURS, ids=names)
def test_it_runs_with_any_one_of_our_nodes_muted(client: Client, file: Path, node: int, kind: str):
    """What hangs on a muted node alone cannot run, in any graph: the host says so of the next node, and of no other."""
    prompt = small(prompt_of(file, client.node_infos(), {node: MUTED}))
    try:
        assert client.run(prompt).outputs
    except Refused as refused:
        links = json.loads(file.read_text())["links"]
        behind = {str(target) for _, source, _, target, *_ in links if source == node}
        errors = refused.answer["node_errors"]
        assert set(errors) <= behind
        assert {error["type"] for one in errors.values() for error in one["errors"]} == {"required_input_missing"}
        assert kind in ("AdaCachePatchModel", "AdaCacheSweep")


@pytest.mark.parametrize("file", FILES, ids=names)
def test_it_tells_a_host_without_the_pack_or_the_models_where_they_are(file: Path):
    """And it has no id: a fixed one would give a newly opened graph the runs of another."""
    saved = json.loads(file.read_text())
    assert "id" not in saved
    for node in saved["nodes"]:
        properties = node["properties"]
        if is_ours(node):
            assert properties["cnr_id"] == "adacache" and "bgcolor" not in node
        if node["type"] in ("UNETLoader", "CLIPLoader", "VAELoader") and file != DEMO:
            (model,) = properties["models"]
            assert model["name"] == node["widgets_values"][0]
            assert model["url"].startswith("https://") and f"/{model['directory']}/{model['name']}" in model["url"]


def test_the_archive_of_the_registry_is_small():
    """Only what an installed pack needs, in a download of a moment."""
    rules = (host.REPO / ".comfyignore").read_text().splitlines()
    left_out = tuple(rule for rule in rules if rule and not rule.startswith("#"))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=host.REPO, capture_output=True, text=True, check=True).stdout
    packed = [host.REPO / name for name in listed.split("\0") if name and not name.startswith(left_out)]
    assert {path.parts[len(host.REPO.parts)] for path in packed} >= {"adacache", "nodes", "web", "example_workflows"}
    assert sum(path.stat().st_size for path in packed if path.exists()) < 1_200_000  # half of it, packed
