"""The example workflows that the host shows in its template browser fit the nodes there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from saved import BYPASSED, LINK, MUTED, load, numbers, prompt_of, sheets, since, small, widgets

from demo import host
from demo.client import Client, Refused
from demo.run import WORKFLOW as DEMO
from demo.templates.__main__ import file as written
from demo.templates.graph import Sheet
from demo.templates.recipes import RECIPES, Recipe
from demo.workflow import OPENED, Shot, graph

FILES = [*sorted((host.REPO / "example_workflows").glob("*.json")), DEMO]


def is_ours(node: dict) -> bool:
    return node["type"].startswith("AdaCache") and "Demo" not in node["type"]


OURS = [(file, node["id"], node["type"]) for file in FILES for node in load(file) if is_ours(node)]
WITHOUT_SMALL = {"ltx2_text_to_video", "minimax_h3_image_to_video"}  # the demo's network cannot stand for theirs


def names(value: object) -> str:
    return getattr(value, "stem", str(value))


@pytest.fixture(autouse=True)
def _host_is_new_enough(request: pytest.FixtureRequest) -> None:
    """A template's nodes name the oldest ComfyUI that has all of them."""
    file = request.node.callspec.params.get("file") if hasattr(request.node, "callspec") else None
    if file and "client" in request.fixturenames:
        version = request.getfixturevalue("client").version()
        if since(file) > numbers(version):
            pytest.skip(f"for a newer ComfyUI than {version}")
    if file and file.stem in WITHOUT_SMALL and "runs" in request.node.name:
        pytest.skip("no small network of its kind")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nodes_and_widgets_exist(client: Client, file: Path):
    infos = client.node_infos()
    for node in load(file):
        assert node["type"] in infos
        widgets(node, infos)  # fails where there are more or fewer values than widgets
        order = infos[node["type"]]["input_order"]
        assert {entry["name"] for entry in node["inputs"]} <= {name for group in order.values() for name in group}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_it_is_what_its_recipe_builds(client: Client, recipe: Recipe):
    """`python -m demo.templates` writes it, on the oldest ComfyUI that has its nodes."""
    if recipe.since != client.version():
        pytest.skip(f"written on ComfyUI {recipe.since}")
    sheet = Sheet(client.node_infos(), recipe.since)
    recipe.build(sheet)
    assert json.loads(written(recipe.name).read_text()) == json.loads(json.dumps(sheet.saved()))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_links_join_equal_types(file: Path):
    for sheet in sheets(file):
        nodes = {node["id"]: node for node in sheet["nodes"]}
        for link in sheet["links"]:
            number, source, output, target, place, kind = (link[key] for key in LINK)
            ends = []
            if source in nodes:
                ends.append(nodes[source]["outputs"][output]["type"])
                assert number in nodes[source]["outputs"][output]["links"]
            else:
                ends.append(sheet["inputs"][output]["type"])
                assert number in sheet["inputs"][output]["linkIds"]
            if target in nodes:
                ends.append(nodes[target]["inputs"][place]["type"])
                assert nodes[target]["inputs"][place]["link"] == number
            else:
                ends.append(sheet["outputs"][place]["type"])
                assert sheet["outputs"][place]["linkIds"] == [number]
            assert {one for end in ends for one in end.split(",")} >= {kind} and all(
                {kind, "*"} & set(end.split(",")) for end in ends
            )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_thumbnail_lies_beside_it(file: Path):
    assert file.with_suffix(".jpg").stat().st_size < 20_000


def test_demo_in_the_browser_is_the_demo_of_the_command(client: Client):
    infos = client.node_infos()
    command = graph(Shot(), OPENED)
    saved = {node["type"]: widgets(node, infos) for node in load(DEMO) if node["type"] != "AdaCacheDemoTextEncode"}
    for node in command.values():
        if node["class_type"] in saved:
            settings = {name: value for name, value in node["inputs"].items() if not isinstance(value, list)}
            shown = saved[node["class_type"]]
            assert {name: shown[name] for name in settings} == settings
    assert [node["widgets_values"] for node in load(DEMO) if node["type"] == "AdaCacheDemoTextEncode"] == [
        [command["prompt"]["inputs"]["caption"]],
        [command["negative"]["inputs"]["caption"]],
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_runs(client: Client, file: Path):
    """With the demo's models in place of the large ones."""
    assert client.run(small(prompt_of(file, client.node_infos()))).outputs


@pytest.mark.parametrize(("file", "node", "kind"), OURS, ids=names)
def test_it_runs_with_any_one_of_our_nodes_bypassed(client: Client, file: Path, node: str, kind: str):
    outputs = client.run(small(prompt_of(file, client.node_infos(), {node: BYPASSED}))).outputs
    counted = [entry["from"] for one in load(file) if one["type"] == "AdaCacheStats" for entry in one["inputs"]]
    if kind == "AdaCachePatchModel" and [node, 1] in counted:
        said = [output["text"][0] for output in outputs.values() if "text" in output]
        assert any(text.startswith("AdaCache is bypassed") for text in said)


@pytest.mark.parametrize(("file", "node", "kind"), OURS, ids=names)
def test_it_runs_with_any_one_of_our_nodes_muted(client: Client, file: Path, node: str, kind: str):
    """What hangs on a muted node alone cannot run, in any graph: the host says so of the next node, and of no other."""
    prompt = small(prompt_of(file, client.node_infos(), {node: MUTED}))
    try:
        assert client.run(prompt).outputs
    except Refused as refused:
        inputs = {one["id"]: [entry["from"] for entry in one["inputs"]] for one in load(file)}
        behind = {one for one, sources in inputs.items() if node in {source[0] for source in sources if source}}
        errors = refused.answer["node_errors"]
        assert set(errors) <= behind
        assert {error["type"] for one in errors.values() for error in one["errors"]} == {"required_input_missing"}
        assert kind in ("AdaCachePatchModel", "AdaCacheSweep")


@pytest.mark.parametrize("file", FILES, ids=names)
def test_it_tells_a_host_without_the_pack_or_the_models_where_they_are(file: Path):
    """And it has no id: a fixed one would give a newly opened graph the runs of another."""
    assert "id" not in json.loads(file.read_text())
    for node in load(file):
        properties = node["properties"]
        if is_ours(node):
            assert properties["cnr_id"] == "adacache" and "bgcolor" not in node
        chosen = {value for value in node["widgets_values"] if str(value).endswith(".safetensors")}
        if file != DEMO:
            assert {model["name"] for model in properties.get("models", ())} == chosen
            for model in properties.get("models", ()):
                assert model["url"].startswith("https://huggingface.co/") and model["url"].endswith(model["name"])
                assert model["directory"]
