"""Noise levels that do not simply fall: churn, restarts, plateaus, parts of a schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.samplers
import pytest
import torch

FALLING = torch.linspace(1.0, 0.0, 21)
RESTART = torch.cat([torch.linspace(1.0, 0.4, 11), torch.linspace(0.8, 0.0, 11)])
PLATEAU = torch.cat([torch.linspace(1.0, 0.5, 8), torch.full((6,), 0.5), torch.linspace(0.45, 0.0, 8)])


@pytest.fixture(scope="module")
def small(wan):
    """One network for all: patching clones it."""
    return wan(blocks=2)


@pytest.fixture
def over(call: Callable[..., tuple], conds: Callable[..., dict]) -> Callable[..., torch.Tensor]:
    """The host's custom sampler over given noise levels: over(model, sigmas, "euler", s_churn=...)."""

    def run(model: Any, sigmas: torch.Tensor, name: str = "euler", **options: float) -> torch.Tensor:
        (noise,) = call("RandomNoise", noise_seed=1)
        (guider,) = call("CFGGuider", model=model, cfg=3.0, **conds())
        return call(
            "SamplerCustomAdvanced",
            noise=noise,
            guider=guider,
            sampler=comfy.samplers.ksampler(name, options),
            sigmas=sigmas,
            latent_image={"samples": torch.zeros(1, 16, 3, 8, 8)},
        )[0]["samples"]

    return run


@pytest.mark.parametrize("name", ["euler", "heun"])
@pytest.mark.parametrize("sigmas", [FALLING, RESTART, PLATEAU, FALLING[5:], FALLING[:12]])
@pytest.mark.parametrize("churn", [0.0, 5.0])
def test_they_are_survived(name, sigmas, churn, small, patch, over):
    """Computing all changes no bit; with reuse the ends are computed, and steps are counted as the sampler does."""
    expected = over(small, sigmas, name, s_churn=churn)
    every = patch(small, text="1.0:1")
    assert torch.equal(over(every.model, sigmas, name, s_churn=churn), expected)
    cached = patch(small, text="1000:3 2000:1")
    assert torch.isfinite(over(cached.model, sigmas, name, s_churn=churn)).all()
    (run,) = cached.runs()
    steps = len(sigmas) - 1
    assert not run.note and run.reused > 0
    assert sorted({record.step for record in run.records}) == list(range(1, steps + 1))
    assert all(record.computed for record in run.records if record.step in {1, 2, steps - 1, steps})


@pytest.mark.parametrize("preset", ["balanced", "measure only", "as published (fast)"])
@pytest.mark.parametrize("name", ["euler", "lcm", "dpmpp_2m"])
def test_zero_before_the_end(name, preset, small, patch, over, pack_module):
    """Most samplers divide by it, and give no numbers: so they do with us, and the run comes to its end."""
    sigmas = torch.cat([torch.linspace(1.0, 0.1, 12), torch.zeros(4)])
    expected, patched = over(small, sigmas, name), patch(small, preset=preset)
    given = over(patched.model, sigmas, name)
    (run,) = patched.runs()
    assert (run.end, len(run.records)) == ("done", 15) and "failed" not in run.note
    assert torch.isfinite(given).all() == torch.isfinite(expected).all()
    assert run.reused or torch.equal(given.nan_to_num(), expected.nan_to_num())
    engine = pack_module("adacache")
    assert engine.loads(engine.dumps([run]))[0].computed == run.computed


def test_a_restart_begins_anew(wan, patch, over):
    """Where the noise goes up again the step is computed and the one after it, which is measured from there."""
    cached = patch(wan(blocks=2), text="1000:6 2000:1")
    over(cached.model, RESTART)
    (run,) = cached.runs()
    restarted = [record for record in run.records if record.reason == "restarted"]
    assert [record.sigma for record in restarted] == [pytest.approx(0.8)]
    assert restarted[0].distance is None
    assert run.records[restarted[0].evaluation].computed


def told(model, call, conds, levels: torch.Tensor, **options) -> None:
    """A sampler that is told its part of the list by options, as RES4LYF's are: Euler over that part."""

    def part(network, x, sigmas, extra_args=None, callback=None, disable=None, sampler_mode="", state_info=None, **_):
        sigmas = sigmas[sigmas.argmax() :]
        start = int((sigmas == state_info["sigma_next"]).nonzero()) if state_info else 0
        end = start + options["steps_to_run"] if options["steps_to_run"] >= 0 else int(sigmas.argmin())
        for step in range(start, end):
            denoised = network(x, sigmas[step].expand(x.shape[0]), **extra_args)
            x = x + (x - denoised) / sigmas[step] * (sigmas[step + 1] - sigmas[step])
            callback({"x": x, "i": step, "denoised": denoised})
        return x

    (guider,) = call("CFGGuider", model=model, cfg=3.0, **conds())
    given = {"noise": call("RandomNoise", noise_seed=1)[0], "guider": guider, "sigmas": levels}
    sampler = comfy.samplers.KSAMPLER(part, extra_options=options)
    call("SamplerCustomAdvanced", **given, sampler=sampler, latent_image={"samples": torch.zeros(1, 16, 3, 8, 8)})


def test_a_part_that_the_sampler_is_told(small, patch, call, conds):
    """The run has the steps that are made, not the list's: the first twelve of twenty, then the others."""
    padded = torch.cat([torch.zeros(1), FALLING, torch.zeros(1)])
    left = {"sigma_next": FALLING[12]}
    first, rest = patch(small, text="1000:3 2000:1"), patch(small, text="1000:3 2000:1")
    told(first.model, call, conds, FALLING, steps_to_run=12, sampler_mode="standard")
    told(rest.model, call, conds, padded, steps_to_run=-1, sampler_mode="resample", state_info=left)
    for patched, levels in ((first, FALLING[:12]), (rest, FALLING[12:20])):
        (run,) = patched.runs()
        assert run.steps == len(run.records) == len(levels)
        assert [record.sigma for record in run.records] == [pytest.approx(float(level)) for level in levels]
    assert "12 steps:" in first.runs()[0].locked_text
