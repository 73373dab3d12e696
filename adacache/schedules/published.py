"""The paper's rule, as its published code runs it (arXiv 2411.02397, eq. 4, 6 and 9)."""

from __future__ import annotations

from .codebook import Codebook
from .moreg import MoReg
from .schedule import FEWEST_STEPS, Decision, Observation, Reason, Schedule, nothing_to_reuse, scaled


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
        if steps < FEWEST_STEPS:
            self.idle = nothing_to_reuse(steps)

    def decide(self, forced: Reason | None = None) -> Decision:
        """See `Schedule.decide`."""
        self.step += 1
        scheduled = self.step >= self.previous + self.rate
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
