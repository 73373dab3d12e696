"""All of Wan that a text-to-video or image-to-video graph uses."""

from __future__ import annotations

import pytest
import torch


@pytest.mark.parametrize("kind", ["t2v", "i2v", "fun", "5b"])
def test_computing_all_is_bit_identical_and_reuse_works(wan_member, sample, patch, kind, on):
    """Wan 2.1 text and image to video, Fun with a reference image, Wan 2.2 5B: hooked, exact, reusing."""
    expected = sample(wan_member(kind), steps=10, kind=kind)
    every = patch(wan_member(kind), text="1.0:1", moreg={"norm": 0.2}, on=on)
    assert torch.equal(sample(every.model, steps=10, kind=kind), expected)
    (run,) = every.runs()
    assert run.computed == 10 and not run.note
    assert run.probe.startswith({"trunk": "attention residual", "answer": "the network's answer"}[on])
    assert all(record.score is not None for record in run.records[1:])
    cached = patch(wan_member(kind), text="1000:3 2000:1", on=on)
    latent = sample(cached.model, steps=10, kind=kind)
    (run,) = cached.runs()
    assert run.reused > 0 and not run.note and torch.isfinite(latent).all()


def test_the_probe_is_the_gated_attention_residual(wan, sample, families):
    """The measured tensor is what the middle block's self-attention adds to the hidden state, gate included."""
    model = wan()
    network = model.model.diffusion_model
    block = network.blocks[len(network.blocks) // 2]
    seen = {}
    hooks = [
        block.register_forward_pre_hook(lambda _m, a, kw: seen.update(x=a[0], vec=kw["e"]), with_kwargs=True),
        block.self_attn.register_forward_hook(lambda _m, _a, out: seen.update(attention=out)),
        # norm3 is given the hidden state right after the gated attention residual was added.
        block.norm3.register_forward_pre_hook(lambda _m, a: seen.update(after=a[0])),
    ]
    try:
        sample(model, steps=2)
    finally:
        for hook in hooks:
            hook.remove()
    with torch.inference_mode():
        gated = families.gates.wan(block, {"vec": seen["vec"]}, seen["attention"])
    torch.testing.assert_close(seen["x"] + gated, seen["after"], rtol=1e-5, atol=1e-5)


def test_frames_are_found_in_the_tokens(families, wan_member):
    """The grid follows the latent's size, rounded up to patches, after the tokens of a reference image."""
    x = torch.zeros(2, 16, 5, 9, 8)
    reference = {"reference_latent": torch.zeros(2, 16, 10, 8)}
    for kind, kwargs, offset in (("t2v", {}, 0), ("t2v", reference, 0), ("fun", {}, 0), ("fun", reference, 20)):
        network = wan_member(kind).model.diffusion_model
        assert tuple(families.grids.wan(network, x, kwargs)) == (5, 20, offset)


def test_motion_is_low_for_equal_frames_and_higher_for_different_ones(wan, sample, patch):
    """The score is of frames: a video of one latent frame repeated moves less than one of noise."""
    scores = {}
    for still in (True, False):
        patched = patch(wan(), preset="measure only")
        sample(patched.model, steps=9, still=still)
        (run,) = patched.runs()
        scores[still] = run.records[1].score
    assert scores[True] < 0.5 * scores[False]
