"""The codebook: which distance lets how many steps be reused (arXiv 2411.02397, eq. 5), and the published ones."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..errors import SettingsError, cut

# The published codebooks for 30 and 100 steps differ by this power of the step ratio: the largest rate doubles
# (6 to 12) while the step count grows by 100 / 30.
RATE_POWER = math.log(2) / math.log(100 / 30)

# Of what people write.
LEAST_THRESHOLD, MOST_THRESHOLD = 1e-12, 1e6
MOST_RATE = 10_000


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
                    problem = _problem(entries) or _beyond(*entries[-1])
            if problem:
                where = f'entry {number} at character {match.start() + 1} is "{cut(match.group())}"'
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
        return Codebook(tuple(dict(entries).items()), steps, self.protect)  # of equal ones the last


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


def _beyond(threshold: float, rate: int) -> str:
    """What no run can use, though it is a codebook; these limits leave room for scaling to another step count."""
    if not LEAST_THRESHOLD <= threshold <= MOST_THRESHOLD:
        return f"allowed are thresholds from {LEAST_THRESHOLD:g} to {MOST_THRESHOLD:g}"
    return f"allowed are rates up to {MOST_RATE}" if rate > MOST_RATE else ""


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
