"""What training is made of; no host needed."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from demo.train import flow, muon, trainer


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 6, 12), (2, 12, 6)])
def test_muons_update_has_singular_values_near_one(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(muon.orthogonal(torch.randn(shape)))
    assert values.shape == (shape[0], min(shape[1:]))
    assert values.min() > 0.3 and values.max() < 1.3


def test_a_run_learns_and_saves_averaged_weights(monkeypatch):
    """By a clock that a step takes four milliseconds of, on however busy a machine."""
    clock = itertools.count()
    monkeypatch.setattr(trainer, "time", SimpleNamespace(monotonic=lambda: next(clock) * 0.004))
    torch.manual_seed(0)
    model, target = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 6)), torch.randn(6, 6)
    saved = []

    def loss_of() -> torch.Tensor:
        x = torch.randn(32, 6)
        return (model(x) - x @ target).square().mean()

    before = loss_of().item()
    run = trainer.Run(model, loss_of, 0.02, matrices=[model[0].weight], wide=[model[2].bias])
    run.train(1.5, saved.append)
    model.load_state_dict(saved[-1])
    assert loss_of().item() < 0.3 * before
    assert saved[-1].keys() == model.state_dict().keys()


def test_flow_asks_for_noise_minus_clean():
    torch.manual_seed(0)
    clean = torch.randn(4, 3, 2, 2)

    def knowing(mix: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        return (mix - clean) / times.view(-1, 1, 1, 1)

    assert flow.loss(knowing, clean) < 1e-9
    assert flow.times(10_000, torch.device("cpu")).mean() > 0.6  # shifted towards noise
    assert flow.kept(10_000, torch.device("cpu")).float().mean() == pytest.approx(0.9, abs=0.02)


def test_an_experts_times_keep_to_its_range():
    torch.manual_seed(0)
    cpu = torch.device("cpu")
    low, high = flow.times(10_000, cpu, (0.0, 0.875)), flow.times(10_000, cpu, (0.875, 1.0))
    assert low.max() <= 0.8751 and low.min() < 0.3 and high.min() >= 0.8749 and high.max() > 0.97
