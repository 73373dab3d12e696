"""On the trained network of the demo, caching does what it promises: half the steps, the same video."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch

PROMPT = "one green circle and two blue stars on a gray background, moving fast"


@pytest.fixture(scope="module")
def film(wan: Callable, call: Callable, text: Callable, latent: Callable, patch: Callable) -> Callable:
    """Samples the demo's recipe, once for the same words; gives the latent and the trace, None without caching."""

    @cache
    def run(steps: int = 30, sampler: str = "euler", **caching) -> tuple[torch.Tensor, object]:
        (model,) = call("ModelSamplingSD3", model=wan(trained=True), shift=3.0)
        patched = patch(model, **caching) if caching else None
        sides = {"positive": text(PROMPT), "negative": text("")}
        (samples,) = call(
            "KSampler",
            model=patched.model if patched else model,
            latent_image=latent(width=128, height=128, frames=33),
            seed=1,
            steps=steps,
            cfg=3.0,
            sampler_name=sampler,
            scheduler="simple",
            **sides,
        )
        return samples["samples"], patched.runs()[-1] if patched else None

    return run


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    """In dB, on videos of 0 to 1."""
    return float(-10 * torch.log10((a - b).square().mean()))


@pytest.fixture(scope="module")
def decoded(call: Callable) -> Callable[[torch.Tensor], torch.Tensor]:
    def frames(samples: torch.Tensor) -> torch.Tensor:
        (vae,) = call("VAELoader", vae_name="wan_demo_vae.safetensors")
        return call("VAEDecode", samples={"samples": samples}, vae=vae)[0].clamp(0, 1)

    return frames


def test_half_the_steps_and_thirty_decibels(film, decoded):
    """The demo's setting computes at most half the steps and stays at least 30 dB from the uncached video."""
    expected, _ = film()
    cached, run = film(preset="as published (fast)", sensitivity=2.0)
    assert run.computed <= 15 and run.end == "done" and not run.note
    assert psnr(decoded(cached), decoded(expected)) >= 30


def test_sensitivity_trades_steps_for_closeness(film):
    """Higher sensitivity computes more steps and comes closer to the uncached latent."""
    expected, _ = film()
    taken = [film(preset="as published (fast)", sensitivity=s) for s in (0.5, 2.0, 8.0)]
    computed = [run.computed for _, run in taken]
    errors = [float((samples - expected).square().mean()) for samples, _ in taken]
    assert computed == sorted(set(computed)) and errors == sorted(errors, reverse=True)


# How much less of an error there is with the correction; where a sampler sums several denoised latents, it is less.
@pytest.mark.parametrize(("sampler", "gain"), [("euler", 1.7), ("dpmpp_2m", 1.3), ("uni_pc", 1.2)])
def test_forecast_and_correction_win(sampler, gain, film, pack_module, monkeypatch):
    """At twelve computed steps: closer than twelve steps, closer still with a correction, and no step more."""
    expected, _ = film(sampler=sampler)
    errors = {}
    for corrects in (True, False):
        with monkeypatch.context() as patching:
            if not corrects:
                correction = pack_module("adacache.sampling.deferred_correction").Correction
                patching.setattr(correction, "__call__", lambda self, step, sigma, x, denoised, computed: denoised)
            samples, run = film.__wrapped__(sampler=sampler, preset="fast")
        assert run.computed == 12
        errors[corrects] = float((samples - expected).square().mean())
    fewer = float((film(steps=12, sampler=sampler)[0] - expected).square().mean())
    assert gain * errors[True] < errors[False] < fewer / 2


def test_denoised_latents_are_held_where_noise_is_added(film, pack_module, monkeypatch):
    """The answer to a latent before the noise takes the noise for the video's: half of the error and less."""
    expected, _ = film(steps=20, sampler="dpmpp_2m_sde")
    errors = {}
    for holds in (True, False):
        with monkeypatch.context() as patching:
            if not holds:
                patching.setattr(pack_module("nodes.host.samplers"), "adds_noise", lambda sampler: False)
            samples, run = film.__wrapped__(steps=20, sampler="dpmpp_2m_sde", preset="balanced")
        assert run.computed == 10 and run.probe == ("the denoised latent" if holds else "the network's answer")
        errors[holds] = float((samples - expected).square().mean())
    assert 2 * errors[True] < errors[False]
