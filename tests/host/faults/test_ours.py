"""Every function of ours that a sampling calls is made to fail: the run goes on without us, and says so once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from breaking import Breaker, Place

# One way each through the pack: what reuses answers, holds denoised latents, corrects later, measures, hooks blocks
# through the host's patches, and by their forward.
WAYS: dict[str, dict[str, Any]] = {
    "planned": {"member": "Wan t2v", "moreg": {"norm": 0.3}},
    "measuring": {"member": "Wan t2v", "preset": "measure only"},
    "noisy": {"member": "Wan t2v", "preset": "turbo", "sampler_name": "dpmpp_2m_sde"},
    "published": {"member": "Wan t2v", "preset": "as published (fast)", "moreg": {"norm": 0.3}},
    "forwards": {"member": "Lumina 2", "preset": "as published (fast)"},
}


@pytest.fixture(scope="module")
def breaker(pack_module: Callable[[str], ModuleType]) -> Breaker:
    return Breaker(Path(pack_module("nodes.patch").__file__).parents[1])


def survives(machine: Any, breaker: Breaker, place: Place, nth: int, told: list) -> None:
    """A run in which one of our functions fails once."""
    told.clear()
    before = {run.info.run_id for run in machine.patched.runs()}
    with breaker.breaking(place, nth):
        given = machine.sample()
    assert torch.isfinite(given).all()
    assert len(told) <= 1, [record.getMessage() for record in told]
    machine.check_clean()
    runs = [run for run in machine.patched.runs() if run.info.run_id not in before and run.records]
    if not runs:  # not even begun
        assert len(told) == 1 and torch.equal(given, machine.plain)
        return
    run = runs[0]
    assert run.end == "done"
    if run.note:
        assert run.note.startswith("caching failed: ")
        assert ("on purpose" in run.note) is (len(told) == 1)
    if not run.saves:
        assert torch.equal(given, machine.plain)
    elif not run.note:
        assert torch.equal(given, machine.cached)


def spread(times: int, most: int) -> list[int]:
    """Which of so many calls, from 1: the middle one, or so many from first to last."""
    count = min(times, most)
    return [1 + round(n * (times - 1) / max(1, count - 1)) for n in range(count)] or [(times + 1) // 2]


def test_any_function_may_fail(machine: Callable[..., Any], breaker: Breaker, told: list) -> None:
    """Each in the first way that comes through it, in the middle of the run, where there is something to lose.

    `python -m bench.faults` breaks every single call in every way.
    """
    most = int(os.environ.get("ADACACHE_BREAK_CALLS", 0))
    broken: set[Place] = set()
    wrong, tried = [], 0
    for way, given in WAYS.items():
        made = machine(**given)
        with breaker.hearing() as calls:
            made.sample()
        assert len(calls) > 50
        for place in calls if most else calls.keys() - broken:
            for nth in spread(calls[place], most):
                tried += 1
                try:
                    survives(made, breaker, place, nth, told)
                except Exception as error:
                    wrong.append(f"{way}: {place}, call {nth}: {type(error).__name__}: {error}"[:400])
        broken |= calls.keys()
        assert torch.equal(made.sample(), made.cached)
        told.clear()
        made.check_freed()
        print(f"{way}: {tried} failures of {len(broken)} functions so far, {len(wrong)} wrong", flush=True)
    assert not wrong, "\n".join(wrong)
