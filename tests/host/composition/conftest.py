"""What the tests of composition share: a small Wan, a LoRA file, and the three questions asked of every node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from members import MEMBERS
from safetensors.torch import save_file
from test_families import Rig

REUSE = "1000:3 2000:1"


@pytest.fixture(params=["trunk", "answer"])
def rig(request: pytest.FixtureRequest, call: Callable[..., tuple], patch: Callable[..., Any]) -> Rig:
    return Rig(MEMBERS["Wan t2v"], call, patch, request.param)


@pytest.fixture
def composes() -> Callable[..., Any]:
    """composes(rig, model, **widgets): computing all changes no bit, and reuse is right at one latent and noise level.

    `model` is what the nodes beside ours made of the rig's. Gives the trace of a whole sampling that reuses.
    """

    def check(rig: Rig, model: Any, steady: bool = True, **widgets: Any) -> Any:
        every, cached = rig.patch(model, text="1.0:1"), rig.patch(model, text=REUSE)
        assert torch.equal(rig.sample(every.model, **widgets), rig.sample(model, **widgets))
        assert not every.runs()[0].note
        if steady:
            first, *others = rig.stay(cached.model, rig.member.latent(seed=9))
            assert (cached.runs()[0].reused, cached.runs()[0].note) == (4, "")
            for other in others:
                torch.testing.assert_close(other, first, rtol=1e-3, atol=1e-3 * float(first.abs().max()))
        assert torch.isfinite(rig.sample(cached.model, **widgets)).all()
        run = cached.runs()[-1]
        assert not run.note and run.end == "done"
        return run

    return check


@pytest.fixture(scope="session")
def lora() -> str:
    """The file name of a LoRA for the small Wan."""
    key = "diffusion_model.blocks.2.ffn.0"
    generator = torch.Generator().manual_seed(2)
    weights = {
        f"{key}.lora_up.weight": torch.randn(256, 4, generator=generator) * 0.2,
        f"{key}.lora_down.weight": torch.randn(4, 128, generator=generator) * 0.2,
    }
    (folder, *_) = folder_paths.get_folder_paths("loras")
    Path(folder).mkdir(parents=True, exist_ok=True)
    save_file(weights, Path(folder) / "small.safetensors")
    return "small.safetensors"
