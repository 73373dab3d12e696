"""The published AdaCache scheduler, restated: the oracle that the engine is compared with.

Written from the published rule (arXiv 2411.02397 and the behaviour of its code), not from our engine, and
independent of it: nothing here imports `adacache`. Sums are float64.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class MotionRule:
    """Published motion regularisation; the step window is 1-based and inclusive."""

    first_step: int
    last_step: int
    strides: tuple[int, ...] = (1,)
    norm: float = 0.385
    power: float = 8.0
    divisor: float = 1.0
    gradient_weight: float = 10.0


@dataclass
class Row:
    """One computed step; `final` is the value that was looked up in the codebook."""

    step: int
    prev_rate: int
    next_rate: int
    distance: float | None = None
    motion: float | None = None
    gradient: float | None = None
    factor: float = 1.0
    final: float | None = None


def l1(x: Tensor) -> float:
    return x.double().abs().sum().item()


def relative_l1(new: Tensor, old: Tensor) -> float:
    """Change against the *old* norm."""
    return l1(new.double() - old.double()) / l1(old)


def frame_score(residual: Tensor, tokens: int, strides: Sequence[int]) -> float:
    """Mean over strides of frame difference over both norms; residual: (rows, frames * tokens, channels)."""
    scores = []
    for stride in strides:
        later, earlier = residual.double()[:, stride * tokens :], residual.double()[:, : -stride * tokens]
        scores.append(l1(later - earlier) / (l1(later) + l1(earlier)))
    return sum(scores) / len(scores)


class ReferenceSchedule:
    """The rule of one model: `begin` a step, `measure` its measuring blocks where it is active, `end` it.

    Every measuring block has its own earlier motion, and keeps it when a video ends, as published.
    """

    def __init__(self, steps: int, codebook: Sequence[tuple[float, int]], motion: MotionRule | None = None) -> None:
        self.steps = steps
        self.codebook = list(codebook)
        self.motion = motion
        self.earlier_motion: dict[Hashable, float] = {}
        self._reset()

    def _reset(self) -> None:
        self.step, self.rate, self.computed_at = 0, 1, 0

    def begin(self) -> bool:
        """Advance one step and say whether it is computed."""
        self.step += 1
        self.next_rate, self.mean, self.count = self.rate, 0.0, 0
        on_schedule = self.step == self.computed_at + self.rate
        self.active = on_schedule or self.step in (1, self.steps - 1, self.steps)
        return self.active

    def measure(self, key: Hashable, old: Tensor, new: Tensor, tokens: int) -> Row:
        """A measuring block's old and new residual, from the second computed step on; the last block wins."""
        self.mean = (relative_l1(new, old) / self.rate + self.count * self.mean) / (self.count + 1)
        self.count += 1
        row = Row(self.step, self.rate, 1, distance=self.mean)
        if self.motion:
            self._regularise(key, row, new, tokens)
        row.final = self.mean * row.factor
        row.next_rate = self.next_rate = self._look_up(row.final)
        return row

    def _regularise(self, key: Hashable, row: Row, new: Tensor, tokens: int) -> None:
        rule = self.motion
        row.motion = 1.0
        if rule.first_step <= self.step <= rule.last_step:
            row.motion = (frame_score(new, tokens, rule.strides) / rule.norm) ** rule.power / rule.divisor
        row.gradient = rule.gradient_weight * (row.motion - self.earlier_motion.get(key, 1.0)) / self.rate
        row.factor = row.motion + abs(row.gradient)
        self.earlier_motion[key] = row.motion

    def _look_up(self, distance: float) -> int:
        *tested, last = self.codebook
        return next((rate for threshold, rate in tested if distance < threshold), last[1])

    def end(self) -> None:
        """The new rate takes effect once, after all blocks; after the last step all but motion is reset."""
        if self.active:
            self.computed_at = self.step
        self.rate = self.next_rate
        if self.step == self.steps:
            self._reset()


def schedule_of(schedule: ReferenceSchedule, residual: Callable[[int], Tensor], tokens: int) -> list[Row]:
    """The computed steps of one video; `residual(step)` is what the measuring block adds at a step."""
    rows, old = [], None
    for step in range(1, schedule.steps + 1):
        if schedule.begin():
            new = residual(step)
            first = Row(step, schedule.rate, schedule.rate)
            rows.append(first if old is None else schedule.measure("block", old, new, tokens))
            old = new
        schedule.end()
    return rows


def golden_trace(
    name: Any, codebook: list[tuple[float, int]], motion: MotionRule | None, residuals: Tensor, frames: int
) -> dict[str, Any]:
    """Residuals (steps, batch, tokens, channels) as a trace in the format of tests/golden/README.md."""
    steps, batch, length, channels = residuals.shape
    tokens = length // frames
    rows = schedule_of(ReferenceSchedule(steps, codebook, motion), lambda step: residuals[step - 1], tokens)
    names = ("step", "prev_rate", "distance", "motion", "next_rate")
    return {
        "id": name,
        "num_steps": steps,
        "codebook": [list(entry) for entry in codebook],
        "batch": batch,
        "frames": frames,
        "tokens_per_frame": tokens,
        "channels": channels,
        "moreg": {**vars(motion), "strides": list(motion.strides)} if motion else None,
        "computed": [{n: getattr(row, n) for n in names} for row in rows],
    }


def drifting(steps: int, seed: int, batch: int = 2, frames: int = 4, tokens: int = 3, channels: int = 4) -> Tensor:
    """Residuals (steps, batch, frames * tokens, channels) whose pace of change and motion wander."""
    torch.manual_seed(seed)
    base = torch.randn(batch, frames * tokens, channels).double()
    pace = torch.rand(steps).double() ** 3 * 10 ** (2 * torch.rand(1).item() - 2)
    moves = torch.randn(steps, *base.shape).double() * pace[:, None, None, None]
    shared = 3 * torch.rand(1).double() * torch.randn(batch, tokens, channels).double().repeat(1, frames, 1)
    return base + shared + moves.cumsum(0)
