"""Conditions that hold for a part of the picture, of the steps or of the video, and batches."""

from __future__ import annotations

import pytest
import torch
from members import FRAMES, noise


def other(rig) -> list:
    """A second prompt."""
    return [[noise(1, 8, 4096, seed=4), {}]]


def decisions(run) -> list[tuple]:
    return [(record.computed, record.rate) for record in run.records]


REGIONS = {
    "ConditioningSetAreaPercentageVideo": {"width": 0.5, "height": 0.5, "temporal": 0.5, "x": 0.5, "y": 0.0, "z": 0.5},
    "ConditioningSetMask": {"mask": torch.eye(64)[None], "strength": 1.0, "set_cond_area": "default"},
}


@pytest.mark.parametrize("node", REGIONS)
def test_regions(rig, call, composes, node) -> None:
    """A prompt for a part of the picture is a stream of its own, whatever its shape."""
    plain = rig.sample(rig.model)
    sides = rig.conds()
    (part,) = call(node, conditioning=other(rig), **REGIONS[node])
    rig.conds = lambda: {**sides, "positive": sides["positive"] + part}
    assert not torch.equal(rig.sample(rig.model), plain)
    assert composes(rig, rig.model).reused == 4


@pytest.mark.parametrize("start", [0.15, 0.25, 0.35, 0.45])  # between two steps, whatever rounding does
def test_a_prompt_for_a_part_of_the_steps(rig, call, composes, start) -> None:
    """The step in which another prompt sets in is computed, though reuse may have been planned."""
    sides = rig.conds()
    (early,) = call("ConditioningSetTimestepRange", conditioning=sides["positive"], start=0.0, end=start)
    (late,) = call("ConditioningSetTimestepRange", conditioning=other(rig), start=start, end=1.0)
    rig.conds = lambda: {**sides, "positive": early + late}
    run = composes(rig, rig.model, steady=False)
    begins = rig.model.get_model_object("model_sampling").percent_to_sigma(start)
    first = next(record for record in run.records if record.sigma <= begins)
    assert first.computed and run.reused > 0


@pytest.mark.parametrize("schedule", ["standard_static", "standard_uniform", "looped_uniform"])
def test_context_windows(rig, call, schedule, composes) -> None:
    """Windows that stay are reused; windows that move fall through to computing, and no neighbour's R is taken."""
    windows = {"context_length": 9, "context_overlap": 5, "context_schedule": schedule, "context_stride": 1}
    (model,) = call("WanContextWindowsManual", model=rig.model, closed_loop=False, fuse_method="flat", **windows)
    run = composes(rig, model, steady=schedule == "standard_static")
    if schedule == "looped_uniform":
        assert "missing" in [record.reason.value for record in run.records]
        # A newer host moves all windows of so short a video at once.
        assert bool(run.in_part) == ("of them in part" in run.summary())
        assert run.passes[0] < run.passes[1]
    else:
        assert run.reused == 4


def test_masked_latent(rig, call, composes) -> None:
    """Inpainting, with a mask and with one that changes from step to step."""
    soft = torch.linspace(0, 1, 64).expand(1, 64, 64)
    (latent,) = call("SetLatentNoiseMask", samples={"samples": rig.member.latent(seed=9)}, mask=soft)
    (gradual,) = call("DifferentialDiffusion", model=rig.model)
    for model in (rig.model, gradual):
        assert composes(rig, model, latent_image=latent).reused == 4


def test_equal_videos_in_a_batch_decide_as_one(rig) -> None:
    """What is measured is pooled: two equal videos have the distances of one, and both come out alike."""
    text = "0.02:5 0.1:4 0.3:3 0.9:2 2:1"
    one, two = rig.patch(rig.model, text=text), rig.patch(rig.model, text=text)
    single = rig.sample(one.model, steps=12)
    pair = {"samples": torch.zeros(2, 16, FRAMES, 8, 8), "batch_index": [0, 0]}
    first, second = rig.sample(two.model, steps=12, latent_image=pair).chunk(2)
    (alone,), (both,) = one.runs(), two.runs()
    assert decisions(alone) == decisions(both) and both.reused > 0 and not both.note
    for a, b in zip(alone.records, both.records, strict=True):
        assert b.distance == (None if a.distance is None else pytest.approx(a.distance, rel=1e-3))
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(first, single, rtol=1e-3, atol=1e-3)
