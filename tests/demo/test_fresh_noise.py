"""The oracle of samplers that add noise."""

from __future__ import annotations

import pytest
import torch

from bench.fresh_noise import SAMPLERS, sampled

SIGMAS = [0.999, 0.8, 0.55, 0.3, 0.1, 0.0]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("step", range(4))
def test_a_step_keeps_the_noise_at_its_level(name: str, step: int) -> None:
    """Of a video that is known, the next latent holds 1 - sigma of it and noise of strength sigma."""
    now, then = SIGMAS[step : step + 2]
    a, b, c, fresh = SAMPLERS[name](SIGMAS, step)
    assert a * (1 - now) + b + c == pytest.approx(1 - then)
    assert (a * now) ** 2 + fresh**2 == pytest.approx(then**2)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_mean_is_what_comes_nearest_without_the_noise(name: str) -> None:
    """A network whose answer lies half way to its latent: the mean over the noise comes nearer than what is held."""

    def asked(latent: torch.Tensor, sigma: float) -> torch.Tensor:
        return latent / 2

    x = torch.randn(4096, generator=torch.Generator().manual_seed(0))
    expected = sampled(asked, x, SIGMAS, SAMPLERS[name], range(5))
    off = [(sampled(asked, x, SIGMAS, SAMPLERS[name], (0, 1, 3), draws) - expected).norm() for draws in (0, 32)]
    assert off[1] < off[0]
    assert torch.equal(sampled(asked, x, SIGMAS, SAMPLERS[name], range(5)), expected)
