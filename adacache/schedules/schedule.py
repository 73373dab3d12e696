"""Schedules, as machines of numbers: distances in, compute or reuse and the reason out."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ..settings import Codebook
from .explicit import LockedPlan
from .moreg import MoReg, Motion


class Reason(str, Enum):
    """Why an evaluation was computed or reused. The values are what traces store."""

    FIRST = "first"
    LAST = "last"
    SCHEDULED = "scheduled"
    LOCKED = "locked"
    REUSED = "reused"
    OUTSIDE = "outside"
    MEASURING = "measuring"
    RESTARTED = "restarted"
    MISSING = "missing"
    REFUSED = "refused"

    @property
    def words(self) -> str:
        """The reason as a person reads it."""
        return _WORDS[self]


_WORDS = {
    Reason.FIRST: "computed: the first step has nothing to reuse",
    Reason.LAST: "computed: the last two steps always are",
    Reason.SCHEDULED: "computed: the schedule planned it",
    Reason.LOCKED: "computed: the locked schedule says so",
    Reason.REUSED: "reused the cached residual",
    Reason.OUTSIDE: "computed: outside the start and end percent",
    Reason.MEASURING: "computed: measuring only",
    Reason.RESTARTED: "computed: the noise level went up again",
    Reason.MISSING: "computed: an input had no cached residual yet",
    Reason.REFUSED: "computed: this run cannot be cached",
}


class Decision(NamedTuple):
    compute: bool
    reason: Reason


class Observation(NamedTuple):
    """What the schedule made of one measured step.

    Attributes:
        distance: relative change of the probe per planned step (eq. 4), before motion and sensitivity.
        looked_up: the value looked up in the codebook; what it would have been where the schedule is locked.
        motion: what MoReg made of it, or None.
        rate: steps until the next planned computation.
    """

    distance: float
    looked_up: float
    motion: Motion | None
    rate: int


def scaled(distance: float, motion: Motion | None, sensitivity: float) -> float:
    """The value looked up in the codebook: the distance times what motion and sensitivity make of it (eq. 9)."""
    return distance * (motion.factor if motion else 1.0) * sensitivity


class Schedule:
    """What every schedule counts, and what it makes of motion.

    Attributes:
        step: the step that runs, from 1; 0 before the first.
        previous: the last computed step.
        rate: steps from there to the next planned one.
    """

    def __init__(self, moreg: MoReg | None, sensitivity: float) -> None:
        self.moreg = moreg
        self.sensitivity = sensitivity
        self.step = 0
        self.rate = 1
        self.previous = 0

    def decide(self, forced: Reason | None = None) -> Decision:
        """Advance to the next step and say whether to compute it; `forced` computes it in any case."""
        raise NotImplementedError

    def observe(self, change: float | None, score: float | None = None) -> Observation | None:
        """Fold the measure of the step just computed.

        Args:
            change: relative change of the probe since the last computed step; None where there was no earlier one.
            score: motion score of the new probe, or None.
        """
        raise NotImplementedError

    def _motion(self, score: float | None, rate: int) -> Motion | None:
        return self.moreg.regularise(self.step, score, rate) if self.moreg and score is not None else None


class PublishedSchedule(Schedule):
    """AdaCache's schedule as its published code runs it, quirks included.

    Steps count from 1. The first, the second and the last two are always computed; otherwise the next computed
    step is the previous one plus the rate in force. A distance is divided by the rate *in force*, which at the
    forced last steps need not be the number of steps that passed. A new rate takes effect once, after the step.

    What the paper has not: `sensitivity` multiplies the distance, `max_reuses` caps the rate, a codebook may protect
    the first steps, and a caller may force a step for a reason of its own; a forced step cuts the interval short, so
    the rate in force is then what passed.
    """

    def __init__(
        self, steps: int, codebook: Codebook, moreg: MoReg | None = None, sensitivity: float = 1.0, max_reuses: int = 0
    ) -> None:
        super().__init__(moreg, sensitivity)
        self.steps = steps
        self.codebook = codebook
        self.protected = round(codebook.protect * steps)
        self.max_reuses = max_reuses

    def decide(self, forced: Reason | None = None) -> Decision:
        """See `Schedule.decide`."""
        self.step += 1
        scheduled = self.step == self.previous + self.rate
        if self.step <= self.protected:
            forced = forced or Reason.SCHEDULED
        if forced:
            self.rate = self.step - self.previous
        if self.step == 1:
            return Decision(True, Reason.FIRST)
        if self.step >= self.steps - 1:
            return Decision(True, Reason.LAST)
        if forced or scheduled:
            return Decision(True, forced or Reason.SCHEDULED)
        return Decision(False, Reason.REUSED)

    def observe(self, change: float | None, score: float | None = None) -> Observation | None:
        """See `Schedule.observe`."""
        in_force, self.previous, self.rate = self.rate, self.step, 1
        if change is None:
            return None
        distance = change / in_force
        motion = self._motion(score, in_force)
        looked_up = scaled(distance, motion, self.sensitivity)
        self.rate = self.codebook.rate(looked_up)
        if self.max_reuses:
            self.rate = min(self.rate, self.max_reuses + 1)
        return Observation(distance, looked_up, motion, self.rate)


class LockedSchedule(Schedule):
    """A schedule chosen beforehand. It decides by its plan alone, and measures only for people to see.

    A caller may force a step that the plan reuses; the next distance is then taken from there.
    """

    def __init__(self, plan: LockedPlan, moreg: MoReg | None = None, sensitivity: float = 1.0) -> None:
        super().__init__(moreg, sensitivity)
        self.plan = plan
        self._computed = frozenset(plan.computed)

    def decide(self, forced: Reason | None = None) -> Decision:
        """See `Schedule.decide`."""
        self.step += 1
        if forced or self.step in self._computed:
            return Decision(True, forced or Reason.LOCKED)
        return Decision(False, Reason.REUSED)

    def observe(self, change: float | None, score: float | None = None) -> Observation | None:
        """Record the measure of the step just computed; see `Schedule.observe`."""
        passed, self.previous = self.step - self.previous, self.step
        following = (step for step in self.plan.computed if step > self.step)
        self.rate = next(following, self.plan.steps + 1) - self.step
        if change is None:
            return None
        distance = change / passed
        motion = self._motion(score, passed)
        return Observation(distance, scaled(distance, motion, self.sensitivity), motion, self.rate)
