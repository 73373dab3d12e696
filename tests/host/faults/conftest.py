"""What the tests of faults share: small networks, and what must hold after a sampling, however it went."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from types import ModuleType
from typing import Any

import comfy.cli_args
import pytest
import torch
from members import MEMBERS, wan
from test_families import Rig

SHALLOW = {"Wan t2v": wan("Wan", num_layers=2)}
"""Sampled hundreds of times."""


class Machine:
    """A small network with our patch on it, and what is checked after each of its runs."""

    def __init__(self, rig: Rig, patched: Any, kept: Any, key: str, **widgets: Any) -> None:
        self.rig, self.patched, self._kept, self._key, self.widgets = rig, patched, kept, key, widgets
        self.plain = self.sample(rig.model)
        self.cached = self.sample(patched.model)
        self._network = snapshot(self.network)
        self._tensors = 0

    def begin(self) -> None:
        """A test begins: what is alive now may stay."""
        self._tensors = self._alive()

    @property
    def network(self) -> torch.nn.Module:
        return self.rig.model.model.diffusion_model

    def sample(self, model: Any = None) -> torch.Tensor:
        return self.rig.sample(model or self.patched.model, **self.widgets)

    def run(self) -> Any:
        """The trace of the last run."""
        return self.patched.runs()[-1]

    def check_clean(self) -> None:
        """Whatever a run went through: the network is as it was, and every run has its end."""
        assert snapshot(self.network) == self._network
        assert not [one for one in self._kept._kept.values() if not one.text]
        options = self.patched.model.model_options.get("transformer_options", {})
        assert self._key not in options
        assert not getattr(comfy.cli_args.args, "disable_comfy_compiler", False)

    def check_freed(self) -> None:
        """No tensor is left of runs that ended since `begin`, in whatever way."""
        assert self._alive() == self._tensors

    def _alive(self) -> int:
        gc.collect()
        return sum(type(one) is torch.Tensor for one in gc.get_objects())


def snapshot(network: torch.nn.Module) -> list[tuple]:
    """What hooks and replaced attributes would show in."""
    return [
        (name, sorted(module.__dict__), len(module._forward_hooks), len(module._forward_pre_hooks))
        for name, module in network.named_modules()
    ]


@pytest.fixture
def told() -> Any:
    """What the pack logs as an error. Nobody else is told: a record holds its error's frames, and their tensors."""
    log, records = logging.getLogger("adacache"), []

    def keep(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            records.append(record)
        return False

    log.addFilter(keep)
    yield records
    log.removeFilter(keep)


@pytest.fixture(scope="module")
def machine(call: Callable[..., tuple], patch: Callable[..., Any], pack_module: Callable[[str], ModuleType]) -> Any:
    """machine("Wan t2v", preset="balanced", sampler_name="euler", ...): the same one for the same words."""
    made: dict[str, Machine] = {}

    def make(member: str, moreg: dict | None = None, preset: str = "balanced", **widgets: Any) -> Machine:
        key = repr((member, moreg, preset, widgets))
        if key not in made:
            rig = Rig((MEMBERS | SHALLOW)[member], call, patch)
            patched = patch(rig.model, preset=preset, moreg=moreg)
            kept, guard = pack_module("nodes.server.run_store"), pack_module("nodes.host.guard")
            made[key] = Machine(rig, patched, kept.RUNS, guard.KEY, **widgets)
        made[key].begin()
        return made[key]

    return make
