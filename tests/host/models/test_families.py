"""Every family of our table, on a tiny random network of the host's own class: by its trunk, and by its answer.

For each: computing all changes no bit, a reused step is what was kept, decisions do not depend on how the host
batches, and motion is scored between the right frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import comfy.samplers
import pytest
import torch
from members import MEMBERS, Member
from torch import Tensor

STEPS = 10


class Rig:
    """A member's MODEL, and runs of it; `on` says what a codebook given as text reuses."""

    def __init__(
        self, member: Member, call: Callable[..., tuple], patch: Callable[..., Any], on: str = "answer"
    ) -> None:
        self.member = member
        self.model = member.load()
        self.call = call
        self.patch = partial(patch, on=on)
        self.on = on

    def sample(self, model: Any, **widgets: Any) -> Tensor:
        given = {
            "steps": STEPS,
            "seed": 1,
            "cfg": self.member.cfg,
            "sampler_name": "euler",
            "scheduler": "simple",
            "denoise": 1.0,
            "latent_image": {"samples": self.member.latent()},
        } | widgets
        latent = self.call("KSampler", model=model, **self.conds(), **given)[0]["samples"]
        return torch.cat([part.flatten() for part in parts(latent)])

    def stay(self, model: Any, start: Any, steps: int = STEPS, changes: Sequence[Tensor] = ()) -> list[Tensor]:
        """What the network makes of one latent at one noise level, again and again.

        Args:
            changes: added to the latent in the second evaluation, in the third, and so on.
        """
        seen: list[Tensor] = []

        def sampler(network: Any, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Any, disable: Any) -> Tensor:
            for step in range(len(sigmas) - 1):
                given = x + changes[step - 1] if 0 < step <= len(changes) else x
                seen.append(network(given, sigmas[:1].expand(x.shape[0]), **extra_args).clone())
                callback({"x": x, "i": step, "sigma": sigmas[step], "sigma_hat": sigmas[step], "denoised": seen[-1]})
            return seen[-1]

        (guider,) = self.call("CFGGuider", model=model, cfg=self.member.cfg, **self.conds())
        self.call(
            "SamplerCustomAdvanced",
            noise=Silence(),
            guider=guider,
            sampler=comfy.samplers.KSAMPLER(sampler),
            sigmas=torch.linspace(0.6, 0.1, steps + 1),
            latent_image={"samples": start},
        )
        return seen

    def conds(self) -> dict[str, list]:
        return {"positive": self.member.conditioning(), "negative": self.member.conditioning(-1.0)}


class Silence:
    """No noise, for several latents as well, which the node of ComfyUI 0.8.0 does not know."""

    seed = 0

    def generate_noise(self, latent: dict[str, Any]) -> Any:
        samples = latent["samples"]
        silent = [torch.zeros_like(part) for part in parts(samples)]
        return type(samples)(silent) if len(silent) > 1 else silent[0]


def parts(latent: Any) -> list[Tensor]:
    return latent.unbind() if getattr(latent, "is_nested", False) else [latent]


@pytest.fixture(scope="module", params=MEMBERS)
def member(request: pytest.FixtureRequest) -> Member:
    found = MEMBERS[request.param]
    if not found.here:
        pytest.skip(f"this ComfyUI has no {found.path}")
    return found


@pytest.fixture(scope="module", params=["trunk", "answer"])
def rig(request: pytest.FixtureRequest, member: Member, call: Callable[..., tuple], patch: Callable[..., Any]) -> Rig:
    return Rig(member, call, patch, request.param)


@pytest.fixture(scope="module")
def trunk(member: Member, call: Callable[..., tuple], patch: Callable[..., Any]) -> Rig:
    return Rig(member, call, patch, "trunk")


def test_identity(rig: Rig) -> None:
    """Every step computed: bit by bit the latent of the unpatched model; what is reused was found and measured."""
    expected = rig.sample(rig.model)
    every = rig.patch(rig.model, text="1.0:1", moreg={"norm": 0.2})
    assert torch.equal(rig.sample(every.model), expected)
    assert torch.equal(rig.sample(rig.model), expected)
    (run,) = every.runs()
    assert not run.note and run.computed == STEPS
    if rig.on == "trunk":
        assert run.info.family == rig.member.family and "residual of block" in run.probe
    else:
        assert run.probe == "the network's answer"
    assert all(record.distance > 0 for record in run.records[1:])
    assert all((record.score is not None) is (rig.member.frames > 1) for record in run.records[1:])


def test_reuse(rig: Rig) -> None:
    """At one latent and noise level, what is reused is what computing gives; and a sampling reuses."""
    cached = rig.patch(rig.model, text="1000:3 2000:1")
    first, *others = rig.stay(cached.model, rig.member.latent(seed=9))
    (run,) = cached.runs()
    assert not run.note and run.reused == 4
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-3, atol=1e-3 * float(first.abs().max()))
    assert torch.isfinite(rig.sample(cached.model)).all()
    assert cached.runs()[-1].reused == 4


def test_batched_equals_split(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host calls the network once for cond and uncond, or twice: the same distances and decisions."""
    rows = []
    for split in (False, True):
        with monkeypatch.context() as patching:
            if split:
                patching.setattr(rig.model.model, "memory_required", lambda *a, **k: 1e30, raising=False)
            adaptive = rig.patch(rig.model, text="0.02:5 0.1:4 0.3:3 0.9:2 2:1")
            rig.sample(adaptive.model, steps=12)
        (run,) = adaptive.runs()
        assert not run.note
        rows.append(run.records)
    for one, two in zip(*rows, strict=True):
        assert (one.computed, one.rate) == (two.computed, two.rate)
        assert two.distance == (None if one.distance is None else pytest.approx(one.distance, rel=1e-3))


def test_frames_are_where_we_look(
    trunk: Rig, frame_tokens: Callable[[Rig], list], record_property: Callable[[str, str], None]
) -> None:
    """Another latent frame changes exactly the tokens that we take for it; an image has no frames."""
    if not trunk.member.frames:
        record_property("matrix", "an image")
    found = frame_tokens(trunk)
    assert len(found) == trunk.member.frames
    for frame, (changed, expected) in enumerate(found):
        assert changed == expected, frame


def test_motion_score(rig: Rig, record_property: Callable[[str, str], None]) -> None:
    """A video whose frames are equal scores low, one whose frames differ higher; an image has no score."""
    scores = []
    for still in (True, False):
        measured = rig.patch(rig.model, text="1.0:1", moreg={"norm": 0.2})
        rig.stay(measured.model, rig.member.latent(seed=9, still=still), steps=9)
        scores.append(measured.runs()[0].records[1].score)
    if not rig.member.frames:
        assert scores == [None, None]
        record_property("matrix", "an image")
    elif rig.member.steady:
        assert scores[0] < 0.5 * scores[1]
    else:
        assert scores[0] < scores[1]


@pytest.fixture
def frame_tokens(pack_module: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[[Rig], list]:
    """Per latent frame: the tokens at the trunk's entry that change with it, and those of our frame grid."""
    call_class = pack_module("adacache.sampling.evaluation").TrunkCall
    enter = call_class.enter
    seen: list[tuple[Tensor, Any]] = []

    def entered(call: Any, *hidden: Tensor) -> None:
        seen.append((hidden[0].detach().clone().flatten(1, -2), call._grid))
        enter(call, *hidden)

    monkeypatch.setattr(call_class, "enter", entered)

    def found(rig: Rig) -> list[tuple[list[int], list[int]]]:
        changes = []
        for frame in range(rig.member.frames):
            change = rig.member.latent()
            parts(change)[0][:, :, frame] = 1.0
            changes.append(flat(change))
        measured = rig.patch(rig.model, text="1.0:1", moreg={"norm": 0.2})
        rig.stay(measured.model, rig.member.latent(seed=9), 9, changes)
        calls = len(seen) // 9  # one per evaluation, or cond and uncond apart
        (before, grid), *others = seen[::calls][: 1 + len(changes)]
        result = []
        for frame, (after, _) in enumerate(others):
            differ = (before[0] - after[0]).abs().amax(1) > 1e-6
            first = grid.offset + frame * grid.tokens
            result.append((differ.nonzero().flatten().tolist(), list(range(first, first + grid.tokens))))
        return result

    return found


def flat(latent: Any) -> Tensor:
    """As samplers have it: several latents are packed into one."""
    return torch.cat([part.flatten(1) for part in parts(latent)], 1).unsqueeze(1) if len(parts(latent)) > 1 else latent
