"""Packs that cache too, and samplers that nobody knows: correct, and with a reason where all is computed."""

from __future__ import annotations

import comfy.samplers
import pytest
import torch

REUSE = "1000:3 2000:1"


def test_a_block_replaced_by_object_patch(rig, composes) -> None:
    """TeaCache-like packs put a forward of their own on blocks."""
    clone = rig.model.clone()
    block = rig.model.get_model_object("diffusion_model.blocks.1")
    forward = type(block).forward.__get__(block)
    clone.add_object_patch("diffusion_model.blocks.1.forward", lambda x, *a, **k: x + 1.1 * (forward(x, *a, **k) - x))
    assert not torch.equal(rig.sample(clone), rig.sample(rig.model))
    assert composes(rig, clone).reused == 4


def test_a_pack_that_skips_the_network_at_times(rig) -> None:
    """From the first call that it answers itself, every step is ours to compute; the reason names it."""
    clone = rig.model.clone()
    calls, kept = [], []

    def at_times(executor, *args, **kwargs):
        calls.append(1)
        if len(calls) % 3 == 0 and kept[-1].shape[0] == args[0].shape[0]:
            return kept[-1]
        kept.append(executor(*args, **kwargs))
        return kept[-1]

    at_times.__module__ = "/base/custom_nodes/ComfyUI-Skipper.nodes"
    clone.add_wrapper_with_key("diffusion_model", "another pack", at_times)
    expected = rig.sample(clone)
    for text in ("1.0:1", REUSE):
        calls.clear()
        patched = rig.patch(clone, text=text)
        latent = rig.sample(patched.model)
        (run,) = patched.runs()
        assert torch.isfinite(latent).all() and "another node" in run.note and "ComfyUI-Skipper" in run.note
        assert text == REUSE or torch.equal(latent, expected)
        after = next(i for i, record in enumerate(run.records) if record.reason == "refused")
        # A reused answer does not ask the network, so its third call comes later.
        assert after <= (3 if rig.on == "trunk" else 4) and all(record.computed for record in run.records[after:])


def test_two_of_ours(rig) -> None:
    """The last one counts, and it works as alone."""
    first = rig.patch(rig.model, text="1000:5 2000:1")
    second, alone = rig.patch(first.model, text=REUSE), rig.patch(rig.model, text=REUSE)
    assert torch.equal(rig.sample(second.model), rig.sample(alone.model))
    assert first.runs() == [] and second.runs()[0].reused == 4


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("counts", [[2] * 12, [2, 2] + [1] * 10, [3, 3, 3] + [1] * 8 + [3]])
def test_a_sampler_of_another_pack(counts, at_end, rig, call) -> None:
    """Several evaluations in a step, always or at first, and nobody told us: steps are the sampler's, and are reused.

    RES4LYF reports a step at its end, with its last one twice; the host's own samplers after its first evaluation.
    """

    def midpoints(model, x, sigmas, extra_args=None, callback=None, disable=None):
        ones = x.new_ones(x.shape[0])
        for i, count in enumerate(counts):
            level, direction = sigmas[i], 0
            for place in range(count):
                denoised = model(x + direction * (level - sigmas[i]), level * ones, **extra_args)
                direction = (x + direction * (level - sigmas[i]) - denoised) / level
                if place == (count - 1 if at_end else 0):
                    callback({"x": x, "i": i, "denoised": denoised})
                level = (sigmas[i] + sigmas[i + 1]) / 2
            x = x + direction * (sigmas[i + 1] - sigmas[i])
        if at_end:
            callback({"x": x, "i": len(counts), "denoised": denoised})
        return x

    def sample(model):
        (noise,), (sigmas,) = (
            call("RandomNoise", noise_seed=1),
            call("BasicScheduler", model=model, scheduler="simple", steps=12, denoise=1.0),
        )
        (guider,) = call("CFGGuider", model=model, cfg=2.0, **rig.conds())
        sampler = comfy.samplers.KSAMPLER(midpoints)
        given = {"noise": noise, "guider": guider, "sampler": sampler, "sigmas": sigmas}
        return call("SamplerCustomAdvanced", **given, latent_image={"samples": rig.member.latent()})[0]["samples"]

    every = rig.patch(rig.model, text="1.0:1")
    assert torch.equal(sample(every.model), sample(rig.model))
    patched = rig.patch(rig.model, text=REUSE)
    assert torch.isfinite(sample(patched.model)).all()
    (run,) = patched.runs()
    assert not run.note and run.reused >= 4
    assert [record.step for record in run.records] == [i + 1 for i, count in enumerate(counts) for _ in range(count)]
