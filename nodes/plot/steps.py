"""The plots of what was done: the strip of decisions, the time of every step, and the steps' numbers."""

from __future__ import annotations

import statistics

from . import legend, words
from .canvas import CARD, COMPUTED, REUSED, RULE, SOFT, TEXT, Canvas, mix
from .frame import SMALL, Frame, Section
from .layout import Box, Cell
from .legend import Mark, below

STRIP_HEIGHT, TIME_HEIGHT = 70.0, 58.0
# Above the strip's cells, for the marks of forced steps.
MARK_HEIGHT = 10.0
# Height of a reused step's cell over that of a computed one.
LOW = 0.36
# A bar longer than this many usual ones is cut: a first step that loads a model would flatten all others.
LONGEST = 1.6


def strip(shared: Frame) -> Section:
    """The decisions: a full block for a computed step, a low hollow one for a reused step."""
    trace = shared.trace
    marks = [Mark(words.unit(trace).capitalize(), colour=TEXT)]
    if trace.computed:
        marks.append(Mark("computed", legend.computed))
    if trace.reused:
        marks.append(Mark("reused", legend.reused))
    if words.forced(trace):
        marks.append(Mark(words.forced(trace), legend.forced))
    if len(shared.cells) > len(trace.records):
        marks.append(Mark("not reached", legend.pending))

    def paint(canvas: Canvas, top: float) -> None:
        for cell in shared.cells:
            paint_cell(canvas, cell, top + MARK_HEIGHT, STRIP_HEIGHT - MARK_HEIGHT)
        computed, reused = words.counts(trace)
        canvas.text(shared.beside, top + MARK_HEIGHT + 21, shared.fit(computed), SMALL, COMPUTED)
        canvas.text(shared.beside, top + STRIP_HEIGHT - 5, shared.fit(reused), SMALL, REUSED)

    return below(marks, shared, Section(STRIP_HEIGHT, paint))


def paint_cell(canvas: Canvas, cell: Cell, top: float, height: float) -> None:
    """One step: full and orange, low and blue, or a grey line where it was never reached."""
    width = cell.right - cell.left
    radius = min(5.0, width / 4)
    if cell.record is None:
        canvas.rectangle(Box(cell.left, top + height - 4, width, 4), RULE)
    elif cell.record.computed:
        canvas.rectangle(Box(cell.left, top, width, height), COMPUTED, radius=radius)
        if words.is_forced(cell.record.reason):
            canvas.rectangle(Box(cell.left, top - MARK_HEIGHT + 1, width, 3), SOFT)
    else:
        # Where a cell is too narrow to be hollow, its height alone tells it apart.
        outline = REUSED if width >= 6 else None
        low = Box(cell.left, top + height * (1 - LOW), width, height * LOW)
        canvas.rectangle(low, mix(REUSED, CARD, 0.3 if outline else 0.85), outline, radius)


def times(shared: Frame) -> Section | None:
    """Milliseconds per step; a bar far above the usual is cut and marked, so that the others can be read."""
    taken = [(cell, cell.record, value) for cell, value in shared.series("milliseconds") if cell.record and value >= 0]
    longest = max((value for _, _, value in taken), default=0.0)
    if longest <= 0:
        return None
    marks = [Mark("Time", colour=TEXT)]
    ceiling = longest
    for computed, word, colour in ((True, "computed", COMPUTED), (False, "reused", REUSED)):
        values = [value for _, record, value in taken if record.computed_share == computed]  # as a whole
        if values:
            usual = statistics.median(values)
            ceiling = min(ceiling, LONGEST * usual) if computed and usual > 0 else ceiling
            marks.append(Mark(f"median {words.milliseconds(usual)} {word}", legend.bar(colour)))
    slowest = next(record for _, record, value in taken if value == longest)
    most = f"longest {words.milliseconds(longest)}, step {slowest.step}"
    marks.append(Mark(f"{most}, cut", legend.cut) if longest > ceiling else Mark(most))

    def paint(canvas: Canvas, top: float) -> None:
        base = top + TIME_HEIGHT
        for cell, record, value in taken:
            tall = max(1.5, TIME_HEIGHT * min(1.0, value / ceiling))
            colour = mix(COMPUTED if record.computed else REUSED, CARD, 0.8)
            canvas.rectangle(cell.bar(base, tall), colour)
            if value > ceiling:
                canvas.rectangle(Box(cell.left, top + 8, cell.right - cell.left, 3), CARD)
        canvas.line([(shared.axis.left, base), (shared.axis.right, base)], RULE, 1.5)

    return below(marks, shared, Section(TIME_HEIGHT, paint))


def numbers(shared: Frame) -> Section:
    """The numbers of the steps."""

    def paint(canvas: Canvas, top: float) -> None:
        for x, label in shared.ticks:
            canvas.line([(x, top + 4), (x, top + 10)], RULE, 1.5)
            canvas.text(x, top + 35, label, SMALL, SOFT, align=0.5)
        x, label = shared.ticks[-1]
        clear = x + shared.fonts.width(label, SMALL) / 2 + 12
        canvas.text(max(shared.beside, clear), top + 35, "step", SMALL, SOFT)

    return Section(42, paint)
