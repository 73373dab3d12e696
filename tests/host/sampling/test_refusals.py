"""What cannot be cached safely is computed, and the trace says why."""

from __future__ import annotations

import torch


def check_uncached(run, *words: str) -> None:
    assert run.reused == 0 and run.records and run.end == "done"
    assert all(word in run.note for word in words), run.note
    assert run.note in run.summary()


def test_fewer_than_nine_steps(wan, sample, patch):
    """Eight steps leave nothing to reuse."""
    patched = patch(wan(), text="1000:4 2000:1")
    assert torch.equal(sample(patched.model, steps=8), sample(wan(), steps=8))
    check_uncached(patched.runs()[0], "8 steps", "9")


def test_easycache_beside_us_works_alone(wan, sample, patch, host):
    """With EasyCache on the same model only EasyCache acts, in either order of the nodes."""

    def easy(model):
        return host.nodes_easycache.EasyCacheNode.execute(model, 0.2, 0.15, 0.95, False).result[0]

    expected = sample(easy(wan()), steps=12)
    for patched in (patch(easy(wan()), text="1000:4 2000:1"), patch(wan(), text="1000:4 2000:1")):
        model = patched.model if "easycache" in str(patched.model.model_options) else easy(patched.model)
        assert torch.equal(sample(model, steps=12), expected)
        check_uncached(patched.runs()[0], "EasyCache")


def test_a_node_that_answers_in_place_of_the_network(wan, sample, patch):
    """If another wrapper skips the blocks that we hook, we notice, stop caching and say so."""
    patched = patch(wan(), text="1000:4 2000:1", on="trunk")
    model = patched.model.clone()

    def skip(executor, x, *args, **kwargs):
        return torch.zeros_like(x)

    model.add_wrapper_with_key("diffusion_model", "skipper", skip)
    sample(model, steps=10)
    check_uncached(patched.runs()[0], "another node")
