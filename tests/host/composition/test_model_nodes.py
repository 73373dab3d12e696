"""Nodes that change a MODEL, before and after ours: no bit changes where all is computed, and reuse is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from test_families import Rig


def louder_attention(model: Any) -> Any:
    """As NAG packs do: a cross-attention's forward is replaced through an object patch."""
    clone = model.clone()
    attention = model.get_model_object("diffusion_model.blocks.1.cross_attn")
    # The class's own: while a clone is loaded, the host leaves that clone's patch on the module that all clones share.
    forward = type(attention).forward.__get__(attention)
    clone.add_object_patch("diffusion_model.blocks.1.cross_attn.forward", lambda *a, **k: 1.5 * forward(*a, **k))
    return clone


def overridden_attention(model: Any) -> Any:
    """As FreeU-like packs do on transformers: what every attention gives is changed."""
    clone = model.clone()
    options = clone.model_options.setdefault("transformer_options", {})
    options["optimized_attention_override"] = lambda original, *a, **k: 1.2 * original(*a, **k)
    return clone


def called_by_a_node(model: Any) -> Any:
    """A node that calls the network itself, as older packs do, and scales what it gives."""
    clone = model.clone()
    clone.set_model_unet_function_wrapper(lambda apply, args: 0.9 * apply(args["input"], args["timestep"], **args["c"]))
    return clone


def weights(model: Any) -> Any:
    """A LoRA, as its loader adds it."""
    clone = model.clone()
    key = "diffusion_model.blocks.2.ffn.0.weight"
    clone.add_patches({key: (torch.ones_like(clone.model_state_dict()[key]) * 0.01,)}, 1.0)
    return clone


SLG = {"double_layers": "1, 2", "single_layers": "", "start_percent": 0.0, "end_percent": 1.0}
WINDOWS = {"context_length": 9, "context_overlap": 5, "context_schedule": "standard_static"}
NODES: dict[str, Any] = {
    "LoRA": weights,
    "attention replaced": louder_attention,
    "attention overridden": overridden_attention,
    "function wrapper": called_by_a_node,
    "SkipLayerGuidanceDiT": SLG | {"scale": 2.0},
    "SkipLayerGuidanceDiTSimple": SLG,
    "PerturbedAttentionGuidance": {"scale": 2.0},
    "CFGZeroStar": {},
    "RescaleCFG": {"multiplier": 0.7},
    "ModelSamplingSD3": {"shift": 3.0},
    "WanContextWindowsManual": WINDOWS | {"context_stride": 1, "closed_loop": False, "fuse_method": "pyramid"},
}
NEUTRAL = {"PerturbedAttentionGuidance"}  # acts on a UNet's blocks only: its third call repeats the cond, but alone


@pytest.fixture(params=NODES)
def given(request: pytest.FixtureRequest, call: Callable[..., tuple], rig: Rig) -> tuple:
    node = NODES[request.param]
    apply = node if callable(node) else lambda model: call(request.param, model=model, **node)[0]
    return rig, apply, request.param


def test_computing_all_changes_no_bit(given) -> None:
    rig, apply, name = given
    expected = rig.sample(apply(rig.model))
    assert torch.allclose(expected, rig.sample(rig.model), atol=1e-3) is (name in NEUTRAL)
    assert torch.equal(rig.sample(rig.patch(apply(rig.model), text="1.0:1").model), expected)
    assert torch.equal(rig.sample(apply(rig.patch(rig.model, text="1.0:1").model)), expected)


def test_reuse_is_right(given) -> None:
    rig, apply, _ = given
    before, after = rig.patch(apply(rig.model), text="1000:3 2000:1"), rig.patch(rig.model, text="1000:3 2000:1")
    for patched, model in ((before, before.model), (after, apply(after.model))):
        first, *others = rig.stay(model, rig.member.latent(seed=9))
        for other in others:
            torch.testing.assert_close(other, first, rtol=1e-3, atol=1e-3 * float(first.abs().max()))
        assert torch.isfinite(rig.sample(model)).all()
        assert [(run.reused, run.note) for run in patched.runs()] == [(4, ""), (4, "")]
