"""The pack loads in the host, from a folder with a dash in its name, with every node it promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import folder_paths
import pytest
import torch

from demo import host

NODE_IDS = {
    *("AdaCachePatchModel", "AdaCacheCodebook", "AdaCacheMoRegSettings", "AdaCacheStats"),
    *("AdaCacheCalibrate", "AdaCacheCalibration", "AdaCacheCompare", "AdaCacheSweep"),
}


def test_host_writes_into_our_folder_only():
    """And not into a checkout that COMFYUI_PATH names."""
    folders = [folder_paths.get_output_directory(), folder_paths.get_temp_directory(), folder_paths.models_dir]
    assert not [folder for folder in folders if Path(folder).is_relative_to(host.HOST)]


def test_every_node_is_registered(pack: dict[str, type]):
    assert set(pack) >= NODE_IDS


def test_every_node_says_what_it_is_for(pack: dict[str, type]):
    for name, node in pack.items():
        schema = node.GET_SCHEMA()
        assert schema.category.split("/")[0] == "AdaCache", name
        assert schema.description, name


def test_every_input_has_a_tooltip(pack: dict[str, type]):
    bare = [
        f"{name}.{field}"
        for name, node in pack.items()
        for group in ("required", "optional")
        for field, (_, options) in node.INPUT_TYPES().get(group, {}).items()
        if not options.get("tooltip")
    ]
    assert not bare


def test_the_presets_are_in_the_order_of_use(pack: dict[str, type]):
    """With the default first and the paper's last; every one that a saved graph may have is there."""
    kind, options = pack["AdaCachePatchModel"].INPUT_TYPES()["required"]["preset"]
    choices = options["options"]
    assert choices[0] == options["default"] == "balanced"
    assert choices[-2:] == ["as published (fast)", "as published (slow)"]
    assert set(choices[1:-2]) == {"near-lossless", "fast", "turbo", "measure only", "off"}


@pytest.mark.parametrize(
    ("before", "now"), [("paper fast", "as published (fast)"), ("paper slow", "as published (slow)")]
)
def test_a_preset_of_before_is_the_renamed_one(wan: Callable, patch: Callable, sample: Callable, before, now):
    """To choose there is only the new name."""
    runs = []
    for preset in (before, now):
        patched = patch(wan(), preset=preset)
        sample(patched.model)
        runs += patched.runs()
    assert [run.settings for run in runs] == 2 * [runs[1].settings]
    assert runs[0].settings["preset"] == now


@pytest.mark.parametrize(
    ("node", "first"),
    [
        ("AdaCachePatchModel", {"model", "preset", "sensitivity", "codebook", "moreg", "locked_schedule"}),
        ("AdaCacheCalibrate", {"target", "amount", "runs", "save_as", "handle", "value"}),
        ("AdaCacheMoRegSettings", {"norm", "power"}),
        ("AdaCacheCompare", {"images", "reference", "view", "another_seed"}),
        ("AdaCacheSweep", {"images", "handle", "vary", "values"}),
    ],
)
def test_hosts_that_know_of_it_show_few_inputs(pack: dict[str, type], node: str, first: set[str]):
    """Others show all."""
    from comfy_api.latest import io

    groups = pack[node].INPUT_TYPES()
    inputs = groups.get("required", {}) | groups.get("optional", {})
    shown = {name for name, (_, options) in inputs.items() if not options.get("advanced")}
    assert shown == (first if hasattr(io.Int.Input("probe"), "advanced") else set(inputs))


def test_hosts_that_know_of_it_find_patch_model_by_many_words(pack: dict[str, type]):
    """Others know the name only."""
    schema = pack["AdaCachePatchModel"].GET_SCHEMA()
    if hasattr(schema, "search_aliases"):
        assert {"cache", "faster", "teacache", "skip steps"} <= set(schema.search_aliases)


def test_every_output_has_a_name(pack: dict[str, type]):
    """Without a display name the browser shows the type, and three numbers in a row look alike."""
    bare = [
        f"{name}[{slot}]"
        for name, node in pack.items()
        for slot, (shown, kind) in enumerate(zip(node.RETURN_NAMES, node.RETURN_TYPES, strict=True))
        if shown == kind
    ]
    assert not bare


def test_what_a_node_says_after_a_run_is_shown_on_it(pack: dict[str, type]):
    """The host shows texts on nodes of its own only: ours are listed in the page's code, but for Cache Stats' plot."""
    page = (host.REPO / "web" / "adacache.js").read_text(encoding="utf-8")
    listed = page.partition("const REPORTING = {")[2].partition("}")[0]
    schemas = [node.GET_SCHEMA() for node in pack.values()]
    says = {one.node_id for one in schemas if one.is_output_node and not one.category.endswith("inner")}
    assert {name for name in says if f"{name}: phrase(" in listed} == says - {"AdaCacheStats"} and len(says) > 4


@pytest.mark.parametrize("trained", [False, True])
def test_off_changes_nothing(wan: Callable, call: Callable, sample: Callable, trained: bool):
    plain = sample(wan(trained=trained))
    model, _ = call("AdaCachePatchModel", model=wan(trained=trained), preset="off")
    assert torch.equal(sample(model), plain)
