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


def test_every_output_has_a_name(pack: dict[str, type]):
    """Without a display name the browser shows the type, and three numbers in a row look alike."""
    bare = [
        f"{name}[{slot}]"
        for name, node in pack.items()
        for slot, (shown, kind) in enumerate(zip(node.RETURN_NAMES, node.RETURN_TYPES, strict=True))
        if shown == kind
    ]
    assert not bare


@pytest.mark.parametrize("trained", [False, True])
def test_off_changes_nothing(wan: Callable, call: Callable, sample: Callable, trained: bool):
    plain = sample(wan(trained=trained))
    model, _ = call("AdaCachePatchModel", model=wan(trained=trained), preset="off")
    assert torch.equal(sample(model), plain)
