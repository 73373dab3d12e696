"""What a user chooses, as frozen values that check themselves."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from .errors import SettingsError
from .schedules.codebook import PAPER_FAST, Codebook
from .schedules.explicit import LockedPlan
from .schedules.moreg import MoRegSettings

MODES = ("measure", "cache")
LOCATIONS = ("auto", "model", "system")
REUSES = ("trunk", "answer")


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run.

    Attributes:
        mode: "cache", or "measure": compute every step and record what caching would have looked at.
        codebooks: the codebook, or several for different step counts of which the nearest is used.
        sensitivity: factor on the distance; 1 as published, higher computes more steps.
        moreg: motion regularisation, or None to leave motion out; planned steps leave it out in any case.
        start, end: the part of the sampling that may reuse, 0 to 1 of the host's percent.
        max_reuses: reused steps in a row, at most; 0 for no cap.
        location: where the cache lives: "model" (the model's device), "system" (host memory) or "auto".
        preset: the name that people read.
        locked: the steps to compute, in place of the codebook's decisions; `start`, `end` and `max_reuses`
            then do not count. A measuring run computes every step all the same.
        share: computed steps over all steps, above 0 to 1, planned by `PacedSchedule` instead of the codebook;
            None for the published schedule. `sensitivity` is then a factor on the computed steps.
        forecast: reused steps carry the answer's trend on, see `extrapolation.py`; False holds it, as published.
        reuses: "trunk": the residual of all blocks, as published; "answer": what the network returns.
    """

    mode: str = "cache"
    codebooks: tuple[Codebook, ...] = PAPER_FAST
    sensitivity: float = 1.0
    moreg: MoRegSettings | None = None
    start: float = 0.0
    end: float = 1.0
    max_reuses: int = 0
    location: str = "auto"
    preset: str = "paper fast"
    locked: LockedPlan | None = None
    share: float | None = None
    forecast: bool = False
    reuses: str = "trunk"

    def __post_init__(self) -> None:
        for name, allowed in (("mode", MODES), ("location", LOCATIONS), ("reuses", REUSES)):
            if getattr(self, name) not in allowed:
                raise SettingsError(name, f"{getattr(self, name)!r} is unknown; allowed: {', '.join(allowed)}")
        if not self.codebooks:
            raise SettingsError("codebooks", "at least one is needed")
        if not (math.isfinite(self.sensitivity) and self.sensitivity > 0):
            raise SettingsError("sensitivity", f"{self.sensitivity} is not a number above 0")
        if not 0.0 <= self.start < self.end <= 1.0:
            raise SettingsError(
                "start_percent", f"{self.start}, end_percent: {self.end}; needed: 0 <= start_percent < end_percent <= 1"
            )
        if self.share is not None and not 0.0 < self.share <= 1.0:
            raise SettingsError("share", f"{self.share} is not a number above 0, up to 1")
        if self.max_reuses < 0:
            raise SettingsError("max_reuses", f"{self.max_reuses} is below 0; 0 means no cap")

    def as_json(self) -> dict[str, Any]:
        """The settings as plain values, codebooks as text."""
        return {
            "preset": self.preset,
            "mode": self.mode,
            "codebooks": [{"text": str(c), "steps": c.steps, "protect": c.protect} for c in self.codebooks],
            "sensitivity": self.sensitivity,
            "moreg": {**asdict(self.moreg), "strides": list(self.moreg.strides)} if self.moreg else None,
            "start": self.start,
            "end": self.end,
            "max_reuses": self.max_reuses,
            "place": self.location,
            "locked": str(self.locked) if self.locked and self.mode == "cache" else None,
            "share": self.share,
            "protect": 0.0,  # a key of the trace's first version
            "forecast": self.forecast,
            "reuses": self.reuses,
        }
