"""What changes the network in mid-run, and other caches in its place: seen, computed, named."""

from __future__ import annotations

from functools import partial
from types import MethodType

import pytest
import torch
from comfy.patcher_extension import WrappersMP

REUSE = "1000:3 2000:1"
PACK = "/base/custom_nodes/ComfyUI-Other_x_Cache.nodes"


def setting_in(sigma_start: float):
    """An attention override that looks at the noise level itself, as sparse attention does."""

    def override(original, *args, **kwargs):
        out = original(*args, **kwargs)
        return 0.8 * out if float(kwargs["transformer_options"]["sigmas"].max()) <= sigma_start else out

    return override


def with_options(model, **more):
    clone = model.clone()
    clone.model_options.setdefault("transformer_options", {}).update(more)
    return clone


def each_evaluation(model, change):
    """A node whose wrapper hands other options on for each evaluation: change(sigma) -> options."""
    clone = model.clone()

    def wrapper(executor, x, timestep, model_options, *args):
        options = {**model_options["transformer_options"], **change(float(timestep.max()))}
        return executor(x, timestep, {**model_options, "transformer_options": options}, *args)

    clone.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "another pack", wrapper)
    return clone


class SettingIn:
    """The same as an object, such as several packs have."""

    def __init__(self, sigma_start: float) -> None:
        self.sigma_start = sigma_start

    def __call__(self, original, *args, **kwargs):
        return setting_in(self.sigma_start)(original, *args, **kwargs)


def given_beforehand(sigma_start: float):
    return partial(lambda original, *args, sigma_start, **kwargs: original(*args, **kwargs), sigma_start=sigma_start)


@pytest.mark.parametrize(("made", "start"), [(setting_in, 0.95), (SettingIn, 0.9), (given_beforehand, 0.85)])
def test_an_override_that_sets_in(made, start, rig, composes) -> None:
    """The first step under it is computed and the next one too, by whatever plan; then caching goes on."""
    model = with_options(rig.model, optimized_attention_override=made(start))
    run = composes(rig, model, steady=False)
    first = next(record for record in run.records if record.sigma <= start)
    assert [record for record in run.records if record.reason == "restarted"] == [first]
    assert run.records[first.evaluation].computed and run.reused > 0


def test_an_override_that_stays(rig, composes) -> None:
    model = with_options(rig.model, optimized_attention_override=setting_in(2.0))
    assert composes(rig, model).reused == 4


@pytest.mark.parametrize("place", ["optimized_attention_override", "patches"])
def test_what_is_handed_in_from_a_noise_level_on(place, rig) -> None:
    """By a wrapper above ours or below: the step is computed either way."""
    given = setting_in(2.0) if place == "optimized_attention_override" else {"attn1_output_patch": [lambda out, _: out]}
    for ours_first in (True, False):
        change = lambda sigma: {place: given} if sigma <= 0.9 else {}  # noqa: E731
        patched = rig.patch(rig.model if ours_first else each_evaluation(rig.model, change), text=REUSE)
        rig.sample(each_evaluation(patched.model, change) if ours_first else patched.model)
        (run,) = patched.runs()
        first = next(record for record in run.records if record.sigma <= 0.9)
        assert first.computed and first.reason in ("restarted", "missing") and run.reused > 0 and not run.note


def test_what_is_made_anew_each_time_is_no_change(rig) -> None:
    """Numbers of the step and functions of the same name come anew with every evaluation of many packs."""

    def change(sigma):
        fresh = {("double_block", 0): lambda args, extra: extra["original_block"](args)}
        return {"step": sigma, "token": object(), "patches_replace": {"dit": fresh}}

    patched = rig.patch(each_evaluation(rig.model, change), text=REUSE)
    rig.sample(patched.model)
    (run,) = patched.runs()
    assert run.reused == 4 and not run.note


class Lazy(torch.nn.Module):
    """One module in place of all blocks, which answers every other time by what they added before."""

    __module__ = PACK

    def __init__(self, blocks):
        super().__init__()
        self.blocks, self.kept, self.calls = blocks, None, 0

    def forward(self, x, *args, **kwargs):
        self.calls += 1
        if self.kept is not None and self.calls % 2 == 0:
            return x + self.kept
        out = x
        for block in self.blocks:
            out = block(out, *args, **kwargs)
        self.kept = out - x
        return out


def test_a_cache_that_swaps_the_blocks(rig) -> None:
    """As FBCache does, for the time of a call: two caches never work at once, and the other one is named."""

    def lazy(model):
        clone = model.clone()
        network = model.model.diffusion_model
        other = Lazy(list(network.blocks))

        def wrapper(apply, args):
            before = network.blocks
            network.blocks = torch.nn.ModuleList([other])
            try:
                return apply(args["input"], args["timestep"], **args["c"])
            finally:
                network.blocks = before

        clone.set_model_unet_function_wrapper(wrapper)
        return clone

    expected = rig.sample(lazy(rig.model))
    patched = rig.patch(lazy(rig.model), text=REUSE)
    assert torch.equal(rig.sample(patched.model), expected)
    (run,) = patched.runs()
    assert run.reused == 0 and run.note.startswith("ComfyUI-Other.Cache runs in place of the network's blocks")


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("name", ["teacache_forward", "better_forward"])
def test_a_method_in_place_of_the_networks(stays, name, rig) -> None:
    """As TeaCache does for the time of a call, and others for good; what is no cache may do so."""
    network = rig.model.model.diffusion_model

    def forward_orig(self, *args, **kwargs):
        return type(self).forward_orig(self, *args, **kwargs)

    forward_orig.__qualname__ = name
    clone = rig.model.clone()

    def wrapper(apply, args):
        network.forward_orig = MethodType(forward_orig, network)
        try:
            return apply(args["input"], args["timestep"], **args["c"])
        finally:
            if not stays:
                del network.forward_orig

    clone.set_model_unet_function_wrapper(wrapper)
    patched = rig.patch(clone, text=REUSE)
    rig.sample(patched.model)
    rig.sample(patched.model)
    first, second = patched.runs()
    if name == "better_forward":
        assert not first.note and not second.note and first.reused == second.reused == 4
        return
    assert first.reused == second.reused == 0 and "teacache_forward" in first.note
    assert ("restart ComfyUI" in second.note) is stays
