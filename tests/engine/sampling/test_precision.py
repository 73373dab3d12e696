"""Arithmetic of ours on latents and hidden states in half precision: as exact as their own rounding allows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from adacache import Run, Settings, run_blocks
from adacache.sampling.deferred_correction import Correction
from adacache.sampling.direction_increments import DirectionIncrements

HALVES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
SIGMAS = [0.9, 0.7, 0.5, 0.3, 0.0]


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Adds(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + (0.3 * x.float().sin()).to(x.dtype)


@HALVES
def test_a_reused_trunk(dtype: torch.dtype) -> None:
    """x + R in the network's precision, R being what the blocks' output differs by from their input, rounded once."""
    run, first, later = Run(Settings(), 30), noise(1, 2, 6, 8).to(dtype), noise(2, 2, 6, 8).to(dtype)
    outs = []
    for step in range(3):
        with run.evaluation(1 - step / 30) as evaluation:
            outs.append(run_blocks(evaluation, [Adds(), Adds()], first if step < 2 else later))
    assert not run.trace.records[2].computed and outs[2].dtype == dtype
    exact = later.double() + (outs[1].double() - first.double())
    step_of = torch.finfo(dtype).eps * (exact.abs() + (outs[1].double() - first.double()).abs())
    assert bool(((outs[2].double() - exact).abs() <= step_of).all())


@HALVES
def test_the_correction(dtype: torch.dtype) -> None:
    """Summed in float32: latents in half precision are corrected as in float32, and rounded at the end."""
    half, whole = Correction(SIGMAS, 1.0), Correction(SIGMAS, 1.0)
    for step, (sigma, computed) in enumerate(zip(SIGMAS, (True, False, False, True), strict=False)):
        x, denoised = noise(step, 4, 9).to(dtype), noise(10 + step, 4, 9).to(dtype)
        ours = half(step, sigma, x, denoised, computed)
        exact = whole(step, sigma, x.float(), denoised.float(), computed)
        assert ours.dtype == dtype and torch.equal(ours, exact.to(dtype))
    assert not torch.equal(ours, denoised), "the last computed step was corrected"


@HALVES
def test_the_increments_of_the_direction(dtype: torch.dtype) -> None:
    """Products of latents in half precision are those of the same values in float32."""
    half, whole = DirectionIncrements(SIGMAS), DirectionIncrements(SIGMAS)
    for step in range(4):
        x, denoised = noise(step, 4, 9).to(dtype), noise(10 + step, 4, 9).to(dtype)
        products = half(step, x, denoised)
        assert products == whole(step, x.float(), denoised.float())
    assert products is not None and len(products) == 3 and min(map(abs, products)) > 0
