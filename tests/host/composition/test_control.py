"""ControlNets: what they add between blocks is part of R; where one sets in or ends, the step is computed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from comfy.controlnet import ControlBase
from members import MEMBERS, noise
from test_families import Rig

TOKENS = {"HunyuanVideo": 64, "Flux": 16}


class Control(ControlBase):
    """Adds the same after every block."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.added = noise(1, tokens, width, seed=8)

    def get_control(self, x_noisy: Any, t: Any, cond: Any, batched_number: int, transformer_options: Any) -> Any:
        highest, lowest = self.timestep_range
        if not lowest <= float(t[0]) <= highest:
            return None
        return {"input": [self.added] * 2, "output": [self.added]}

    def copy(self) -> Control:
        copied = Control(self.added.shape[1], self.added.shape[2])
        self.copy_to(copied)
        return copied


@pytest.fixture(params=["trunk", "answer"])
def on(request) -> str:
    return request.param


@pytest.fixture(params=TOKENS)
def controlled(request, call, patch, on):
    """A rig whose both prompts have a ControlNet from a start to an end percent."""
    rig = Rig(MEMBERS[request.param], call, patch, on)
    sides = rig.conds()
    width = rig.model.model.diffusion_model.hidden_size

    def apply(start: float, end: float) -> Rig:
        given = {"strength": 1.0, "start_percent": start, "end_percent": end, "image": torch.zeros(1, 64, 64, 3)}
        net = Control(TOKENS[request.param], width)
        positive, negative = call("ControlNetApplyAdvanced", **sides, control_net=net, **given)
        rig.conds = lambda: {"positive": positive, "negative": negative}
        return rig

    rig.control = apply
    return rig


def test_throughout(controlled, composes) -> None:
    plain = controlled.sample(controlled.model)
    rig = controlled.control(0.0, 1.0)
    assert not torch.equal(rig.sample(rig.model), plain)
    assert composes(rig, rig.model).reused == 4


def test_a_control_that_sets_in(controlled, composes) -> None:
    """For each of several places: the first step with the ControlNet, and the first one after it, are computed."""
    sampling = controlled.model.get_model_object("model_sampling")
    for start, end in ((0.3, 0.7), (0.45, 0.8)):
        rig = controlled.control(start, end)
        run = composes(rig, rig.model, steady=False)
        highest, lowest = sampling.percent_to_sigma(start), sampling.percent_to_sigma(end)
        inside = [lowest <= record.sigma <= highest for record in run.records]
        begins = inside.index(True)
        ends = inside.index(False, begins)
        assert run.records[begins].computed and run.records[ends].computed
        assert run.reused > 0
