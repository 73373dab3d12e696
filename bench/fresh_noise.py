"""What is left to gain where a sampler adds noise: the best that can be told of a step without its fresh noise.

    .venv/bin/python -m bench.fresh_noise wan_real

Between two computed steps the sampler adds noise that no forecast knows. What comes nearest to a reused step's denoised
latent without it, by mean square, is the mean of the network's answers over all noise that might have come. It is made
of `DRAWS` other draws, each of which asks the network, and stands beside what the pack does: the last computed denoised
latent, held. PSNR of latents against computing all steps, both with as many computed at the same places, sampled by
the host's own samplers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from dataclasses import dataclass
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from adacache.schedules.planned import UNCORRECTED

from . import batches

STEPS, COMPUTED, DRAWS = 20, 10, 6
SAMPLERS = ("euler_ancestral_RF", "dpmpp_2m_sde", "er_sde")
"""Of the host, by the names of their functions; each asks the network once a step."""


@dataclass
class Model:
    """A network as the host's samplers take it."""

    network: Callable[[Tensor, Tensor], Tensor]
    inner_model: Any

    def __call__(self, latent: Tensor, sigma: Tensor, **_: Any) -> Tensor:
        return self.network(latent, sigma)


def sampled(
    asked: Callable[[Tensor, Tensor], Tensor],
    sampler: Callable[..., Tensor],
    x: Tensor,
    sigmas: Tensor,
    computed: Collection[int],
    draws: int = 0,
    inner: Any = None,
) -> Tensor:
    """The video; reused steps hold the last computed denoised latent or, with `draws`, have the mean over as many.

    Args:
        asked: the network's denoised latent of a latent at a noise level.
        sampler: as the host's, with its arguments `extra_args`, `disable` and `noise_sampler`.
        inner: what the sampler finds as the model's `inner_model`.
    """
    fresh, other = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    weights = answers(sampler, sigmas, inner)
    noises: list[Tensor] = []  # those that came, by step
    last, step, denoised = 0, -1, x

    def drawn(*_: Any) -> Tensor:
        noises.append(torch.randn(x.shape, generator=fresh))
        return noises[-1]

    def network(latent: Tensor, sigma: Tensor) -> Tensor:
        nonlocal last, step, denoised
        step += 1
        if step in computed:
            last, denoised = step, asked(latent, sigma)
        elif draws:
            now = weights[step, last:step]
            sure = latent - sum(weight * noise for weight, noise in zip(now, noises[last:], strict=True))
            guesses = (sure + now.norm() * torch.randn(x.shape, generator=other) for _ in range(draws))
            denoised = torch.stack([asked(guess, sigma) for guess in guesses]).mean(0)
        return denoised

    return sampler(Model(network, inner), x, sigmas, extra_args={}, disable=True, noise_sampler=drawn)


def answers(sampler: Callable[..., Tensor], sigmas: Tensor, inner: Any = None) -> Tensor:
    """How much of the noise that was added after each step is in the latent of each later one, [steps, steps]."""
    steps = len(sigmas) - 1
    rows: list[Tensor] = []
    units = iter(torch.eye(steps))

    def nothing(latent: Tensor, sigma: Tensor) -> Tensor:
        rows.append(latent)
        return torch.zeros_like(latent)

    sampler(
        Model(nothing, inner),
        torch.zeros(steps),
        sigmas,
        extra_args={},
        disable=True,
        noise_sampler=lambda *_: next(units),
    )
    return torch.stack(rows)


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
    import comfy.k_diffusion.sampling as host
    import comfy.sample
    import comfy.samplers

    clock = subject.model.get_model_object("model_sampling")

    def ways(model: Any, x: Tensor, sigmas: Tensor, extra_args: dict, **__: Any) -> Tensor:
        def asked(latent: Tensor, sigma: Tensor) -> Tensor:
            return model(latent, sigma, **extra_args)

        for sampler in SAMPLERS:
            given = asked, getattr(host, f"sample_{sampler}"), x, sigmas
            expected = sampled(*given, range(STEPS), inner=model.inner_model)
            for way, draws in (("held", 0), (f"mean over {DRAWS}", DRAWS)):
                video = sampled(*given, UNCORRECTED.plan(STEPS, COMPUTED), draws, model.inner_model)
                values = batches.psnr(video, expected)
                print(f"{name} {sampler}, {way}: {mean(values):.1f} ({min(values):.1f})", flush=True)
        return x

    comfy.sample.sample_custom(
        subject.model,
        subject.noise(),
        3.0,
        comfy.samplers.KSAMPLER(ways),
        comfy.samplers.calculate_sigmas(clock, "simple", STEPS),
        *subject.sides,
        subject.empty,
        disable_pbar=True,
        seed=subject.seeds[0],
    )


if __name__ == "__main__":
    main()
