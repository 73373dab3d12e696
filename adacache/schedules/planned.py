"""Our schedule for a chosen speed: how many steps are computed is promised, where they lie is planned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from .part import Part
from .schedule import FEW_STEPS, FEWEST_STEPS, Decision, Observation, Reason, Schedule, nothing_to_reuse, scaled

# Chosen on the demo's network, at 20 to 50 steps; bench/README.md has the evidence and what was tried.
START = 1 / 6  # added to t, so that weights do not soar at the first step


class Cost(NamedTuple):
    """What an interval weighs: (t + START) ** -early * (1 - t) ** -late, where t, 0 to 1, is how far its middle lies
    through the steps; `Planner` adds its length.

    Attributes:
        piece: the share of the computed steps, from the first, between which none is reused; at least three are.
        fewest: steps of the shortest whole schedule of which any are reused.
    """

    early: float
    late: float
    piece: float = 0.0
    fewest: int = FEWEST_STEPS

    def weights(self, part: Part) -> list[float]:
        """As `Planner` takes them."""
        ends = range(2 * part.before, 2 * (part.before + part.steps) - 1)
        middles = [end / (2 * part.whole) for end in ends]
        return [(t + START) ** -self.early * (1 - t) ** -self.late for t in middles]

    def computed(self, steps: int, share: float) -> int:
        """How many of a whole schedule's steps are computed, where about that share is to be.

        The steps of a schedule below `FEWEST_STEPS`, a distilled model's, differ so much from one another that half as
        many are reused, a quarter of them at most.
        """
        if steps >= FEWEST_STEPS:
            return round(share * steps)
        return steps - min(steps // 4, int((1 - share) * steps / 2)) if steps >= self.fewest else steps

    def shortest(self, share: float) -> int:
        """The steps of the shortest whole schedule of which any are reused at that share."""
        return next((n for n in range(self.fewest, FEWEST_STEPS) if self.computed(n, share) < n), FEWEST_STEPS)

    def first(self, computed: int) -> int:
        """How many of the first steps are computed in one piece, of so many in all."""
        return max(3, int(self.piece * computed))

    def plan(self, steps: int, computed: int) -> list[int]:
        """So many computed steps, counted from 0, where the worst interval costs least."""
        first = self.first(computed)
        return [*range(first), *Planner(self.weights(Part.all(steps))).placed(first - 1, computed - first)]

    def computed_in(self, part: Part, computed: int) -> int:
        """How many steps of a part are computed, where so many of the whole are.

        So many that the part's worst interval costs about what the whole's does: the nearest to it as a ratio, where
        one that reuses nothing counts as half.
        """
        if part.steps == part.whole:
            return computed
        first = self.first(computed)
        allowed = Planner(self.weights(Part.all(part.whole))).least(first - 1, max(1, computed - first))
        begun = min(part.steps, max(1, first - part.before))
        if begun == part.steps:
            return begun
        planner = Planner(self.weights(part))
        intervals = len(planner.within(allowed, begun - 1) or ())
        worst, with_fewer = (planner.least(begun - 1, count) for count in (intervals, intervals - 1))
        return begun + intervals - (max(worst, allowed / 2) * with_fewer <= allowed**2)


# Chosen on the demo's network as well.
CORRECTED = Cost(early=3.7, late=1.5, fewest=5)
"""Where what an interval got wrong is corrected at its end; see `sampling/deferred_correction.py`."""
CORRECTED_LATER = CORRECTED._replace(piece=0.5)
"""For samplers that sum denoised latents of several steps (UniPC, DPM++ 2M): a reused step between the first ones is an
unevenness that they carry on."""
UNCORRECTED = Cost(early=5.0, late=1.3)
"""Where nothing is corrected, the first intervals weigh more."""


class Planner:
    """Places computed steps so that the worst interval between two of them costs least.

    An interval costs its weight times (length ** 2 - 1): the error of a line drawn through both of its ends grows with
    the square of its length, and nothing is reused in one of length 1. That the worst interval should decide, and not
    the sum, is what LeMiCa found too (arXiv 2511.00090).

    Args:
        weights: of an interval, by the sum of its two ends, steps counted from 0; so there are 2 * steps - 1.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self.weights = weights
        self.last = len(weights) // 2

    def cost(self, start: int, end: int) -> float:
        """Of the interval between two computed steps, counted from 0."""
        return self.weights[start + end] * ((end - start) ** 2 - 1)

    def placed(self, start: int, count: int) -> list[int]:
        """So many steps after `start`, counted from 0 and ending with the last, whose worst interval is least."""
        best = self.within(self.least(start, count), start) or [self.last]
        while len(best) < count and len(best) < self.last - start:
            # The tolerance leaves steps over where several intervals reach it at once: they halve the worst ones.
            begin, end = max(zip([start, *best], best, strict=False), key=lambda ends: self.cost(*ends))
            best = sorted([*best, (begin + end) // 2])
        return best

    def least(self, start: int, count: int) -> float:
        """The cost of the worst interval, where so many steps after `start` are computed."""
        low, high = 0.0, max(self.weights) * self.last**2
        for _ in range(60):  # halvings; far finer than two intervals differ
            tolerance = (low + high) / 2
            low, high = (tolerance, high) if self.within(tolerance, start, count) is None else (low, tolerance)
        return high

    def within(self, tolerance: float, start: int, most: int | None = None) -> list[int] | None:
        """The longest intervals within a tolerance, one after the other; None where they are more than `most`."""
        plan = []
        while start < self.last:
            end = start + 1
            while end < self.last and self.cost(start, end + 1) <= tolerance:
                end += 1
            plan.append(end)
            start = end
            if most is not None and len(plan) > most:
                return None
        return plan


class PacedSchedule(Schedule):
    """Computes a share of the steps, placed so that the worst interval between two computed steps costs least.

    Intervals weigh most near the start, because an error in a latent at noise level sigma is one of 1 / (1 - sigma)
    times its size in the video and the direction of sampling bends most there, and near the end, where it bends again.
    The first three steps and the last are always computed. The share is of the sampler's own steps, so a preset means
    the same at 20, 30 or 100 of them. docs/METHOD.md compares it with others that plan a budget.

    A run that goes through a part of a whole schedule is planned as that part of it, at the whole's tolerance: near the
    start more than the share is computed, later less. The part's own first and last step are always computed.

    Nothing of the video moves the plan: what motion and the forecast's errors tell of the steps that a video needs
    differs from network to network, and bench/README.md has what it would be worth to know.

    Args:
        steps: the sampler's step count.
        share: computed steps over all steps, 0 to 1.
        sensitivity: factor on the computed steps after the first ones.
        max_reuses: reused steps in a row, at most; 0 for no cap.
        cost: of an interval, by whether its error is corrected at its end.
        part: what the steps are of a whole schedule, to which the share refers; None: all of it.
    """

    def __init__(
        self,
        steps: int,
        share: float,
        sensitivity: float = 1.0,
        max_reuses: int = 0,
        cost: Cost = UNCORRECTED,
        part: Part | None = None,
    ) -> None:
        super().__init__(None, sensitivity)
        self.steps = steps
        self.max_reuses = max_reuses
        part = part or Part.all(steps)
        computed = cost.computed(part.whole, share)
        self.first = min(steps, max(1, cost.first(computed) - part.before))
        count = cost.computed_in(part, computed)
        self.left = max(0.0, (count - self.first) * sensitivity)
        if part.whole < (shortest := cost.shortest(share)):
            self.idle = nothing_to_reuse(part.whole, shortest)
        elif count >= steps < part.whole:
            self.idle = nothing_to_reuse(steps, max(steps, self.first + 1) + 1)
        elif part.whole < FEWEST_STEPS:
            self.caution = FEW_STEPS
        self._planner = Planner(cost.weights(part))
        self._plan: list[int] = []

    def decide(self, forced: Reason | None = None) -> Decision:
        """See `Schedule.decide`."""
        self.step += 1
        if self.step == 1:
            return Decision(True, Reason.FIRST)
        if forced or self.step >= self.previous + self.rate:
            return Decision(True, forced or Reason.SCHEDULED)
        return Decision(False, Reason.REUSED)

    def observe(self, change: float | None, score: float | None = None) -> Observation | None:
        """Plan from the step just computed; see `Schedule.observe`."""
        passed, self.previous = self.step - self.previous, self.step
        self.rate = self._next() - self.step
        if self.max_reuses:
            self.rate = min(self.rate, self.max_reuses + 1)
        if change is None:
            return None
        if not math.isfinite(change):
            self.rate = 1
        return Observation(change / passed, scaled(change / passed, None, self.sensitivity), None, self.rate)

    def _next(self) -> int:
        """The step to compute after this one, 1-based."""
        if self.step < self.first or self.step >= self.steps:
            return self.step + 1
        here = self.step - 1
        self._plan = self._plan[1:] if self._plan[:1] == [here] else []
        if not self._plan:
            self._plan = self._planner.placed(here, max(1, round(self.left)))
        self.left -= 1
        return self._plan[0] + 1
