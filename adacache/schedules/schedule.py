"""What every schedule has: distances in, compute or reuse and the reason out."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

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


# As published, four steps are always computed and a distance needs two, so below this there is nothing to win.
FEWEST_STEPS = 9

FEW_STEPS = 'with so few steps each changes much: look at motion and detail; preset "off" computes them all'
"""The caution where steps of a schedule shorter than that are reused."""


def nothing_to_reuse(steps: int, least: int = FEWEST_STEPS) -> str:
    """Why a run reuses nothing, where the reason is its length."""
    return f"{steps} steps leave nothing to reuse; it takes at least {least}"


class Schedule:
    """What every schedule counts, and what it makes of motion.

    Attributes:
        step: the step that runs, from 1; 0 before the first.
        previous: the last computed step.
        rate: steps from there to the next planned one.
        idle: why it will reuse nothing, as people read it; "" where it will.
        caution: what to look at where it reuses, as people read it.
    """

    def __init__(self, moreg: MoReg | None, sensitivity: float) -> None:
        self.moreg = moreg
        self.sensitivity = sensitivity
        self.step = 0
        self.rate = 1
        self.previous = 0
        self.idle = ""
        self.caution = ""

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
