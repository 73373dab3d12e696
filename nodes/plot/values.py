"""The plots of what was measured: distance over the codebook's bands, and motion."""

from __future__ import annotations

from collections.abc import Sequence

from . import legend, words
from .canvas import ALARM, CARD, COMPUTED, MOTION, REUSED, SOFT, TEXT, WELL, Canvas, Colour, mix
from .frame import SMALL, Frame, Section
from .layout import Band, BandScale, Box, Cell, bands, finite
from .legend import Mark, below

DISTANCE_HEIGHT, MOTION_HEIGHT = 280.0, 100.0
# From the middle of a line of small text down to its baseline.
DROP = SMALL * 0.36


def distance(shared: Frame) -> Section | None:
    """What was looked up in the codebook over the codebook's bands; None where nothing was measured."""
    looked_up, raw = shared.series("looked_up"), shared.series("distance")
    odd = [cell for cell in shared.cells if _is_odd(cell)]
    if not (looked_up or raw or odd):
        return None
    differ = [value for _, value in looked_up] != [value for _, value in raw]
    values = [value for _, value in looked_up + raw]
    scale = BandScale(bands(shared.trace.codebook, words.most_reuses(shared.trace)), values)
    marks = [Mark("Distance", colour=TEXT), Mark(words.looked_up(shared.trace), legend.dot(TEXT))]
    if differ and raw:
        marks.append(Mark("before motion and sensitivity", legend.ring))
    if odd:
        marks.append(Mark("not a number", legend.cross))

    def paint(canvas: Canvas, top: float) -> None:
        well = shared.well(top, DISTANCE_HEIGHT)
        _paint_bands(canvas, well, scale, shared)
        if differ:
            _paint_series(canvas, well, [(c, scale.at(v)) for c, v in raw], mix(SOFT, WELL, 0.8), ring=True)
        _paint_series(canvas, well, [(c, scale.at(v)) for c, v in looked_up], TEXT)
        for cell in odd:
            canvas.cross(cell.middle, well.top + 14, 6, ALARM)

    return below(marks, shared, Section(DISTANCE_HEIGHT, paint))


def _is_odd(cell: Cell) -> bool:
    """Whether something was measured that is not a number, which computes the next step."""
    values = (getattr(cell.record, name, None) for name in ("distance", "looked_up"))
    return any(value is not None and finite(value) is None for value in values)


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
            free = _label_band(canvas, Box(well.left, top, well.width, bottom - top), band, shared, free)
        if bottom + DROP <= tick_free:
            if band.low > 0:
                canvas.line([(well.left, bottom), (well.right, bottom)], mix(SOFT, CARD, 0.35))
            canvas.text(shared.left, bottom + DROP, words.number(band.low), SMALL, SOFT)
            tick_free = bottom + DROP - SMALL
    peak = well.bottom - scale.at(scale.peak) * well.height + DROP
    if peak <= tick_free:
        canvas.text(shared.left, peak, words.number(scale.peak), SMALL, SOFT)
    _paint_grid(canvas, well, shared)


def _label_band(canvas: Canvas, area: Box, band: Band, shared: Frame, free: float) -> float:
    """A band's label at its middle unless that is below `free`; the lowest free place above it."""
    line = SMALL * 1.15
    fitting = max(1, int(area.height / line))
    lines = shared.fonts.wrap(words.band(band), SMALL, shared.right - shared.beside, fitting)
    baseline = area.top + area.height / 2 + DROP - (len(lines) - 1) * line / 2
    if baseline + (len(lines) - 1) * line > free:
        return free
    colour = mix(COMPUTED if band.rate <= 1 else REUSED, TEXT, 0.8)
    for n, text in enumerate(lines):
        canvas.text(shared.beside, baseline + n * line, text, SMALL, colour)
    return baseline - SMALL


def _paint_grid(canvas: Canvas, well: Box, shared: Frame) -> None:
    for x, _ in shared.ticks:
        canvas.line([(x, well.top), (x, well.bottom)], mix(SOFT, CARD, 0.13))


def _paint_series(
    canvas: Canvas, well: Box, heights: Sequence[tuple[Cell, float]], colour: Colour, ring: bool = False
) -> None:
    """A line with a point per value; `heights` are 0 to 1 of the field."""
    points = [(cell.middle, well.bottom - height * well.height) for cell, height in heights]
    canvas.line(points, mix(colour, WELL, 0.55), 1.6 if ring else 2.4)
    gaps = sorted(right[0] - left[0] for left, right in zip(points, points[1:], strict=False)) or [20.0]
    # Most points keep clear of each other; the two or three forced ones at the end may touch.
    radius = min(6.5, max(1.8, 0.4 * gaps[len(gaps) // 5]))
    for x, y in points:
        if ring:
            canvas.dot(x, y, radius * 0.85, WELL, colour)
        else:
            canvas.dot(x, y, radius, colour)


def motion(shared: Frame) -> Section | None:
    """The motion score as a line and its gradient as bars; None where there is no score."""
    scores = shared.series("score")
    if not scores:
        return None
    gradients = [(cell, abs(value)) for cell, value in shared.series("gradient")]
    steepest = max((value for _, value in gradients), default=0.0)
    neutral = _neutral(shared)
    values = [value for _, value in scores] + ([neutral] if neutral is not None else [])
    low, high = min(values), max(values)
    marks = [Mark("Motion", colour=TEXT), Mark("score", legend.dot(MOTION))]
    if neutral is not None:
        marks.append(Mark(f"neutral {words.number(neutral)}", legend.dashes))
    if steepest > 0:
        marks.append(Mark(f"|gradient|, up to {words.number(steepest)}", legend.bar(mix(MOTION, CARD, 0.45))))

    def height(value: float) -> float:
        # Scaled before the difference is taken, which could overflow.
        largest = max(abs(low), abs(high)) or 1.0
        spread = high / largest - low / largest
        return 0.14 + 0.72 * ((value / largest - low / largest) / spread if spread > 0 else 0.5)

    def paint(canvas: Canvas, top: float) -> None:
        well = shared.well(top, MOTION_HEIGHT)
        canvas.rectangle(well, WELL)
        _paint_grid(canvas, well, shared)
        for cell, value in gradients if steepest > 0 else ():
            bar = cell.bar(well.bottom, well.height * (value / steepest))
            canvas.rectangle(bar, mix(MOTION, WELL, 0.38))
        if neutral is not None:
            y = well.bottom - height(neutral) * well.height
            canvas.dashes(well.left, well.right, y, mix(SOFT, WELL, 0.6))
        _paint_series(canvas, well, [(cell, height(value)) for cell, value in scores], MOTION)
        for value in sorted({low, high}):
            y = well.bottom - height(value) * well.height + DROP
            canvas.text(shared.left, y, words.number(value), SMALL, SOFT)

    return below(marks, shared, Section(MOTION_HEIGHT, paint))


def _neutral(shared: Frame) -> float | None:
    """The score that counts as neutral."""
    moreg = shared.trace.settings.get("moreg")
    return finite(moreg.get("norm")) if isinstance(moreg, dict) else None
