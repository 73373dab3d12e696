"""The extrapolation of an answer: exact where it changes evenly, held where nothing says that a trend lasts."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from adacache import LockedPlan, Run, Settings
from adacache.sampling.cache import Parts, Stream
from adacache.sampling.extrapolation import advance, faded
from adacache.trace.record import Record


def outputs(
    series: Callable[[float], Parts], computed: tuple[int, ...], steps: int = 10, forecast: bool = True
) -> tuple[list[Parts], list[Record]]:
    """What a run over answers `series(sigma)` gives, and its records."""
    out = []
    settings = Settings(forecast=forecast, reuses="answer", locked=LockedPlan(steps, computed))
    with Run(settings, steps) as run:
        for step in range(steps):
            sigma = 1 - step / steps
            answer = series(sigma)
            with run.evaluation(sigma) as evaluation:
                call = evaluation.answer([""], [answer])
                if call.compute:
                    call.keep([tuple(part.clone() for part in answer)], forecast)
                    out.append(answer)
                else:
                    out += call.reuse()
    return out, run.trace.records


def full(value: float) -> Parts:
    return (torch.full((2, 3, 4), value),)


def test_a_linear_series() -> None:
    """The trend of an answer that is linear in sigma goes on whole at first, and fades with the steps since then."""
    torch.manual_seed(1)
    level, slope = torch.randn(2, 2, 30, 40).unbind()
    computed = (1, 2, 4, 8)
    out, records = outputs(lambda sigma: (level + sigma * slope,), computed, 60)
    for step in (5, 6, 7, 9, 12, 20, 59):
        last = max(number for number in computed if number <= step + 1)
        moved = (step + 1 - last) * math.exp(-(((step + 1 - last) / 10) ** 2))
        torch.testing.assert_close(out[step][0], level + (1 - (last - 1 + moved) / 60) * slope, atol=1e-5, rtol=1e-5)
    assert records[3].gain == pytest.approx(1, abs=1e-4)
    off = 4 * (1 - faded(4 / 60)) / 60 * slope.norm() / (level + (1 - 7 / 60) * slope).norm()
    assert records[7].error == pytest.approx(float(off), rel=1e-3)


def test_no_more_than_three_answers_are_alive() -> None:
    """The new trend lies where the old answer did."""
    old, new = full(1.0), full(3.0)
    stream, _ = advance(Stream(old, trend=full(0.5), sigma=1.0, span=-0.1), new, 0.9)
    assert stream.value is new and stream.trend is not None and stream.probe is None
    assert stream.trend[0].data_ptr() == old[0].data_ptr() and stream.trend[0].unique().item() == 2.0


def test_held_where_a_trend_turns() -> None:
    """The gain of a trend that does not go on is 0: the answer is held."""
    values = iter([0.0, 1.0, 0.0, *[9.0] * 7])
    out, records = outputs(lambda sigma: full(next(values)), (1, 2, 3))
    assert records[2].gain == 0
    assert all(torch.equal(one, full(0.0)[0]) for (one,) in out[3:])


def test_video_and_sound_have_a_gain_each() -> None:
    """A part whose trend goes on is carried on beside one whose trend turns."""
    turning = iter([0.0, 1.0, 0.0, *[9.0] * 7])

    def series(sigma: float) -> tuple[Tensor, Tensor]:
        return torch.full((1, 4, 3, 2, 2), sigma), torch.full((1, 5), next(turning))

    out, records = outputs(series, (1, 2, 3))
    assert records[2].gain == pytest.approx(0.5)
    video, sound = out[3]
    torch.testing.assert_close(video, torch.full_like(video, 0.8 - 0.1 * faded(0.1)))
    assert torch.equal(sound, torch.zeros(1, 5))


def test_held_where_it_was_not_asked_for() -> None:
    """Without the setting nothing is extrapolated, measured or kept."""
    out, records = outputs(lambda sigma: full(sigma), (1, 2, 3), forecast=False)
    assert all(torch.equal(one, out[2][0]) for (one,) in out[3:])
    assert all(record.error is None and record.gain is None for record in records)
