"""The published rule on a measured run: what a codebook would do, without the model.

A measured run has the change of the probe from each step to the next. A cached run sees the change between two computed
steps, which is less than the sum, since the probe does not move in a straight line; how much less follows from the
changes since an older probe (`Record.far`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from ..schedules.codebook import Codebook
from ..schedules.moreg import MoReg, MoRegSettings, usual_score
from ..schedules.published import PublishedSchedule
from ..trace.trace import ANSWER, DENOISED, Trace
from .result import CalibrationError


@dataclass(frozen=True)
class Measured:
    """A run in which every step was computed, as numbers.

    Attributes:
        changes: relative change of the probe from step n to n + 1, for n from 1; one less than steps.
        scores: motion score by step, from step 1; None where it has none.
        curvature: the change over k steps is the sum of their changes, times k ** -curvature; 0 for a straight line.
    """

    changes: tuple[float, ...]
    scores: tuple[float | None, ...]
    curvature: float

    @property
    def steps(self) -> int:
        return len(self.scores)

    @property
    def score(self) -> float | None:
        """The run's motion score, None where there is none."""
        return usual_score({step: s for step, s in enumerate(self.scores, 1) if s is not None}, self.steps)

    def change(self, earlier: int, later: int) -> float:
        """Relative change of the probe from one step, 1-based, to a later one."""
        return sum(self.changes[earlier - 1 : later - 1]) * (later - earlier) ** -self.curvature


class Simulated(NamedTuple):
    """What the rule would do: how many steps it computes, and the largest change over an interval with reused steps."""

    computed: int
    largest: float


def measured(trace: Trace) -> Measured:
    """The numbers of a measured run.

    Raises:
        CalibrationError: says why the run cannot be calibrated from.
    """
    if trace.end != "done":
        raise CalibrationError(f"the run was {trace.end or 'not finished'}")
    if trace.settings.get("mode") != "measure" or trace.reused:
        raise CalibrationError(
            f'the run was made with the preset "{trace.settings.get("preset")}"; allowed: "measure only"'
        )
    if trace.note:
        raise CalibrationError(f"the run could not have been cached: {trace.note}")
    if trace.probe not in (ANSWER, DENOISED):
        raise CalibrationError(
            f"the run was measured on {trace.probe or 'nothing'}, and calibrations are of {ANSWER}, which runs of this "
            "version measure: queue it again"
        )
    # Of several evaluations of a step, the first measures.
    first = {record.step: record for record in reversed(trace.records)}
    if len(first) != trace.steps or set(first) != set(range(1, len(first) + 1)) or len(first) < 3:
        raise CalibrationError(f"the run has records of {len(first)} of {trace.steps} steps; allowed: all of them")
    records = [first[step] for step in range(1, trace.steps + 1)]
    changes = [math.nan if record.distance is None else record.distance for record in records[1:]]
    lacking = [step for step, change in enumerate(changes, 2) if not 0 <= change < math.inf]
    if lacking:
        raise CalibrationError(f"the change was not measured at step {lacking[0]}")
    scores = tuple(r.score if r.score is not None and 0 <= r.score <= 1 else None for r in records)
    curvatures = [
        math.log(between / record.far) / math.log(record.far_steps)
        for record in records
        if record.far and record.far_steps and 1 < record.far_steps < record.step and 0 < record.far < math.inf
        if (between := sum(changes[record.step - 1 - record.far_steps : record.step - 1])) > 0
    ]
    # Beyond 1 a longer interval would change less than a shorter one: noise.
    return Measured(tuple(changes), scores, min(1.0, max(0.0, median(curvatures))) if curvatures else 0.0)


def simulate(run: Measured, codebook: Codebook, moreg: MoRegSettings | None = None, factor: float = 1.0) -> Simulated:
    """The published schedule on a measured run whose changes are `factor` times as large."""
    schedule = PublishedSchedule(run.steps, codebook, MoReg(moreg, run.steps) if moreg else None)
    computed, previous, largest = 0, 0, 0.0
    for step in range(1, run.steps + 1):
        if not schedule.decide().compute:
            continue
        change = run.change(previous, step) * factor if previous else None
        schedule.observe(change, run.scores[step - 1])
        if change is not None and step - previous > 1:
            largest = max(largest, change)
        computed, previous = computed + 1, step
    return Simulated(computed, largest)
