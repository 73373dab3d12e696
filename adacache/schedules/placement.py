"""Where a number of computed steps belong, when every interval between two of them has a cost."""

from __future__ import annotations

from collections.abc import Sequence


class Planner:
    """Places computed steps so that the worst interval between two of them costs least.

    An interval costs its weight times (length ** 2 - 1): the error of a line drawn through both of its ends grows with
    the square of its length, and nothing is reused in one of length 1. That the worst interval should decide, and not
    the sum, is what LeMiCa found too (1.8 dB, arXiv 2511.00090).

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
        low, high = 0.0, max(self.weights) * self.last**2
        best = [self.last]
        for _ in range(60):  # halvings; far finer than two intervals differ
            tolerance = (low + high) / 2
            plan = self._within(tolerance, start, count)
            low, high = (low, tolerance) if plan else (tolerance, high)
            best = plan or best
        while len(best) < count and len(best) < self.last - start:
            # The tolerance leaves steps over where several intervals reach it at once: they halve the worst ones.
            begin, end = max(zip([start, *best], best, strict=False), key=lambda ends: self.cost(*ends))
            best = sorted([*best, (begin + end) // 2])
        return best

    def _within(self, tolerance: float, start: int, most: int) -> list[int] | None:
        """The longest intervals within a tolerance, one after the other; None where they are more than `most`."""
        plan = []
        while start < self.last:
            end = start + 1
            while end < self.last and self.cost(start, end + 1) <= tolerance:
                end += 1
            plan.append(end)
            start = end
            if len(plan) > most:
                return None
        return plan
