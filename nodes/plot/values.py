"""The plots of what was measured: what decided, over the codebook's bands if it has any, and motion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import words
from .canvas import CARD, COMPUTED, MOTION, REUSED, SOFT, TEXT, WELL, Canvas, Colour, mix
from .frame import SMALL, Frame, Section, headed
from .layout import Band, BandScale, Box, Cell, bands, finite

if TYPE_CHECKING:
    from ...adacache.trace.trace import Trace

CURVE_HEIGHT, MOTION_HEIGHT = 280.0, 100.0
# From the middle of a line of small text down to its baseline.
DROP = SMALL * 0.36


def decides(trace: Trace) -> str:
    """The field whose curve is drawn: what a codebook decides by, else the error of forecasts or the distance."""
    if bands(trace.codebook):
        return "looked_up"
    return "error" if any(finite(record.error) is not None for record in trace.records) else "distance"


def curve(shared: Frame) -> Section | None:
    """The curve of what decides, over the bands of a codebook; None where nothing was measured."""
    field = decides(shared.trace)
    series = shared.series(field)
    if not series:
        return None
    found = bands(shared.trace.codebook, words.most_reuses(shared.trace))
    scale = BandScale(found, [value for _, value in series])

    def paint(canvas: Canvas, top: float) -> None:
        well = shared.well(top, CURVE_HEIGHT)
        _paint_bands(canvas, well, scale, shared)
        _paint_series(canvas, well, [(cell, scale.at(value)) for cell, value in series], TEXT)

    return headed(*words.CURVES[field], shared, Section(CURVE_HEIGHT, paint))


def _band_colour(rate: int, highest: int) -> Colour:
    """Blue where much is reused, orange where every step is computed."""
    if rate <= 1:
        return mix(COMPUTED, WELL, 0.17)
    return mix(REUSED, WELL, 0.08 + 0.2 * (rate - 1) / max(1, highest - 1))


def _paint_bands(canvas: Canvas, well: Box, scale: BandScale, shared: Frame) -> None:
    """The bands, their thresholds at the left and what they do at the right, as many as there is room for."""
    canvas.rectangle(well, WELL)
    highest = max(band.rate for band in scale.bands)
    free = tick_free = well.bottom + SMALL
    for low, high, band in scale.edges():
        bottom, top = well.bottom - low * well.height, well.bottom - high * well.height
        if band.rate:
            canvas.rectangle(Box(well.left, top, well.width, bottom - top), _band_colour(band.rate, highest))
            free = _label_band(canvas, (top + bottom) / 2 + DROP, band, shared, free)
        if bottom + DROP <= tick_free:
            if band.low > 0:
                canvas.line([(well.left, bottom), (well.right, bottom)], mix(SOFT, CARD, 0.35))
            canvas.text(shared.left, bottom + DROP, words.number(band.low), SMALL, SOFT)
            tick_free = bottom + DROP - SMALL
    peak = well.bottom - scale.at(scale.peak) * well.height + DROP
    if peak <= tick_free:
        canvas.text(shared.left, peak, words.number(scale.peak), SMALL, SOFT)


def _label_band(canvas: Canvas, baseline: float, band: Band, shared: Frame, free: float) -> float:
    """A band's label, unless it would lie below `free`; the lowest free place above it."""
    if baseline > free:
        return free
    colour = mix(COMPUTED if band.rate <= 1 else REUSED, TEXT, 0.8)
    canvas.text(shared.beside, baseline, shared.fit(words.band(band)), SMALL, colour)
    return baseline - SMALL


def _paint_series(canvas: Canvas, well: Box, heights: Sequence[tuple[Cell, float]], colour: Colour) -> None:
    """A line with a point per value; `heights` are 0 to 1 of the field."""
    points = [(cell.middle, well.bottom - height * well.height) for cell, height in heights]
    canvas.line(points, mix(colour, WELL, 0.55), 2.4)
    gaps = sorted(right[0] - left[0] for left, right in zip(points, points[1:], strict=False)) or [20.0]
    # Most points keep clear of each other; the two or three forced ones at the end may touch.
    radius = min(6.5, max(1.8, 0.4 * gaps[len(gaps) // 5]))
    for x, y in points:
        canvas.dot(x, y, radius, colour)


def motion(shared: Frame) -> Section | None:
    """The motion score as a line; None where there is no score."""
    scores = shared.series("score")
    if not scores:
        return None
    moreg = shared.trace.settings.get("moreg")
    neutral = finite(moreg.get("norm")) if isinstance(moreg, dict) else None
    values = [value for _, value in scores] + ([neutral] if neutral is not None else [])
    low, high = min(values), max(values)

    def height(value: float) -> float:
        # Scaled before the difference is taken, which could overflow.
        largest = max(abs(low), abs(high)) or 1.0
        spread = high / largest - low / largest
        return 0.14 + 0.72 * ((value / largest - low / largest) / spread if spread > 0 else 0.5)

    def paint(canvas: Canvas, top: float) -> None:
        well = shared.well(top, MOTION_HEIGHT)
        canvas.rectangle(well, WELL)
        if neutral is not None:
            y = well.bottom - height(neutral) * well.height
            canvas.dashes(well.left, well.right, y, mix(SOFT, WELL, 0.6))
        _paint_series(canvas, well, [(cell, height(value)) for cell, value in scores], MOTION)
        for value in sorted({low, high}):
            y = well.bottom - height(value) * well.height + DROP
            canvas.text(shared.left, y, words.number(value), SMALL, SOFT)

    said = f"score; the dashes are the norm, {words.number(neutral)}" if neutral is not None else "score"
    return headed("Motion", said, shared, Section(MOTION_HEIGHT, paint))
