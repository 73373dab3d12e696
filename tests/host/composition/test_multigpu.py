"""MultiGPU CFG Split of newer hosts: each prompt on a device of its own, in the host's own worker threads.

Two names of the CPU stand for two GPUs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import comfy.model_base
import comfy.model_management
import pytest
import torch

multigpu = pytest.importorskip("comfy.multigpu", reason="this ComfyUI has no MultiGPU")
DEVICES = [torch.device("cpu"), torch.device("cpu", 0)]
REUSES_A_GOOD_DEAL = "0.3:5 0.6:4 0.9:3 2:2"


@pytest.mark.parametrize("on", ["answer", "trunk"])
@pytest.mark.parametrize("first", ["patched first", "split first"])
def test_a_split_model_decides_as_a_whole_one(
    wan: Callable[..., Any],
    patch: Callable[..., Any],
    sample: Callable[..., torch.Tensor],
    monkeypatch: pytest.MonkeyPatch,
    on: str,
    first: str,
) -> None:
    monkeypatch.setattr(comfy.model_management, "get_all_torch_devices", lambda exclude_current=False: DEVICES)
    monkeypatch.setattr(comfy.model_base.BaseModel, "memory_required", lambda *_, **__: 1e30)  # one prompt at a time
    whole, asked = comfy.model_base.BaseModel.apply_model, []

    def noted(self: Any, x: torch.Tensor, *args: Any, **more: Any) -> torch.Tensor:
        asked.append((threading.get_ident(), more["transformer_options"].get("multigpu_thread_device")))
        return whole(self, x, *args, **more)

    monkeypatch.setattr(comfy.model_base.BaseModel, "apply_model", noted)
    chosen = {"text": REUSES_A_GOOD_DEAL, "on": on, "moreg": {"norm": 0.8}}
    alone = patch(wan(), **chosen)
    expected = sample(alone.model, steps=14)
    assert {device for _, device in asked} == {None}
    asked.clear()
    model = wan()
    if first == "split first":
        model = multigpu.create_multigpu_deepclones(model, 2)
    split = patch(model, **chosen)
    video = sample(
        split.model if first == "split first" else multigpu.create_multigpu_deepclones(split.model, 2), steps=14
    )
    assert {str(device) for _, device in asked} == {"cpu", "cpu:0"}
    assert len({thread for thread, _ in asked} - {threading.get_ident()}) == 2
    assert torch.equal(video, expected)
    (one,), (two,) = alone.runs(), split.runs()
    assert two.end == "done" and not two.note and two.reused == one.reused > 0
    told = [[(r.computed, r.rate, r.distance, r.score, r.reason) for r in run.records] for run in (one, two)]
    assert told[0] == told[1]
