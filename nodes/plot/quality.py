"""The plot of a sweep: how close each setting came, over what it cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .canvas import CARD, COMPUTED, REUSED, RULE, SOFT, TEXT, WELL, Canvas, Fonts, mix
from .frame import EDGE, PADDING
from .layout import Box, round_up
from .row import Row

if TYPE_CHECKING:
    from PIL.Image import Image

SECONDS, STEPS = "seconds", "computed steps"
AGAINST = (SECONDS, STEPS)
WIDTH, HEIGHT = 1280, 800
TITLE, SMALL, MARK = 34.0, 22.0, 24.0
DROP = SMALL * 0.36
RADIUS = 9.0
HOW_TO_READ = "PSNR in dB against the uncached video: up is closer, left is faster; the line joins the best"


class Point(NamedTuple):
    x: float
    y: float
    row: Row


def quality(title: str, rows: Sequence[Row], against: str = SECONDS) -> Image:
    """The settings as points: PSNR upwards, cost to the right; the uncached run as a line."""
    canvas = Canvas(WIDTH, HEIGHT, Fonts(1.0))
    canvas.rectangle(Box(EDGE, EDGE, WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE), CARD, RULE, radius=18)
    left, right = EDGE + PADDING, WIDTH - EDGE - PADDING
    heading = f"Quality over {'seconds' if against == SECONDS else 'computed steps'}, by {title}"
    canvas.text(left, 74, canvas.fonts.fit(heading, TITLE, right - left), TITLE, TEXT)
    costs = [(row, cost(row, against)) for row in rows]
    points = [(row, x) for row, x in costs if x is not None and row.psnr is not None]
    whole = next((x for row, x in costs if row.is_reference), None)
    if not points:
        canvas.text(left, 120, "No run was recorded, so there is nothing to plot.", SMALL, SOFT)
        return canvas.finish()
    words = "Every setting gave the uncached video." if all(row.equal for row, _ in points) else HOW_TO_READ
    canvas.text(left, 110, canvas.fonts.fit(words, SMALL, right - left), SMALL, SOFT)
    well = Box(left + 62, 142, right - left - 62, HEIGHT - 142 - EDGE - 92)
    canvas.rectangle(well, WELL)
    low, high = _range([row.psnr for row, _ in points if not row.equal])
    most = max([x for _, x in points] + ([whole] if whole else [])) * 1.08
    _grid(canvas, well, low, high, most, against)
    if whole is not None:
        _uncached(canvas, well, well.left + well.width * whole / most, whole, against)
    placed = [_place(well, row, x, low, high, most) for row, x in points]
    _points(canvas, well, placed, well.left + well.width * whole / most if whole else None)
    return canvas.finish()


def cost(row: Row, against: str) -> float | None:
    """What a setting cost; None where no run was recorded."""
    return row.seconds if against == SECONDS else float(row.computed) if row.of else None


def _range(values: Sequence[float | None]) -> tuple[float, float]:
    """Lower and upper end of the PSNR axis, at whole steps of it."""
    known = [value for value in values if value is not None] or [30.0, 40.0]
    low, high = min(known), max(known)
    pad = max(1.0, 0.12 * (high - low))
    step = round_up((high - low + 2 * pad) / 10)
    return step * math.floor((low - pad) / step), step * math.ceil((high + pad) / step)


def _place(well: Box, row: Row, x: float, low: float, high: float, most: float) -> Point:
    """A video that equals the uncached one is above all numbers: it lies on the upper edge."""
    share = 1.0 if row.equal or row.psnr is None else (row.psnr - low) / (high - low)
    return Point(well.left + well.width * x / most, well.bottom - well.height * share, row)


def _grid(canvas: Canvas, well: Box, low: float, high: float, most: float, against: str) -> None:
    line = mix(SOFT, CARD, 0.16)
    step = round_up((high - low) / 6)
    for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        y = well.bottom - well.height * (n * step - low) / (high - low)
        canvas.line([(well.left, y), (well.right, y)], line)
        canvas.text(well.left - 12, y + DROP, f"{n * step:g}", SMALL, SOFT, 1)
    step = max(round_up(most / 8), 0.0 if against == SECONDS else 1.0)
    for n in range(int(most / step) + 1):
        x = well.left + well.width * n * step / most
        canvas.line([(x, well.top), (x, well.bottom)], line)
        canvas.text(x, well.bottom + 32, f"{n * step:g}", SMALL, SOFT, 0.5)
    words = "seconds of the sampler" if against == SECONDS else "computed steps"
    canvas.text(well.right, well.bottom + 66, words, SMALL, SOFT, 1)


def _uncached(canvas: Canvas, well: Box, x: float, cost: float, against: str) -> None:
    for n in range(math.ceil(well.height / 12)):
        top = well.top + 12 * n
        canvas.line([(x, top), (x, min(well.bottom, top + 6))], mix(COMPUTED, WELL, 0.8), 2)
    words = f"uncached, {cost:.3g} s" if against == SECONDS else f"uncached, {cost:g}"
    canvas.text(x - 10, well.bottom - 14, words, SMALL, mix(COMPUTED, TEXT, 0.8), 1)


def _points(canvas: Canvas, well: Box, points: Sequence[Point], line: float | None) -> None:
    """Dots, a line through the best of them, and beside each its name where nothing else is."""
    points = sorted(points, key=lambda point: (point.x, point.y))
    canvas.line([(p.x, p.y) for p in best(points)], mix(REUSED, WELL, 0.45), 2)
    taken = [Box(p.x - RADIUS, p.y - RADIUS, 2 * RADIUS, 2 * RADIUS) for p in points]
    if line is not None:
        taken.append(Box(line - 1, well.top, 2, well.height))
        taken.append(Box(line - 260, well.bottom - 40, 250, 40))
    for point in points:
        canvas.dot(point.x, point.y, RADIUS, REUSED, CARD)
        text = f"{point.row.mark} (equal)" if point.row.equal else point.row.mark
        room = canvas.fonts.width(text, MARK)
        box = _free(well, point, room, taken)
        taken.append(box)
        canvas.text(box.left, box.bottom - 6, text, MARK, TEXT)


def best(points: Sequence[Point]) -> list[Point]:
    """The Pareto front of points sorted by cost: those that come closer than all that cost less."""
    found: list[Point] = []
    for point in points:
        if not found or point.y < found[-1].y:
            found.append(point)
    return found


def _free(well: Box, point: Point, width: float, taken: Sequence[Box]) -> Box:
    """A place for a name beside its point; the first that covers nothing, else the one that covers least."""
    places = []
    for far in (1, 2.2, 3.6):
        out = RADIUS + 7 * far
        left, right, middle = point.x - out - width, point.x + out, point.x - width / 2
        above, below, level = point.y - out - 24, point.y + out - 4, point.y - 14
        for x, y in ((right, level), (middle, above), (middle, below), (left, level), (left, above), (right, above)):
            places.append(Box(x, y, width, 28))
    inside = [
        p for p in places if p.left >= well.left + 4 and p.right <= well.right - 4 and p.bottom <= well.bottom - 2
    ]
    return min(inside or places, key=lambda place: sum(_covered(place, other) for other in taken))


def _covered(one: Box, other: Box) -> float:
    wide = min(one.right, other.right) - max(one.left, other.left)
    high = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(0.0, wide) * max(0.0, high)
