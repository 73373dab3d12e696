"""The oracle of samplers that add noise."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bench.fresh_noise import answers, sampled

SIGMAS = torch.tensor([0.999, 0.8, 0.55, 0.3, 0.1, 0.0])


def ancestral(model: Any, x: Tensor, sigmas: Tensor, extra_args: dict, disable: bool, noise_sampler: Any) -> Tensor:
    """Every step keeps half of the noise that it finds, and adds the rest anew."""
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        denoised = model(x, now * x.new_ones(len(x)), **extra_args)
        kept = then / 2
        x = (1 - then) * denoised + kept * (x - (1 - now) * denoised) / now
        if then > 0:
            x = x + (then**2 - kept**2).sqrt() * noise_sampler(now, then)
    return x


def test_how_much_of_each_noise_is_left() -> None:
    """The noise added after a step, and half of what is in force from then on."""
    weights = answers(ancestral, SIGMAS)
    assert torch.equal(weights.triu(), torch.zeros(5, 5))
    assert weights[2, 1] == pytest.approx(float(0.75**0.5 * SIGMAS[2]))
    assert weights[3, 1] == pytest.approx(float(weights[2, 1] * SIGMAS[3] / 2 / SIGMAS[2]))


def test_the_mean_is_what_comes_nearest_without_the_noise() -> None:
    """A network whose answer lies half way to its latent: the mean over the noise comes nearer than what is held."""

    def asked(latent: Tensor, sigma: Tensor) -> Tensor:
        return latent / 2

    x = torch.randn(4096, generator=torch.Generator().manual_seed(0))
    expected = sampled(asked, ancestral, x, SIGMAS, range(5))
    off = [(sampled(asked, ancestral, x, SIGMAS, (0, 1, 3), draws) - expected).norm() for draws in (0, 32)]
    assert off[1] < off[0]
    assert torch.equal(sampled(asked, ancestral, x, SIGMAS, range(5)), expected)
