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


def test_a_restart_begins_anew(wan, patch, over):
    """Where the noise goes up again the step is computed and the one after it, which is measured from there."""
    cached = patch(wan(blocks=2), text="1000:6 2000:1")
    over(cached.model, RESTART)
    (run,) = cached.runs()
    restarted = [record for record in run.records if record.reason == "restarted"]
    assert [record.sigma for record in restarted] == [pytest.approx(0.8)]
    assert restarted[0].distance is None
    assert run.records[restarted[0].evaluation].computed
