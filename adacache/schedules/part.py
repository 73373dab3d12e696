"""Which part of a model's whole schedule a run goes through."""

from __future__ import annotations

from typing import NamedTuple

MOST_STEPS = 1000  # of a whole schedule: a short part of very fine steps is planned as if they were wider


class Part(NamedTuple):
    """So many steps, after the first ones, of a whole schedule.

    A run covers a part where another one went before it or goes on after it (the two experts of a pair, split sigmas),
    or where it starts from a video (denoise below 1, a refining pass).

    Attributes:
        before: steps of the whole that come before.
        steps: the run's own.
        whole: how many steps of this length the whole schedule would have.
    """

    before: int
    steps: int
    whole: int

    @classmethod
    def all(cls, steps: int) -> Part:
        return cls(0, steps, steps)

    @classmethod
    def between(cls, begin: float, end: float, steps: int) -> Part:
        """So many steps from `begin` to `end`, 0 to 1 of the model's schedule; all of it where they do not ascend."""
        if not 0 <= begin < end <= 1:
            return cls.all(steps)
        whole = max(steps, min(MOST_STEPS, round(steps / (end - begin))))
        return cls(min(whole - steps, round(begin * whole)), steps, whole)
