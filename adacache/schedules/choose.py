"""Which schedule a run follows, from what the user chose."""

from __future__ import annotations

from ..settings import Settings
from .codebook import nearest_codebook
from .explicit import LockedSchedule
from .moreg import MoReg
from .part import Part
from .planned import UNCORRECTED, Cost, PacedSchedule
from .published import PublishedSchedule
from .schedule import Schedule


def schedule_for(settings: Settings, steps: int, cost: Cost = UNCORRECTED, part: Part | None = None) -> Schedule:
    """The schedule of one run.

    Args:
        steps: the sampler's step count.
        cost: of intervals, for planned steps.
        part: of a whole schedule, for planned steps.
    """
    s = settings
    moreg = MoReg(s.moreg, steps) if s.moreg else None
    if s.locked and s.mode == "cache":
        return LockedSchedule(s.locked, moreg, s.sensitivity)
    if s.share is not None:
        return PacedSchedule(steps, s.share, s.protect, moreg, s.sensitivity, s.max_reuses, cost, part)
    return PublishedSchedule(steps, nearest_codebook(s.codebooks, steps), moreg, s.sensitivity, s.max_reuses)
