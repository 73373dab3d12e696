"""Networks that no row of our table names: every preset reuses their answer, or they are computed with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from members import MEMBERS, Member
from networks import configured
from test_families import Rig

UNET = {
    "image_size": 32,
    "in_channels": 4,
    "model_channels": 32,
    "out_channels": 4,
    "num_res_blocks": [1, 1],
    "channel_mult": (1, 2),
    "transformer_depth": [1, 1],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [1, 1, 1, 1],
    "num_heads": 1,
    "use_spatial_transformer": True,
    "context_dim": 64,
    "adm_in_channels": None,
    "use_linear_in_transformer": False,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
}
# A network that predicts noise, one that predicts a velocity of the older kind, and video networks without their rows.
SD15 = Member("UNetModel", lambda: configured("SD15", **UNET), "", (64, 8), channels=(4,), frames=0)
UNKNOWN = {"a UNet": SD15, **{name: MEMBERS[name] for name in ("Wan t2v", "Mochi", "LTX-Video", "Cosmos Predict2")}}


@pytest.fixture(params=UNKNOWN)
def rig(
    request: pytest.FixtureRequest,
    call: Callable[..., tuple],
    patch: Callable[..., Any],
    pack_module: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Rig:
    monkeypatch.setattr(pack_module("nodes.host.trunk.families.table"), "FAMILIES", {})
    return Rig(UNKNOWN[request.param], call, patch, "trunk")


def test_the_answer_is_reused(rig: Rig) -> None:
    """Computing all changes no bit; a reused step gives the answer that was kept, and calls no network."""
    expected = rig.sample(rig.model)
    every = rig.patch(rig.model, text="1.0:1", moreg={"norm": 0.2})
    assert torch.equal(rig.sample(every.model), expected)
    (run,) = every.runs()
    assert not run.note and run.probe == "the network's answer"
    assert run.info.family == type(rig.model.model).__name__
    assert all((record.score is not None) is (rig.member.frames > 1) for record in run.records[1:])
    calls = []
    cached = rig.patch(rig.model, text="1000:3 2000:1")
    with rig.model.model.diffusion_model.register_forward_hook(lambda *_: calls.append(1)):
        first, *others = rig.stay(cached.model, rig.member.latent(seed=9))
    (run,) = cached.runs()
    assert not run.note and run.reused == 4 and len(calls) == run.computed
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-3, atol=1e-4 * float(first.abs().max()))


def test_an_output_that_cannot_be_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the host makes more of an output than a straight line, everything is computed, unchanged, and said so."""
    sampling = type(rig.model.model.model_sampling)
    plain = sampling.calculate_denoised
    monkeypatch.setattr(sampling, "calculate_denoised", lambda *args: plain(*args).tanh())
    expected = rig.sample(rig.model)
    patched = rig.patch(rig.model, text="1000:3 2000:1")
    assert torch.equal(rig.sample(patched.model), expected)
    (run,) = patched.runs()
    assert run.reused == 0 and "makes more of the network's answer than can be undone" in run.note


@pytest.mark.parametrize("where", ["__init__", "keep", "reuse"])
def test_a_failure_of_ours(
    where: str,
    call: Callable[..., tuple],
    patch: Callable[..., Any],
    pack_module: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No memory for what is kept, or to take it again: the run goes on as without us, and says why."""
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    expected = rig.sample(rig.model)

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(pack_module("adacache.sampling.evaluation").AnswerCall, where, fail)
    cached = patch(rig.model, text="1000:3 2000:1")
    assert torch.equal(rig.sample(cached.model), expected)
    (run,) = cached.runs()
    assert run.reused == 0 and "no memory" in run.note and run.end == "done"


def test_video_made_frame_by_frame(call, patch) -> None:
    """A network with a memory of its own between calls (causal Wan) is computed, with the reason."""
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    patched = patch(rig.model, text="1000:3 2000:1")
    patched.model.model_options["transformer_options"]["ar_state"] = {}
    rig.sample(patched.model)
    (run,) = patched.runs()
    assert run.reused == 0 and "frame by frame" in run.note
