"""The host, other nodes and the user may end or spoil a run at any point: what comes next is as on a fresh start."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from comfy.patcher_extension import WrappersMP

WAYS = {
    "answers": {"member": "Wan t2v", "moreg": {"norm": 0.3}},
    "blocks": {"member": "Wan t2v", "preset": "as published (fast)", "moreg": {"norm": 0.3}},
}


@pytest.fixture(params=WAYS)
def made(request: pytest.FixtureRequest, machine: Callable[..., Any]) -> Any:
    return machine(**WAYS[request.param])


def around(model: Any, kind: str, wrapper: Callable[..., Any], above: bool) -> Any:
    """A clone with another pack's wrapper above ours (it runs first), or below."""
    clone = model.clone()
    clone.add_wrapper_with_key(kind, "another pack", wrapper)
    if above:
        keyed = clone.wrappers[kind]
        clone.wrappers[kind] = {"another pack": keyed.pop("another pack"), **keyed}
    return clone


def told(machine: Any, end: str) -> Any:
    run = machine.run()
    assert run.end == end and not run.note, run.note
    return run


def test_not_a_number(made: Any, pack_module: Callable[[str], Any]) -> None:
    """The network's answer turns NaN in mid-run: no exception, valid JSON, and the next run is as ever."""

    def spoil(executor: Any, *args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        answer = executor(*args, **kwargs)
        return torch.full_like(answer, torch.nan) if calls[0] == 5 else answer

    calls = [0]
    given = made.sample(around(made.patched.model, WrappersMP.APPLY_MODEL, spoil, above=False))
    assert not torch.isfinite(given).all()
    run = told(made, "done")
    dumps = pack_module("adacache").dumps
    json.loads(dumps([run]), parse_constant=pytest.fail)
    assert torch.equal(made.sample(), made.cached)


@pytest.fixture
def forwards(machine: Callable[..., Any]) -> Any:
    """A network whose blocks are hooked by their forward."""
    return machine(member="Lumina 2", preset="as published (fast)")


def generic(function: Callable[..., Any]) -> Callable[..., Any]:
    """What another pack may put around a function, without its name and its signature."""
    return lambda *args, **kwargs: function(*args, **kwargs)


def test_forwards_wrapped_by_anything(forwards: Any) -> None:
    """Blocks are called as their class says, whatever stands in front of it."""
    blocks = list(forwards.network.layers)
    for block in blocks:
        block.forward = generic(block.forward)
    try:
        assert torch.equal(forwards.sample(), forwards.cached)
        told(forwards, "done")
    finally:
        for block in blocks:
            del block.forward


def test_classes_that_tell_nothing(forwards: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the class itself takes anything by any name, the network is computed, and why is said."""
    kind = type(forwards.network.layers[0])
    monkeypatch.setattr(kind, "forward", generic(kind.forward))
    assert torch.equal(forwards.sample(), forwards.plain)
    run = forwards.run()
    assert run.end == "done" and "another node put its own in their place" in run.note and not run.reused
