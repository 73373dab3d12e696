"""Every sampler of the host: steps are labelled as it counts them, and reuse goes by steps whatever it evaluates."""

from __future__ import annotations

from collections import Counter

import comfy.samplers
import pytest
import torch

STEPS = 12

# What the host's documentation of its samplers leaves to find out: evaluations per step, the last one or two aside.
SEVERAL = {
    "dpm_2": 2,
    "dpm_2_ancestral": 2,
    "dpmpp_2s_ancestral": 2,
    "dpmpp_2s_ancestral_cfg_pp": 2,
    "dpmpp_sde": 2,
    "dpmpp_sde_gpu": 2,
    "exp_heun_2_x0": 2,
    "exp_heun_2_x0_sde": 2,
    "heun": 2,
    "heunpp2": 3,
    "seeds_2": 2,
    "seeds_3": 3,
}
# These are computed, with a reason.
IRREGULAR = {"dpm_adaptive", "dpm_fast", "sa_solver_pece"}
SAMPLERS = [*comfy.samplers.KSampler.SAMPLERS]


def steps_of(run) -> list[int]:
    return [record.step for record in run.records]


@pytest.fixture(scope="module")
def small(wan):
    """One network for all: it is patched by cloning, and left as it was."""
    model = wan(blocks=2)
    return lambda: model


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_labels_and_totals(sampler, small, sample, patch):
    """Computing everything: the video is the unpatched one bit by bit; each step is labelled, none is left out."""
    expected = sample(small(), steps=STEPS, sampler=sampler)
    every = patch(small(), text="1.0:1")
    assert torch.equal(sample(every.model, steps=STEPS, sampler=sampler), expected)
    (run,) = every.runs()
    assert run.computed == len(run.records) and run.end == "done"
    if sampler in {"dpm_adaptive", "dpm_fast"}:
        return  # they make steps of their own, whose number is not asked for
    counts = Counter(steps_of(run))
    assert sorted(steps_of(run)) == steps_of(run)
    assert list(counts) == list(range(1, STEPS + 1))
    if sampler not in IRREGULAR:
        assert {counts[step] for step in range(1, STEPS - 1)} == {SEVERAL.get(sampler, 1)}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_reuse(sampler, small, sample, patch, record_property):
    """Whole steps are reused, the first and the last two never; what cannot be counted is computed with a reason."""
    cached = patch(small(), text="1000:3 2000:1")
    latent = sample(cached.model, steps=STEPS, sampler=sampler)
    assert torch.isfinite(latent).all()
    (run,) = cached.runs()
    assert run.end == "done"
    if sampler in IRREGULAR:
        assert run.reused == 0 and sampler in run.note
        record_property("matrix", "computed, with a reason")
        return
    assert not run.note
    kinds = {step: {r.computed for r in run.records if r.step == step} for step in steps_of(run)}
    assert all(len(kind) == 1 for kind in kinds.values())
    reused = [step for step, kind in kinds.items() if kind == {False}]
    assert reused == [3, 4, 6, 7, 9, 10]


@pytest.mark.parametrize("steps", [1, 2, 6, 20])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_step_counts(sampler, steps, small, sample, patch):
    """From one step to many: no error, and with fewer than nine nothing is reused, which is said."""
    patched = patch(small(), text="1000:3 2000:1")
    assert torch.isfinite(sample(patched.model, steps=steps, sampler=sampler)).all()
    (run,) = patched.runs()
    if sampler == "dpm_adaptive" and steps == 1:
        return  # from the first noise level to the first: it does nothing
    assert run.records[0].computed and run.records[-1].computed
    assert bool(run.reused) is (steps == 20 and sampler not in IRREGULAR)
    assert bool(run.note) is not bool(run.reused)
