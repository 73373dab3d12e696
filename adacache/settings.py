"""What a user chooses, as frozen values that check themselves."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from .schedules.explicit import LockedPlan
from .schedules.moreg import MoRegSettings

# The published codebooks for 30 and 100 steps differ by this power of the step ratio: the largest rate doubles
# (6 to 12) while the step count grows by 100 / 30.
RATE_POWER = math.log(2) / math.log(100 / 30)

MODES = ("measure", "cache")
PLACES = ("auto", "model", "system")
REUSES = ("trunk", "answer")


class SettingsError(ValueError):
    """A setting that cannot work.

    Attributes:
        field: the name of the setting.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


@dataclass(frozen=True)
class Codebook:
    """Thresholds on the distance, ascending, each with the cache rate it stands for (arXiv 2411.02397, eq. 5).

    A rate r says that the next computed step is r steps later, so r - 1 steps are reused.

    Attributes:
        entries: `((threshold, rate), ...)`; any number of them, at least one.
        steps: the step count the codebook was made for; None takes it as written at any step count.
        protect: the part of the steps, from the first, that is all computed; a text has none.
    """

    entries: tuple[tuple[float, int], ...]
    steps: int | None = None
    protect: float = 0.0

    def __post_init__(self) -> None:
        if not self.entries:
            raise SettingsError("codebook", "it is empty; at least one threshold:rate is needed, such as 0.08:6")
        for number in range(1, len(self.entries) + 1):
            if problem := _problem(self.entries[:number]):
                raise SettingsError("codebook", f"entry {number}: {problem}")
        if self.steps is not None and self.steps < 1:
            raise SettingsError("codebook", f"made for {self.steps} steps; at least 1 is needed")
        if not 0.0 <= self.protect <= 1.0:
            raise SettingsError("codebook", f"protects {self.protect} of the steps; allowed: 0 to 1")

    @classmethod
    def parse(cls, text: str, steps: int | None = None) -> Codebook:
        """Read one line such as `0.08:6 0.16:5 1.00:1`; commas and line breaks separate as well as spaces.

        Raises:
            SettingsError: names the entry, its position in the text and what is allowed.
        """
        entries: list[tuple[float, int]] = []
        for number, match in enumerate(re.finditer(r"[^\s,;]+", text), 1):
            pair = re.fullmatch(r"([0-9.eE+-]+):([0-9]+)", match.group())
            problem = "expected threshold:rate, a number above 0 and a whole number from 1, such as 0.08:6"
            # Two dots in a number, or more digits than an int may have.
            with suppress(ValueError):
                if pair:
                    entries.append((float(pair[1]), int(pair[2])))
                    problem = _problem(entries)
            if problem:
                where = f'entry {number} at character {match.start() + 1} is "{match.group()}"'
                raise SettingsError("codebook", f"{where}; {problem}")
        return cls(tuple(entries), steps)

    def __str__(self) -> str:
        return " ".join(f"{_number(threshold)}:{rate}" for threshold, rate in self.entries)

    def rate(self, distance: float) -> int:
        """The cache rate for a distance: the first entry whose threshold is strictly above it.

        The last threshold is never tested, as published: what exceeds all the others gets the last rate.
        A distance that is not finite gets 1, so the next step is computed.
        """
        if not math.isfinite(distance):
            return 1
        for threshold, rate in self.entries[:-1]:
            if distance < threshold:
                return rate
        return self.entries[-1][1]

    def for_steps(self, steps: int) -> Codebook:
        """This codebook for another step count.

        Distances are per step, so the thresholds scale with the step's length, by `made / steps`; the rates scale
        by `(steps / made) ** 0.576`, the power that takes the published rate 6 at 30 steps to 12 at 100.
        """
        if self.steps is None or self.steps == steps:
            return self
        length = self.steps / steps
        stretch = (steps / self.steps) ** RATE_POWER
        entries = [(t * length, max(1, math.floor(r * stretch + 0.5))) for t, r in self.entries]
        # Six digits, so that people can read them, unless two thresholds would fall together.
        short = [(float(f"{t:.6g}"), r) for t, r in entries]
        if len({t for t, _ in short}) == len(short):
            entries = short
        return Codebook(tuple(entries), steps, self.protect)


def _problem(entries: Sequence[tuple[float, int]]) -> str:
    """What is wrong with the last of the entries, or ""."""
    threshold, rate = entries[-1]
    if not (math.isfinite(threshold) and threshold > 0):
        return f"the threshold {threshold} is not a number above 0"
    if rate < 1:
        return f"the rate {rate} is below 1 (1 computes every step)"
    if len(entries) > 1 and threshold <= entries[-2][0]:
        return f"the threshold {threshold} does not exceed the one before it; thresholds must ascend"
    return ""


def _number(value: float) -> str:
    """Shortest text that reads back as the same number, with two decimals where they are enough."""
    short = f"{value:.2f}"
    return short if float(short) == value else repr(value)


FAST_30 = Codebook.parse("0.08:6 0.16:5 0.24:4 0.32:3 0.40:2 1.00:1", steps=30)
SLOW_30 = Codebook.parse("0.08:3 0.16:2 0.24:1 0.32:1 0.40:1 1.00:1", steps=30)
FAST_100 = Codebook.parse("0.03:12 0.05:10 0.07:8 0.09:6 0.11:4 1.00:3", steps=100)

PUBLISHED: dict[str, Codebook] = {"fast 30": FAST_30, "slow 30": SLOW_30, "fast 100": FAST_100}
"""The codebooks in the paper's appendix and the published configuration, by name and step count."""

PAPER_FAST = (FAST_30, FAST_100)
PAPER_SLOW = (SLOW_30,)


def nearest_codebook(candidates: Sequence[Codebook], steps: int) -> Codebook:
    """The candidate made for the step count nearest by ratio, scaled to `steps`."""
    return min(candidates, key=lambda c: abs(math.log((c.steps or steps) / steps))).for_steps(steps)


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run.

    Attributes:
        mode: "cache", or "measure": compute every step and record what caching would have looked at.
        codebooks: the codebook, or several for different step counts of which the nearest is used.
        sensitivity: factor on the distance; 1 as published, higher computes more steps.
        moreg: motion regularisation, or None to leave motion out.
        start, end: the part of the sampling that may reuse, 0 to 1 of the host's percent.
        max_reuses: reused steps in a row, at most; 0 for no cap.
        place: where the cache lives: "model" (the model's device), "system" (host memory) or "auto".
        preset: the name that people read.
        locked: the steps to compute, in place of the codebook's decisions; `start`, `end` and `max_reuses`
            then do not count. A measuring run computes every step all the same.
        share: computed steps over all steps, above 0 to 1, planned by `PacedSchedule` in place of the codebook;
            None for the published schedule. `sensitivity` is then a factor on the computed steps.
        protect: with a share, the part of the steps, from the first, that is all computed whatever the plan.
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
    place: str = "auto"
    preset: str = "paper fast"
    locked: LockedPlan | None = None
    share: float | None = None
    protect: float = 0.0
    forecast: bool = False
    reuses: str = "trunk"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise SettingsError("mode", f"{self.mode!r} is unknown; allowed: {', '.join(MODES)}")
        if self.place not in PLACES:
            raise SettingsError("place", f"{self.place!r} is unknown; allowed: {', '.join(PLACES)}")
        if self.reuses not in REUSES:
            raise SettingsError("reuses", f"{self.reuses!r} is unknown; allowed: {', '.join(REUSES)}")
        if not self.codebooks:
            raise SettingsError("codebooks", "at least one is needed")
        if not (math.isfinite(self.sensitivity) and self.sensitivity > 0):
            raise SettingsError("sensitivity", f"{self.sensitivity} is not a number above 0")
        if not 0.0 <= self.start < self.end <= 1.0:
            raise SettingsError(
                "start_percent", f"start {self.start} and end {self.end}; needed: 0 <= start < end <= 1"
            )
        if self.share is not None and not 0.0 < self.share <= 1.0:
            raise SettingsError("share", f"{self.share} is not a number above 0, up to 1")
        if not 0.0 <= self.protect <= 1.0:
            raise SettingsError("protect", f"{self.protect} is not a number from 0 to 1")
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
            "place": self.place,
            "locked": str(self.locked) if self.locked and self.mode == "cache" else None,
            "share": self.share,
            "protect": self.protect,
            "forecast": self.forecast,
            "reuses": self.reuses,
        }
