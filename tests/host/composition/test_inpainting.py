"""A noise mask under a preset that forecasts and corrects: what it covers is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from members import MEMBERS, latent
from test_families import Rig


@pytest.mark.parametrize("gradual", [False, True])
def test_inpainting(gradual: bool, call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    base = call("DifferentialDiffusion", model=rig.model)[0] if gradual else rig.model
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 32:] = 1.0
    masked = {"samples": latent(16, seed=9), "noise_mask": mask}
    cached = patch(base, preset="fast")
    result = rig.sample(cached.model, steps=12, latent_image=masked)
    assert cached.runs()[0].reused > 0 and torch.isfinite(result).all()
    kept = result.view_as(masked["samples"])[..., :4]
    torch.testing.assert_close(kept, masked["samples"][..., :4], rtol=1e-4, atol=1e-4)
