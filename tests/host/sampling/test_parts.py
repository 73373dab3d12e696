"""Parts of a schedule, as people make them: two advanced samplers, split noise levels, denoise below 1."""

from __future__ import annotations

from types import SimpleNamespace

import comfy.model_base
import comfy.samplers
import comfy.supported_models
import pytest
import torch

FIRST, SECOND = [1, 2, 3, 5, 8, 10], [1, 6, 10]  # fast, 10 + 10


@pytest.fixture(scope="module")
def small(wan):
    return wan(blocks=2)


@pytest.fixture
def pair(call, conds, latent):
    """pair(high, low, cut=10, scheduler="simple"): as the workflow of Wan 2.2's two experts, 20 steps."""

    def run(high, low, cut: int = 10, **widgets):
        common = {"steps": 20, "cfg": 3.5, "sampler_name": "euler", "scheduler": "simple", **conds(), **widgets}
        begun = {"add_noise": "enable", "start_at_step": 0, "end_at_step": cut, "return_with_leftover_noise": "enable"}
        rest = {"add_noise": "disable", "start_at_step": cut, "end_at_step": 10000}
        (half,) = call("KSamplerAdvanced", model=high, noise_seed=1, latent_image=latent(), **begun, **common)
        rest["return_with_leftover_noise"] = "disable"
        return call("KSamplerAdvanced", model=low, noise_seed=0, latent_image=half, **rest, **common)[0]["samples"]

    return run


def steps(run) -> list[int]:
    assert not run.note
    return [record.step for record in run.records if record.computed]


@pytest.mark.parametrize("shift", [1.0, 5.0, 8.0])
def test_a_pair_of_samplers(shift, small, patch, pair, call):
    """Each is planned as its half, whatever the shift; one that computes all gives the same video."""
    (model,) = call("ModelSamplingSD3", model=small, shift=shift)
    high, low = patch(model, preset="fast"), patch(model, preset="fast")
    assert torch.isfinite(pair(high.model, low.model)).all()
    assert [steps(run) for run in (*high.runs(), *low.runs())] == [FIRST, SECOND]


@pytest.mark.parametrize("cut", [7, 8, 12])
def test_every_part_is_cached(cut, small, patch, pair):
    high, low = patch(small, preset="balanced"), patch(small, preset="balanced")
    pair(high.model, low.model, cut)
    for (run,), count in ((high.runs(), cut), (low.runs(), 20 - cut)):
        assert len(run.records) == count and run.reused and not run.note


def test_computed_wholly_a_pair_gives_the_same_video(small, patch, pair):
    high, low = (patch(small, preset="balanced", sensitivity=100.0) for _ in range(2))
    assert torch.equal(pair(high.model, low.model), pair(small, small))
    assert not any(run.reused for run in (*high.runs(), *low.runs()))


def test_split_sigmas(small, patch, call, conds, latent):
    """The same plan as by two advanced samplers."""
    patched = patch(small, preset="fast")
    (sigmas,) = call("BasicScheduler", model=small, scheduler="simple", steps=20, denoise=1.0)
    halves = call("SplitSigmas", sigmas=sigmas, step=10)
    (sampler,) = call("KSamplerSelect", sampler_name="euler")
    (guider,) = call("CFGGuider", model=patched.model, cfg=3.0, **conds())
    (noise,) = call("RandomNoise", noise_seed=1)
    (none,) = call("DisableNoise")
    video = latent()
    for half, source in zip(halves, (noise, none), strict=True):
        inputs = {"noise": source, "guider": guider, "sampler": sampler, "sigmas": half, "latent_image": video}
        video = call("SamplerCustomAdvanced", **inputs)[0]
    assert torch.isfinite(video["samples"]).all()
    assert sorted(steps(run) for run in patched.runs()) == sorted([FIRST, SECOND])


def test_a_video_made_anew_in_part(small, patch, sample):
    """Denoise 0.5: the second half of 40 steps, which does not begin as a run from noise does."""
    patched = patch(small, preset="balanced")
    sample(patched.model, steps=20, denoise=0.5)
    sample(patched.model, steps=4, denoise=0.3)
    (half, short) = sorted(patched.runs(), key=lambda run: -run.steps)
    assert steps(half) == [1, 5, 9, 13, 16, 18, 20]
    assert short.reused and not short.note  # 4 of 13


@pytest.mark.parametrize("scheduler", comfy.samplers.SCHEDULER_NAMES)
def test_whole_runs_are_whole_by_every_scheduler(scheduler, small, patch, call, conds, latent, pack_module):
    """From pure noise to none the plan is that of all steps, but for ddim_uniform, which leaves the noisiest out."""
    planned = pack_module("adacache.schedules.planned")
    patched = patch(small, preset="balanced")
    widgets = {"seed": 1, "steps": 20, "cfg": 3.0, "sampler_name": "euler", "scheduler": scheduler, "denoise": 1.0}
    call("KSampler", model=patched.model, latent_image=latent(), **widgets, **conds())
    (run,) = patched.runs()
    whole = [step + 1 for step in planned.CORRECTED.plan(run.steps, round(run.steps / 2))]
    assert steps(run) == whole or scheduler == "ddim_uniform"
    assert steps(run)[:2] == [1, 2]


@pytest.mark.parametrize(("family", "kind"), [("SD15", "EPS"), ("SD15", "V_PREDICTION"), ("WAN21_T2V", "FLOW")])
def test_percent_at_inverts_the_host(family, kind, pack_module):
    """For every kind of model sampling; at the ends it is 0 and 1."""
    config = getattr(comfy.supported_models, family)({})
    sampling = comfy.model_base.model_sampling(config, getattr(comfy.model_base.ModelType, kind))
    patcher = SimpleNamespace(get_model_object=lambda _: sampling)
    at = pack_module("nodes.host.compat").percent_at
    for percent in (0.1, 0.35, 0.5, 0.9):
        assert at(patcher, float(sampling.percent_to_sigma(percent))) == pytest.approx(percent, abs=2e-3)
    assert at(patcher, float(sampling.sigma_max)) == pytest.approx(0, abs=2e-3)
    assert at(patcher, 0.0) == pytest.approx(1)
