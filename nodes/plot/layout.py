"""Geometry: where steps, values and the codebook's bands lie; numbers only, in design units."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...adacache.schedules.codebook import Codebook

if TYPE_CHECKING:
    from ...adacache.trace.trace import Record, Trace

# Steps that a run was to have beyond those recorded; a trace that claims more is drawn with this many.
MOST_PENDING = 10_000
# The topmost band has no upper end. Its height over that of the others, and the least part of the whole.
TOP_FACTOR, TOP_LEAST = 1.7, 0.14


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True)
class Axis:
    """The shared axis: `slots` equal places from `left` over `width`, one per evaluation."""

    left: float
    width: float
    slots: int

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def pitch(self) -> float:
        return self.width / self.slots

    def start(self, slot: float) -> float:
        return self.left + self.width * slot / self.slots

    def middle(self, slot: int) -> float:
        return self.start(slot + 0.5)


@dataclass(frozen=True)
class Cell:
    """The place of one evaluation; `record` is None for a step that was never reached."""

    left: float
    right: float
    record: Record | None

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def finite(value: Any) -> float | None:
    """A number that can be placed, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def slots(trace: Trace) -> int:
    """Places on the axis: the evaluations, and the steps that were never reached where that can be told."""
    pending = min(trace.steps, MOST_PENDING) if trace.unit == "steps" else 0
    return max(1, len(trace.records), pending)


def cells(trace: Trace, axis: Axis) -> list[Cell]:
    """One per evaluation, in order, then one per step that was never reached.

    Cells stand apart while there is room for it; where there is not, they touch.
    """
    gap = min(4.0, axis.pitch * 0.16) if axis.pitch >= 4 else 0.0
    records: list[Record | None] = [*trace.records, *[None] * (axis.slots - len(trace.records))]
    ends = ((axis.start(n) + gap / 2, axis.start(n + 1) - gap / 2) for n in range(axis.slots))
    return [Cell(left, right, record) for (left, right), record in zip(ends, records, strict=True)]


def ticks(trace: Trace, axis: Axis, room_for: Callable[[str], float]) -> list[tuple[float, str]]:
    """Places and step numbers for the axis: the first, the last, and round ones that keep clear of both."""
    last = trace.records[-1].step if trace.records else 0
    numbers = [record.step for record in trace.records]
    numbers += [last + n for n in range(1, axis.slots - len(numbers) + 1)]
    first_slots: dict[int, int] = {}
    for slot, number in enumerate(numbers):
        first_slots.setdefault(number, slot)
    room = room_for(str(max(numbers)))
    pitch = axis.width / len(first_slots)
    interval = max(1, int(round_up(1.6 * room / pitch)))
    room = max(room, 0.6 * interval * pitch)
    # Ends first: a round number gives way to them, not they to it.
    wanted = [numbers[0], numbers[-1], *(n for n in first_slots if n % interval == 0)]
    placed: dict[float, str] = {}
    for number in wanted:
        x = axis.middle(first_slots[number])
        if all(abs(x - other) >= room for other in placed):
            placed[x] = str(number)
    return sorted(placed.items())


def round_up(number: float) -> float:
    """The least of ..., 0.5, 1, 2, 5, 10, 20, ... that is not below a number above 0."""
    power = 10.0 ** math.floor(math.log10(number))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= number * (1 - 1e-9))


@dataclass(frozen=True)
class Band:
    """Values from `low` to below `high` (infinite for the last) get `rate`."""

    low: float
    high: float
    rate: int


def bands(codebook: str, most_reuses: int = 0) -> list[Band]:
    """The codebook as bands, neighbours of one rate joined; none where the text is not a codebook.

    Args:
        codebook: `threshold:rate` pairs as text.
        most_reuses: the cap on reused steps in a row; 0 for none.
    """
    try:
        entries = Codebook.parse(codebook).entries
    except (ValueError, TypeError):
        return []
    found: list[Band] = []
    low = 0.0
    for number, (threshold, rate) in enumerate(entries, 1):
        rate = min(rate, most_reuses + 1) if most_reuses > 0 else rate
        # The last threshold is never tested.
        high = threshold if number < len(entries) else math.inf
        if found and found[-1].rate == rate:
            found[-1] = Band(found[-1].low, high, rate)
        else:
            found.append(Band(low, high, rate))
        low = threshold
    return found


class BandScale:
    """Values to heights, 0 to 1: every band is equally high and linear inside, so that each can be read.

    Published thresholds are evenly spaced, so for them this is an ordinary linear axis. The topmost band has
    no upper end and early distances can be far above it: it is logarithmic up to the largest value.
    """

    def __init__(self, found: Sequence[Band], values: Iterable[float]) -> None:
        self.bands = list(found) or [Band(0.0, math.inf, 0)]
        self.low = self.bands[-1].low
        self.peak = max([self.low * 1.5, *values]) or 1.0
        others = len(self.bands) - 1
        self._top = max(TOP_FACTOR / (others + TOP_FACTOR), TOP_LEAST)
        self._share = (1 - self._top) / max(1, others)

    def at(self, value: float) -> float:
        for number, band in enumerate(self.bands[:-1]):
            if value < band.high:
                inside = (value - band.low) / (band.high - band.low)
                return self._share * max(0.0, number + inside)
        # The largest value stays a little below the edge.
        return 1 - self._top * (1 - 0.86 * self._above(max(value, 0.0)))

    def _above(self, value: float) -> float:
        if self.low > 0:
            low = math.log(self.low)
            return (math.log(value) - low) / max(1e-9, math.log(self.peak) - low)
        return math.sqrt(value / self.peak)

    def edges(self) -> list[tuple[float, float, Band]]:
        """Lower and upper end of every band, 0 to 1, with the band."""
        starts = [self._share * number for number in range(len(self.bands))]
        return list(zip(starts, [*starts[1:], 1.0], self.bands, strict=True))
