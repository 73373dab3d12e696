"""With caching off, or with every step computed, the host must give what it gives without us, bit for bit."""

from __future__ import annotations

import pytest
import torch

EVERY_STEP = "1.0:1"


@pytest.mark.parametrize("sampler", ["euler", "uni_pc", "dpmpp_2m", "euler_ancestral"])
@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_every_step_computed_is_bit_identical(wan, sample, patch, sampler, cfg, on):
    """A codebook that never reuses leaves the latent as it is, with and without an uncond."""
    expected = sample(wan(), steps=12, sampler=sampler, cfg=cfg)
    patched = patch(wan(), text=EVERY_STEP, on=on)
    assert torch.equal(sample(patched.model, steps=12, sampler=sampler, cfg=cfg), expected)
    (run,) = patched.runs()
    assert run.computed == 12 and not run.note


def test_off_returns_a_model_without_a_trace_of_us(wan, sample, patch):
    """Preset off takes every wrapper of ours off, also those of a patch node before it."""
    expected = sample(wan(), steps=10)
    chained = patch(patch(wan()).model, preset="off")
    assert not any("adacache" in keys for keys in chained.model.wrappers.values())
    assert torch.equal(sample(chained.model, steps=10), expected)
    assert chained.runs() == []


def test_measure_only_changes_nothing_and_records_everything(wan, sample, patch):
    """Measuring computes every step; from the second on each has a distance and a motion score."""
    expected = sample(wan(), steps=12)
    patched = patch(wan(), preset="measure only")
    assert torch.equal(sample(patched.model, steps=12), expected)
    (run,) = patched.runs()
    assert run.computed == 12
    assert all(0 < record.distance < 10 and 0 < record.score < 1 for record in run.records[1:])


def test_the_last_patch_of_a_chain_counts(wan, sample, patch):
    """Two patch nodes in a row cache once, by the settings of the second."""
    first = patch(wan(), preset="as published (fast)")
    second = patch(first.model, text=EVERY_STEP)
    assert torch.equal(sample(second.model, steps=12), sample(wan(), steps=12))
    assert first.runs() == [] and len(second.runs()) == 1


def test_a_reused_step_is_its_input_plus_the_residual_once(wan, sample, patch):
    """What the head is given in a reused step is the embedding plus the last computed step's residual."""
    patched = patch(wan(), text="100:3 200:1", on="trunk")
    network = patched.model.model.diffusion_model
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    embedded: list[torch.Tensor] = []
    hooks = [
        network.patch_embedding.register_forward_hook(
            lambda _m, _a, out: embedded.append(out.flatten(2).transpose(1, 2).clone())
        ),
        network.head.register_forward_pre_hook(lambda _m, args: seen.append((embedded[-1], args[0].clone()))),
    ]
    try:
        sample(patched.model, steps=12, cfg=1.0)
    finally:
        for hook in hooks:
            hook.remove()
    (run,) = patched.runs()
    assert run.reused >= 4
    residual = None
    for record, (before, after) in zip(run.records, seen, strict=True):
        if record.computed:
            residual = after - before
        else:
            assert torch.equal(after, before + residual)


def test_a_reused_step_touches_nothing_of_the_network(wan, sample, patch):
    """By intent no block, patch list or forward is touched, and a reused step runs nothing."""
    patched = patch(wan(), preset="fast")
    network = patched.model.model.diffusion_model

    def touched() -> bool:
        own = any("forward" in vars(module) for module in network.modules())
        return own or any(module._forward_hooks for module in network.modules())

    seen, ran = [], []
    hook = network.register_forward_pre_hook(
        lambda module, args, kwargs: ran.append(set(kwargs["transformer_options"].get("patches_replace", {}))),
        with_kwargs=True,
    )
    deep = network.blocks[1].register_forward_pre_hook(lambda *_: seen.append(touched()))
    try:
        sample(patched.model, steps=12)
    finally:
        hook.remove()
        deep.remove()
    (run,) = patched.runs()
    assert run.reused == 7 and len(ran) == len(seen) == run.computed
    assert all(replaced == set() for replaced in ran) and not any(seen)


def test_the_families_are_not_asked(wan, sample, patch, families, monkeypatch):
    def asked(*_):
        raise AssertionError("the table of families is for the paper's presets")

    for name in ("family_of", "FAMILIES"):
        monkeypatch.setattr(families, name, asked)
    expected = sample(wan(), steps=12)
    measured = patch(wan(), preset="measure only")
    assert torch.equal(sample(measured.model, steps=12), expected)
    for widgets in ({"preset": "fast"}, {"text": "1000:3 2000:1"}, {"locked_schedule": "12 steps: 1 2 5 9 12"}):
        patched = patch(wan(), **widgets)
        sample(patched.model, steps=12)
        (run,) = patched.runs()
        assert run.reused > 0 and not run.note and run.probe == "the network's answer"


def test_the_cache_place_does_not_change_the_video(wan, sample, loose, on):
    """With the model, in system memory or automatic: the same decisions and the same latent."""
    results = {}
    for place in ("with the model", "system memory", "auto"):
        patched = loose(wan(), cache_location=place, on=on)
        results[place] = sample(patched.model, steps=12)
        (run,) = patched.runs()
        assert run.reused > 0 and run.cache_bytes > 0
    first, *others = results.values()
    assert all(torch.equal(first, other) for other in others)
