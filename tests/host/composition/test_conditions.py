"""What conditions bring along: hooks with keyframes, ControlNets, areas, time ranges, batches, masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import comfy.hooks
import pytest
import torch
from members import MEMBERS, Member, latent, noise
from test_families import Rig

HOLD = "1000:4 2000:1"  # computes 1, 2, 6, 10 of twelve steps, if nothing else asks for more


def conditioned(member: Member, **more: Any) -> Member:
    return replace(member, more=lambda: {**member.more(), **more})


def computed(run: Any) -> list[int]:
    return [record.step for record in run.records if record.computed]


def hooked_lora(keyframes: list[tuple[float, float]]) -> comfy.hooks.HookGroup:
    """A LoRA on one layer, with a strength from each start percent on."""
    down, up = noise(4, 128, seed=1), noise(256, 4, seed=2)
    key = "diffusion_model.blocks.2.ffn.0"
    lora = {f"{key}.lora_up.weight": up * 0.3, f"{key}.lora_down.weight": down * 0.3}
    group = comfy.hooks.create_hook_lora(lora=lora, strength_model=1.0, strength_clip=0.0)
    frames = comfy.hooks.HookKeyframeGroup()
    for start, strength in keyframes:
        frames.add(comfy.hooks.HookKeyframe(strength=strength, start_percent=start))
    group.set_keyframes_on_hooks(hook_kf=frames)
    return group


@pytest.mark.parametrize("steady", [True, False])
def test_a_scheduled_lora(steady: bool, call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """Where its strength changes the step is computed; a steady one reuses as if there were none."""
    frames = [(0.0, 1.0)] if steady else [(0.0, 1.0), (0.5, 0.0)]

    def rig() -> Rig:
        return Rig(conditioned(MEMBERS["Wan t2v"], hooks=hooked_lora(frames)), call, patch)

    plain = rig()
    expected = plain.sample(plain.model, steps=12)
    without = Rig(MEMBERS["Wan t2v"], call, patch)
    assert not torch.allclose(expected, without.sample(without.model, steps=12), atol=1e-3)
    one = rig()
    every = patch(one.model, text="1.0:1")
    assert torch.equal(one.sample(every.model, steps=12), expected)
    two = rig()
    cached = patch(two.model, text=HOLD)
    two.sample(cached.model, steps=12)
    (run,) = cached.runs()
    assert not run.note and run.reused > 0
    missing = [record.step for record in run.records if record.reason == "missing"]
    assert bool(missing) is not steady


class Control:
    """A ControlNet as samplers use it: adds to every double block, from one noise level down."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.cond_hint = self.extra_hooks = self.previous_controlnet = None

    def get_control(self, x: Any, t: torch.Tensor, cond: Any, batched_number: int, options: Any) -> dict | None:
        if float(t[0]) > self.until:
            return None
        return {"input": [noise(x.shape[0], 64, 128, seed=4)] * 2, "output": [None]}

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None: ...

    def cleanup(self) -> None: ...

    def get_models(self) -> list:
        return []

    def get_instance_for_deepclone(self) -> Control:
        return self

    def inference_memory_requirements(self, dtype: Any) -> int:
        return 0

    def get_extra_hooks(self) -> list:
        return []


@pytest.mark.parametrize("until", [2.0, 0.9])
def test_a_controlnet(until: float, call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """What it adds is part of R, once; where it sets in the step is computed."""
    rig = Rig(conditioned(MEMBERS["HunyuanVideo"], control=Control(until), control_apply_to_uncond=True), call, patch)
    expected = rig.sample(rig.model, steps=12)
    every = patch(rig.model, text="1.0:1")
    assert torch.equal(rig.sample(every.model, steps=12), expected)
    cached = patch(rig.model, text=HOLD)
    first, *others = rig.stay(cached.model, rig.member.latent(seed=9))
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-3, atol=1e-3 * float(first.abs().max()))
    assert cached.runs()[0].reused > 0
    rig.sample(cached.model, steps=12)
    run = cached.runs()[-1]
    missing = [record.step for record in run.records if record.reason == "missing"]
    assert not run.note and run.reused > 0 and bool(missing) is (until < 1)


@pytest.mark.parametrize(
    "more",
    [
        {"area": (4, 8, 0, 0), "strength": 1.0},
        {"area": ("percentage", 1.0, 0.5, 1.0, 0.0, 0.5, 0.0), "strength": 0.8},
        {"mask": torch.ones(1, 8, 8).tril(), "mask_strength": 1.0, "set_area_to_bounds": False},
        {"start_percent": 0.0, "end_percent": 0.6},
    ],
    ids=["area", "area in percent", "mask", "time range"],
)
def test_a_condition_of_its_own_place(more: dict, call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """A second positive condition for a part of the picture, or of the time, has a residual of its own."""
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    plain = rig.conds

    def conds() -> dict[str, list]:
        sides = plain()
        other = [noise(1, 8, 4096, seed=11), {**rig.member.more(), **more}]
        return {**sides, "positive": [*sides["positive"], other]}

    rig.conds = conds  # type: ignore[method-assign]
    expected = rig.sample(rig.model, steps=12)
    every = patch(rig.model, text="1.0:1")
    assert torch.equal(rig.sample(every.model, steps=12), expected)
    cached = patch(rig.model, text=HOLD)
    first, *others = rig.stay(cached.model, rig.member.latent(seed=9))
    (run,) = cached.runs()
    assert not run.note and run.reused > 0
    if "end_percent" not in more:
        for other in others:
            torch.testing.assert_close(other, first, rtol=1e-3, atol=1e-3 * float(first.abs().max()))
    assert torch.isfinite(rig.sample(cached.model, steps=12)).all()


def test_equal_videos_in_a_batch_decide_as_one(call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """One schedule for the batch, from sums over all of it."""
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    rows = []
    for batch in (1, 2):
        adaptive = patch(rig.model, text="0.02:5 0.1:4 0.3:3 0.9:2 2:1")
        samples = latent(16, seed=9).repeat(batch, 1, 1, 1, 1)
        (quiet,) = call("DisableNoise")
        (guider,) = call("CFGGuider", model=adaptive.model, cfg=2.0, **rig.conds())
        (sampler,) = call("KSamplerSelect", sampler_name="euler")
        sigmas = torch.linspace(1, 0, 13)
        call(
            "SamplerCustomAdvanced",
            noise=quiet,
            guider=guider,
            sampler=sampler,
            sigmas=sigmas,
            latent_image={"samples": samples},
        )
        (run,) = adaptive.runs()
        assert not run.note
        rows.append([(r.computed, r.rate, r.distance and round(r.distance, 3)) for r in run.records])
    assert rows[0] == rows[1]


@pytest.mark.parametrize("gradual", [False, True])
def test_inpainting(gradual: bool, call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """A noise mask keeps what it covers, with a preset that forecasts and corrects as well."""
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    base = call("DifferentialDiffusion", model=rig.model)[0] if gradual else rig.model
    mask = torch.zeros(1, 64, 64)
    mask[:, :, 32:] = 1.0
    masked = {"samples": latent(16, seed=9), "noise_mask": mask.reshape(-1, 1, 64, 64)}
    expected = rig.sample(base, steps=12, latent_image=masked)
    every = patch(base, text="1.0:1")
    assert torch.equal(rig.sample(every.model, steps=12, latent_image=masked), expected)
    cached = patch(base, preset="fast")
    result = rig.sample(cached.model, steps=12, latent_image=masked)
    assert cached.runs()[0].reused > 0 and torch.isfinite(result).all()
    kept = result.view_as(masked["samples"])[..., :4]
    torch.testing.assert_close(kept, masked["samples"][..., :4], rtol=1e-4, atol=1e-4)
