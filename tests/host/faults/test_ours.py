"""Every function of ours that a sampling calls is made to fail: the run goes on without us, and says so once."""

from __future__ import annotations

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
    with breaker.breaking(place, nth):
        given = machine.sample()
    run = machine.run()
    assert len(told) <= 1, [record.getMessage() for record in told]
    assert run.end == "done"
    if run.note:
        assert run.note.startswith("caching ") and "on purpose" in run.note and len(told) == 1
    assert torch.isfinite(given).all()
    if not run.saves:
        assert torch.equal(given, machine.plain)
    elif not run.note:
        assert torch.equal(given, machine.cached)
    machine.check_clean()


@pytest.mark.parametrize("way", WAYS)
def test_any_function_may_fail(way: str, machine: Callable[..., Any], breaker: Breaker, told: list) -> None:
    """In the middle of the run, where there is something to lose. `python -m bench.faults` breaks every single call."""
    made = machine(**WAYS[way])
    with breaker.hearing() as calls:
        made.sample()
    assert len(calls) > 50
    wrong = []
    for place, times in calls.items():
        try:
            survives(made, breaker, place, (times + 1) // 2, told)
        except Exception as error:
            wrong.append(f"{place}: {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)
    made.check_freed()
    assert torch.equal(made.sample(), made.cached)
