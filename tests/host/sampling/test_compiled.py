"""Compiled networks: blocks one by one, in two ways, and the whole network as one piece."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial

import comfy_api.torch_helpers.torch_compile as host_compile
import pytest
import torch
from comfy_extras import nodes_torch_compile

TEXT = "0.3:5 0.6:4 0.9:3 2:2"


@pytest.fixture
def wan(wan):
    """Of two blocks: compiling takes long."""
    return partial(wan, blocks=2)


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def blockwise(model):
    """What packs with block-wise compile do, through the host's own helper."""
    clone = model.clone()
    keys = [f"diffusion_model.blocks.{i}" for i in range(len(model.model.diffusion_model.blocks))]
    host_compile.set_torch_compile_wrapper(clone, backend="eager", keys=keys)
    return clone


@contextmanager
def in_place(model):
    """`module.compile()` on every block."""
    blocks = model.model.diffusion_model.blocks
    for block in blocks:
        block.compile(backend="eager")
    try:
        yield model
    finally:
        for block in blocks:
            block._compiled_call_impl = None


def decisions(run) -> list[tuple]:
    return [(r.computed, r.rate, r.distance and round(r.distance, 5)) for r in run.records]


@pytest.mark.parametrize("first", ["compile", "patch"])
def test_compiled_blocks_decide_as_eager_ones(first, wan, sample, patch, on):
    """Same decisions, same distances, same video, in either order of the nodes; the same is measured."""
    eager = patch(wan(), text=TEXT, on=on)
    expected = sample(eager.model)
    if first == "compile":
        compiled = patch(blockwise(wan()), text=TEXT, on=on)
        model = compiled.model
    else:
        compiled = patch(wan(), text=TEXT, on=on)
        model = blockwise(compiled.model)
    latent = sample(model)
    (one,), (two,) = eager.runs(), compiled.runs()
    assert not two.note and two.reused > 0
    assert two.probe == one.probe and two.probe.startswith("attention" if on == "trunk" else "the network")
    assert decisions(two) == decisions(one)
    torch.testing.assert_close(latent, expected, rtol=1e-4, atol=1e-4)


def test_blocks_compiled_in_place_decide_as_eager_ones(wan, sample, patch, on):
    """The same where blocks compile themselves."""
    eager = patch(wan(), text=TEXT, on=on)
    expected = sample(eager.model)
    with in_place(wan()) as model:
        compiled = patch(model, text=TEXT, on=on)
        latent = sample(compiled.model)
    (one,), (two,) = eager.runs(), compiled.runs()
    assert not two.note and decisions(two) == decisions(one)
    torch.testing.assert_close(latent, expected, rtol=1e-4, atol=1e-4)


def test_compiled_blocks_on_an_older_torch(wan, sample, patch, monkeypatch):
    """Where torch cannot run a compiled block uncompiled, all that the block adds is measured instead."""
    monkeypatch.delattr(torch.compiler, "set_stance")
    compiled = patch(blockwise(wan()), text=TEXT, on="trunk")
    sample(compiled.model)
    (run,) = compiled.runs()
    assert not run.note and run.probe.startswith("block residual")


@pytest.mark.parametrize("first", ["compile", "patch"])
def test_a_network_compiled_as_one_piece(first, wan, sample, patch, on):
    """Its answer is reused, whatever was asked for: computing all changes no bit, and reuse calls it less often."""
    node = nodes_torch_compile.TorchCompileModel

    def both(text):
        patched = patch(wan() if first == "patch" else node.execute(wan(), "eager").result[0], text=text, on=on)
        model = node.execute(patched.model, "eager").result[0] if first == "patch" else patched.model
        return model, patched

    expected = sample(node.execute(wan(), "eager").result[0])
    model, every = both("1.0:1")
    assert torch.equal(sample(model), expected)
    assert every.runs()[0].computed == 12
    model, cached = both("1000:3 2000:1")
    assert torch.isfinite(sample(model)).all()
    (run,) = cached.runs()
    assert not run.note and run.reused == 6 and run.probe == "the network's answer"


def test_a_plain_compiled_run_before_ours(wan, sample, patch):
    """A network that was compiled and run without us caches all the same: nothing of ours is inside it."""
    model = nodes_torch_compile.TorchCompileModel.execute(wan(), "eager").result[0]
    sample(model)
    cached = patch(model, text="1000:3 2000:1")
    sample(cached.model)
    assert cached.runs()[0].reused == 6
