"""LoRA hooks with keyframes: where the strength changes, the step is computed."""

from __future__ import annotations

import pytest
import torch


def hooked(rig, call, lora, *keyframes: tuple[float, float]) -> None:
    """Give the rig's positive prompt a LoRA hook; its negative has none."""
    (hooks,) = call("CreateHookLoraModelOnly", lora_name=lora, strength_model=1.0)
    frames = None
    for strength, start in keyframes:
        (frames,) = call("CreateHookKeyframe", strength_mult=strength, start_percent=start, prev_hook_kf=frames)
    (hooks,) = call("SetHookKeyframes", hooks=hooks, hook_kf=frames)
    sides = rig.conds()
    props = {"strength": 1.0, "set_cond_area": "default", "hooks": hooks}
    (positive,) = call("ConditioningSetProperties", cond_NEW=sides["positive"], **props)
    rig.conds = lambda: {**sides, "positive": positive}


def test_the_lora_loader(rig, call, lora, composes) -> None:
    (model,) = call("LoraLoaderModelOnly", model=rig.model, lora_name=lora, strength_model=1.0)
    assert not torch.equal(rig.sample(model), rig.sample(rig.model))
    assert composes(rig, model).reused == 4


def test_a_hook_that_stays(rig, call, lora, composes) -> None:
    """One strength throughout: as without hooks, cond and uncond each on their own weights."""
    plain = rig.sample(rig.model)
    hooked(rig, call, lora, (1.0, 0.0))
    assert not torch.equal(rig.sample(rig.model), plain)
    assert composes(rig, rig.model).reused == 4


@pytest.mark.parametrize("start", [0.2, 0.3, 0.4, 0.5])
def test_a_strength_that_changes(start, rig, call, lora, composes, pack_module, monkeypatch) -> None:
    """The hooks are seen before the network is asked, can be hashed, and make the step of the change computed."""
    compat = pack_module("nodes.host.compat")
    asked, strengths_of = [], compat.strengths

    def seen(hooks):
        asked.append(strengths_of(hooks))
        return asked[-1]

    hooked(rig, call, lora, (1.0, 0.0), (0.2, start))
    composes(rig, rig.model, steady=False)
    monkeypatch.setattr(compat, "strengths", seen)
    cached = rig.patch(rig.model, text="1000:3 2000:1")
    rig.sample(cached.model)
    (run,) = cached.runs()
    assert not run.note and run.reused > 0
    assert {hash(hooks) for hooks in asked} and None in asked
    assert {hooks[0][1] for hooks in asked if hooks} == {0.2, 1.0}
    assert [record.reason for record in run.records].count("restarted") == 1
