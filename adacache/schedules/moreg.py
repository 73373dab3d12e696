"""Motion regularisation (MoReg): from a motion score to a factor on the distance."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

# The published step windows: (steps, first, last).
PUBLISHED_WINDOWS = ((30, 4, 26), (100, 10, 90))

# More strides take more time in every computed step, and tell no more.
MOST_STRIDES = 8
LONGEST_STRIDE = 1000
STRIDES_ALLOWED = f"allowed: 1 to {MOST_STRIDES} whole numbers from 1 to {LONGEST_STRIDE}, such as 1 2"


@dataclass(frozen=True)
class MoRegSettings:
    """How motion changes the distance; the defaults are those of the published code.

    Attributes:
        strides: frame steps over which frames are compared, in latent frames; the scores are averaged.
        norm: the motion score that counts as neutral; 0.385 suits Open-Sora, other models need their own median.
        power: how steeply the factor follows the score.
        divisor: divides the factor (the published code uses 1, though its configuration suggests 1.2).
        gradient_weight: weight of the change of motion between computed steps.
        first_step, last_step: 1-based steps, inclusive, in which the score is used; None for the published window
            of the nearest step count, scaled.
    """

    strides: tuple[int, ...] = (1,)
    norm: float = 0.385
    power: float = 8.0
    divisor: float = 1.0
    gradient_weight: float = 10.0
    first_step: int | None = None
    last_step: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.strides) <= MOST_STRIDES or not all(1 <= one <= LONGEST_STRIDE for one in self.strides):
            numbers = " ".join(map(str, self.strides[: MOST_STRIDES + 1]))
            raise ValueError(f'strides: "{numbers}"; {STRIDES_ALLOWED}')
        # The upper ends keep the power within what a float can hold.
        for name, low, high in (("norm", 1e-3, 1e3), ("power", 0.01, 64.0), ("divisor", 1e-3, 1e3)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: {value} is not a number from {low:g} to {high:g}")
        if not (math.isfinite(self.gradient_weight) and self.gradient_weight >= 0):
            raise ValueError(f"gradient_weight: {self.gradient_weight} is not a number from 0")
        first, last = self.first_step, self.last_step
        if (first is not None and first < 0) or (last is not None and last < (first or 0)):
            raise ValueError(f"first_step and last_step: {first} and {last}; needed: 0 <= first <= last")

    def window(self, steps: int) -> tuple[int, int]:
        """First and last step, 1-based and inclusive, in which motion counts in a run of `steps`."""
        made, first, last = min(PUBLISHED_WINDOWS, key=lambda w: abs(math.log(w[0] / steps)))
        return (
            self.first_step if self.first_step is not None else max(1, round(first * steps / made)),
            self.last_step if self.last_step is not None else round(last * steps / made),
        )


def usual_score(scores: Mapping[int, float], steps: int) -> float | None:
    """A run's motion score to set the norm by: the median over the steps in which motion counts.

    Steps without a score lie on the line between their neighbours, so that it does not matter which were computed.

    Args:
        scores: by step, 1-based.
    """
    known = sorted(scores)

    def at(step: int) -> float:
        place = bisect_left(known, step)
        if place in (0, len(known)) or known[place] == step:
            return scores[known[min(place, len(known) - 1)]]
        before, after = known[place - 1], known[place]
        return scores[before] + (scores[after] - scores[before]) * (step - before) / (after - before)

    first, last = MoRegSettings().window(steps)
    return median(map(at, range(first, last + 1))) if known else None


@dataclass(frozen=True)
class Motion:
    """What MoReg made of one computed step.

    Attributes:
        motion: `(score / norm) ** power / divisor`, or 1 outside the step window (eq. 7, as published in code).
        gradient: weighted change of `motion` per planned step (eq. 8).
        factor: `motion + |gradient|`, the factor on the distance (eq. 9; the code takes the absolute value).
    """

    motion: float
    gradient: float
    factor: float


class MoReg:
    """The state of MoReg in one run.

    It starts at a neutral motion of 1 in every run. The published code never resets it, so there a video can
    inherit the motion of the one before it when a run was cancelled or its window reached the last step.
    """

    def __init__(self, settings: MoRegSettings, steps: int) -> None:
        self.settings = settings
        self.first, self.last = settings.window(steps)
        self.previous = 1.0

    def regularise(self, step: int, score: float, rate: int) -> Motion:
        """Fold the motion score of a computed step, `rate` being the rate in force when it ran."""
        s = self.settings
        motion = (score / s.norm) ** s.power / s.divisor if self.first <= step <= self.last else 1.0
        gradient = s.gradient_weight * (motion - self.previous) / rate
        if math.isfinite(motion):
            self.previous = motion
        return Motion(motion, gradient, motion + abs(gradient))
