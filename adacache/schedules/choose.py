"""Which schedule a run follows, from what the user chose."""

from __future__ import annotations

from ..settings import Settings
from .codebook import nearest_codebook
from .explicit import LockedSchedule
from .moreg import MoReg
from .part import Part
from .planned import CORRECTED, CORRECTED_LATER, UNCORRECTED, PacedSchedule
from .published import PublishedSchedule
from .schedule import Schedule


def schedule_for(
    settings: Settings, steps: int, corrected: bool, sums_history: bool, part: Part | None = None
) -> Schedule:
    """The schedule of one run.

    Args:
        steps: the sampler's step count.
        corrected: whether what reused steps got wrong is corrected at the next computed one.
        sums_history: whether a correction arrives over several steps; see `Sampler`.
        part: what the steps are of a whole schedule, for planned steps; None: all of it.
    """
    s = settings
    moreg = MoReg(s.moreg, steps) if s.moreg else None
    if s.locked and s.mode == "cache":
        return LockedSchedule(s.locked, moreg, s.sensitivity)
    if s.share is not None:
        cost = (CORRECTED_LATER if sums_history else CORRECTED) if corrected else UNCORRECTED
        return PacedSchedule(steps, s.share, s.sensitivity, s.max_reuses, cost, part)
    return PublishedSchedule(steps, nearest_codebook(s.codebooks, steps), moreg, s.sensitivity, s.max_reuses)
