"""Side blocks: their output is part of R, so they rest on reused steps; a reused step that cannot be starts anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from members import FRAMES, MEMBERS, noise
from test_families import Rig
from torch import nn


@contextmanager
def counted(modules: list[nn.Module]) -> Iterator[list[nn.Module]]:
    """The modules that run, in order."""
    ran: list[nn.Module] = []
    handles = [module.register_forward_hook(lambda m, *_: ran.append(m)) for module in modules]
    try:
        yield ran
    finally:
        for handle in handles:
            handle.remove()


def with_face(member: Any) -> Any:
    """Animate with a face video; the encoder of its motion is fixed at a size that takes minutes here."""

    def load() -> Any:
        model = member.load()
        encoder = model.model.diffusion_model.motion_encoder
        encoder.get_motion = lambda x: x.mean((2, 3))[:, :1].expand(-1, 512)
        return model

    return replace(
        member, load=load, more=lambda: {**member.more(), "face_video_pixels": noise(1, 3, 4 * FRAMES - 3, 512, 512)}
    )


SIDES = {
    "Wan VACE": lambda network: list(network.vace_blocks),
    "Wan S2V": lambda network: list(network.audio_injector.injector),
    "Wan HuMo": lambda network: [block.audio_cross_attn_wrapper for block in network.blocks],
    "Wan Animate": lambda network: list(network.face_adapter.fuser_blocks),
    "Wan Animate 2": lambda network: [block.ffn for block in network.blocks],
    "Wan Dancer": lambda network: list(network.music_injector.injector),
}
# What must run even so where the trunk is reused: S2V's last one comes after the last block.
STAYS = {"Wan S2V": 1}


@pytest.mark.parametrize("on", ["trunk", "answer"])
@pytest.mark.parametrize("name", SIDES)
def test_side_blocks_rest(name: str, on: str, call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """On a reused step they do not run, and what comes out is as computed."""
    member = MEMBERS[name]
    if not member.here:
        pytest.skip(f"this ComfyUI has no {member.path}")
    rig = Rig(with_face(member) if name == "Wan Animate" else member, call, patch, on)
    cached = rig.patch(rig.model, text="1000:3 2000:1")
    with counted(SIDES[name](rig.model.model.diffusion_model)) as ran:
        first, *others = rig.stay(cached.model, member.latent(seed=9))
    (run,) = cached.runs()
    assert not run.note and (run.computed, run.reused) == (6, 4)
    stays = STAYS.get(name, 0) if on == "trunk" else 0
    per_computed = (len(ran) - run.reused * stays) / run.computed
    assert per_computed >= 1 and per_computed == int(per_computed)
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-3, atol=1e-3 * float(first.abs().max()))


@pytest.mark.parametrize("on", ["trunk", "answer"])
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("name", ["Wan VACE", "Wan HuMo"])
def test_a_reused_step_that_cannot_be(
    name: str,
    fails: bool,
    on: str,
    call: Callable[..., tuple],
    patch: Callable[..., Any],
    pack_module: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is kept does not fit, or there is no memory to take it: the step is computed, with its side blocks."""
    rig = Rig(MEMBERS[name], call, patch, on)
    expected = rig.sample(rig.model)
    if fails:

        def reuse(*_: Any) -> None:
            raise torch.OutOfMemoryError("no memory")

        calls = {"trunk": "TrunkCall", "answer": "AnswerCall"}
        monkeypatch.setattr(getattr(pack_module("adacache.sampling.evaluation"), calls[on]), "reuse", reuse)
    else:
        monkeypatch.setattr(pack_module("adacache.sampling.calls").Call, "_fit", lambda *_: False)
    cached = rig.patch(rig.model, text="1000:3 2000:1")
    assert torch.equal(rig.sample(cached.model), expected)
    (run,) = cached.runs()
    assert run.reused == 0
    assert ("no memory" in run.note) is fails
