"""The time that there is, and what fits into it."""

from __future__ import annotations

import time
from collections.abc import Callable

SPARE = 5.0  # seconds for making a network and freeing it


class Budget:
    """Seconds until an end.

    Args:
        end: as the clock counts.
    """

    def __init__(self, end: float, clock: Callable[[], float] = time.time) -> None:
        self._end, self._clock = end, clock
        self._rate: float | None = None

    def learn(self, operations: float, seconds: float) -> None:
        """How long the last step took, and how much work it was: what others will take is estimated by it."""
        self._rate = operations / seconds

    def case(self, operations: float, steps: int) -> float:
        """Estimated seconds of a network, of which so many steps are computed at least; before any, of none."""
        return SPARE + (steps * operations / self._rate if self._rate else 0.0)

    def refusal(self, seconds: float) -> str:
        """Why something that takes so long is left out, or ""."""
        left = max(0.0, self._end - self._clock())
        return "" if seconds <= left else f"it would take {seconds:.0f} s, and {left:.0f} s are left"
