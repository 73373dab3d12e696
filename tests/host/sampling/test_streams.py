"""Decisions are one for all streams of an evaluation, however the host batches them."""

from __future__ import annotations

import pytest
import torch


def decisions(run):
    return [(record.step, record.computed) for record in run.records]


@pytest.fixture
def batching(host, monkeypatch):
    """A switch: True lets the host batch cond and uncond, False makes it run them one by one."""

    def switch(on: bool) -> None:
        monkeypatch.setattr(host.BaseModel, "memory_required", lambda *a, **k: 0 if on else 1 << 50)

    return switch


@pytest.fixture
def row_counts():
    """Batch rows of every call of a network, by its patch embedding."""

    def watch(model):
        rows: list[int] = []
        embedding = model.model.diffusion_model.patch_embedding
        embedding.register_forward_hook(lambda _m, args, _out: rows.append(args[0].shape[0]))
        return rows

    return watch


@pytest.mark.parametrize("moreg", [False, True])
def test_batched_and_split_decide_alike(wan, sample, loose, batching, row_counts, moreg):
    """Cond and uncond in one batch or one after the other: the same steps are computed."""
    runs, latents, rows = {}, {}, {}
    for on in (True, False):
        batching(on)
        patched = loose(wan(), moreg={"norm": 0.2} if moreg else None)
        rows[on] = row_counts(patched.model)
        latents[on] = sample(patched.model, steps=16)
        (runs[on],) = patched.runs()
    assert set(rows[True]) == {2} and set(rows[False]) == {1}
    assert decisions(runs[True]) == decisions(runs[False]) and runs[True].reused > 0
    for a, b in zip(runs[True].records, runs[False].records, strict=True):
        assert (a.distance is None) == (b.distance is None)
        assert a.distance is None or a.distance == pytest.approx(b.distance, rel=1e-3)
    torch.testing.assert_close(latents[True], latents[False], rtol=1e-3, atol=1e-3)


def test_the_host_may_change_its_mind_in_mid_run(wan, sample, loose, batching):
    """Batched at some steps and split at others: residuals are found again, and decisions stay the same."""
    patched, mixed = loose(wan()), loose(wan())
    batching(True)
    expected = sample(patched.model, steps=16)
    latent = sample(mixed.model, steps=16, callback=lambda step: batching(step % 2 == 0))
    (alone,), (both,) = patched.runs(), mixed.runs()
    assert decisions(alone) == decisions(both) and both.reused > 0
    torch.testing.assert_close(latent, expected, rtol=1e-3, atol=1e-3)


def test_a_batch_of_two_videos_is_one_schedule(wan, sample, loose):
    """Two videos in one batch are cached together."""
    patched = loose(wan())
    assert sample(patched.model, steps=12, batch=2).shape[0] == 2
    (run,) = patched.runs()
    assert run.reused > 0 and not run.note


def test_skip_layer_guidance_composes(wan, sample, patch, loose, host):
    """The extra pass of skip-layer guidance has a stream of its own; computing all is bit-identical."""

    def guided(model):
        node = host.nodes_slg.SkipLayerGuidanceDiT
        return node.execute(
            model, scale=2.0, start_percent=0.0, end_percent=1.0, double_layers="1, 2", single_layers=""
        ).result[0]

    expected = sample(guided(wan()), steps=12)
    assert not torch.equal(expected, sample(wan(), steps=12))
    every = patch(guided(wan()), text="1.0:1")
    assert torch.equal(sample(every.model, steps=12), expected)
    cached = loose(wan())
    sample(guided(cached.model), steps=12)
    (run,) = cached.runs()
    assert run.reused > 0 and not run.note


def test_a_patch_of_another_node_runs_as_the_block(wan, sample, patch):
    """A replaced block is computed in place of the block, and its effect is in the residual."""

    def louder(args, extra):
        return {"img": args["img"] + 1.5 * (extra["original_block"](args)["img"] - args["img"])}

    def replaced(model, index):
        model = model.clone()
        model.set_model_patch_replace(louder, "dit", "double_block", index)
        return model

    for index in (0, 2, 3):
        expected = sample(replaced(wan(), index), steps=10)
        assert torch.equal(sample(patch(replaced(wan(), index), text="1.0:1").model, steps=10), expected)
        assert torch.equal(sample(replaced(patch(wan(), text="1.0:1").model, index), steps=10), expected)
