"""What is left to gain where a sampler adds noise: the best that can be told of a step without its fresh noise.

    .venv/bin/python -m bench.fresh_noise wan_real

Between two computed steps the sampler adds noise that no forecast knows. What comes nearest to a reused step's denoised
latent without it, by mean square, is the mean of the network's answers over all noise that might have come. It is made
of `DRAWS` other draws, each of which asks the network, and stands beside what the pack does: the last computed denoised
latent, held. PSNR of latents against computing all steps, both with as many computed at the same places.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from adacache.schedules.planned import UNCORRECTED

from . import batches

STEPS, COMPUTED, DRAWS = 20, 10, 6
HIGHEST = 1 - 1e-4  # a level of nothing but noise has no signal-to-noise ratio
Weights = tuple[float, float, float, float]
"""The next latent's share of the latent, of the denoised one, of the denoised one before, and of fresh noise."""


def euler_ancestral(sigmas: Sequence[float], step: int) -> Weights:
    """As the host's `sample_euler_ancestral_RF` with eta 1."""
    now, then = sigmas[step : step + 2]
    down = then * then / now
    scale = (1 - then) / (1 - down)
    fresh = math.sqrt(max(0.0, then**2 - (down * scale) ** 2))
    return scale * down / now, scale * (1 - down / now), 0.0, fresh


def dpmpp_2m_sde(sigmas: Sequence[float], step: int) -> Weights:
    """As the host's `sample_dpmpp_2m_sde` with eta 1, midpoint."""
    now, then = sigmas[step : step + 2]
    length = _log_snr(then) - _log_snr(now)
    share = (1 - then) * -math.expm1(-2 * length)
    trend = share / 2 * length / (_log_snr(now) - _log_snr(sigmas[step - 1])) if step else 0.0
    fresh = then * math.sqrt(-math.expm1(-2 * length))
    return then / now * math.exp(-length), share + trend, -trend, fresh


def _log_snr(sigma: float) -> float:
    return math.log((1 - sigma) / sigma)


SAMPLERS: dict[str, Callable[[Sequence[float], int], Weights]] = {
    "euler_ancestral": euler_ancestral,
    "dpmpp_2m_sde": dpmpp_2m_sde,
}


def sampled(
    asked: Callable[[Tensor, float], Tensor],
    x: Tensor,
    sigmas: Sequence[float],
    weights: Callable[[Sequence[float], int], Weights],
    computed: Sequence[int],
    draws: int = 0,
) -> Tensor:
    """The video; reused steps hold the last computed denoised latent or, with `draws`, have the mean over as many.

    Args:
        asked: the network's denoised latent of a latent at a noise level.
    """
    fresh, other = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    sure, unsure = (
        x,
        0.0,
    )  # the latent without the noise that came since the last computed step, and that noise's square
    denoised = before = torch.zeros_like(x)
    for step, (now, then) in enumerate(pairwise(sigmas)):
        if step in computed:
            denoised, sure, unsure = asked(x, now), x, 0.0
        elif draws:
            spread = math.sqrt(unsure)
            guesses = (sure + spread * torch.randn(x.shape, generator=other) for _ in range(draws))
            denoised = torch.stack([asked(guess, now) for guess in guesses]).mean(0)
        if then == 0:
            return denoised
        a, b, c, noise = weights(sigmas, step)
        drift = b * denoised + c * before
        x = a * x + drift + noise * torch.randn(x.shape, generator=fresh)
        sure, unsure, before = a * sure + drift, a * a * unsure + noise * noise, denoised
    return x


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.fresh_noise", description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="+", choices=batches.NAMES)
    parser.add_argument("--videos", type=int, default=8)
    options = parser.parse_args()
    at = batches.hosted()
    for name in options.networks:
        measure(name, batches.subject(name, at, options.videos))


def measure(name: str, subject: batches.Subject) -> None:
    """Prints a line for each sampler and way."""
    import comfy.sample
    import comfy.samplers

    clock = subject.model.get_model_object("model_sampling")
    sigmas = [min(HIGHEST, float(each)) for each in comfy.samplers.calculate_sigmas(clock, "simple", STEPS)]

    def ways(model: Any, x: Tensor, _: Tensor, extra_args: dict, **__: Any) -> Tensor:
        def asked(latent: Tensor, sigma: float) -> Tensor:
            return model(latent, torch.full((len(latent),), sigma), **extra_args)

        for sampler, weights in SAMPLERS.items():
            expected = sampled(asked, x, sigmas, weights, range(STEPS))
            for way, draws in (("held", 0), (f"mean over {DRAWS}", DRAWS)):
                video = sampled(asked, x, sigmas, weights, UNCORRECTED.plan(STEPS, COMPUTED), draws)
                values = batches.psnr(video, expected)
                print(f"{name} {sampler}, {way}: {mean(values):.1f} ({min(values):.1f})", flush=True)
        return x

    comfy.sample.sample_custom(
        subject.model,
        subject.noise(),
        3.0,
        comfy.samplers.KSAMPLER(ways),
        torch.tensor([*sigmas]),
        *subject.sides,
        subject.empty,
        disable_pbar=True,
        seed=subject.seeds[0],
    )


if __name__ == "__main__":
    main()
