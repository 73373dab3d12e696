"""The forecast of a residual: exact where it changes evenly, held where nothing says that a trend lasts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from adacache import LockedPlan, Run, Settings, run_blocks


class Adds(nn.Module):
    """Adds what it was last given."""

    value: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.value


def outputs(series, computed, steps=10, forecast=True, dtype=torch.float32):
    """What a run over residuals `series(sigma)` puts out, and its records; the hidden state is zero."""
    block, out = Adds(), []
    settings = Settings(forecast=forecast, locked=LockedPlan(steps, computed))
    with Run(settings, steps) as run:
        for step in range(steps):
            sigma = 1 - step / steps
            block.value = series(sigma).to(dtype)
            with run.evaluation(sigma) as evaluation:
                out.append(run_blocks(evaluation, [block], torch.zeros(2, 3, 4, dtype=dtype)))
    return out, run.trace.records


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_exact_on_a_linear_series(dtype) -> None:
    """A residual that is linear in sigma is forecast exactly, however long the intervals."""
    torch.manual_seed(1)
    level, slope = torch.randn(2, 2, 3, 4, dtype=dtype).unbind()
    out, records = outputs(lambda sigma: level + sigma * slope, (1, 2, 4, 8), dtype=dtype)
    for step in range(3, 10):
        torch.testing.assert_close(out[step], level + (1 - step / 10) * slope, atol=1e-5, rtol=1e-5)
    assert records[3].gain == pytest.approx(1, abs=1e-5) and records[7].error == pytest.approx(0, abs=1e-3)


def test_held_as_published_where_a_trend_turns() -> None:
    """The gain of a trend that does not go on is 0: the residual is held."""
    values = iter([0.0, 1.0, 0.0, *[9.0] * 7])
    out, records = outputs(lambda sigma: torch.full((2, 3, 4), next(values)), (1, 2, 3))
    assert records[2].gain == 0
    assert all(torch.equal(one, torch.zeros(2, 3, 4)) for one in out[3:])


def test_published_reuse_has_no_forecast() -> None:
    """Without the setting nothing is forecast, measured or kept."""
    out, records = outputs(lambda sigma: torch.full((2, 3, 4), sigma), (1, 2, 3), forecast=False)
    assert all(torch.equal(one, out[2]) for one in out[3:])
    assert all(record.error is None and record.gain is None for record in records)
