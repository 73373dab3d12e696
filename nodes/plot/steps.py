"""The strip of decisions, and the steps' numbers."""

from __future__ import annotations

from . import words
from .canvas import CARD, COMPUTED, REUSED, RULE, SOFT, Canvas, mix
from .frame import SMALL, Frame, Section, headed
from .layout import Box, Cell

STRIP_HEIGHT = 70.0
# Height of a reused step's cell over that of a computed one.
LOW = 0.36


def strip(shared: Frame) -> Section:
    """The decisions: a full block for a computed step, a low hollow one for a reused step."""

    def paint(canvas: Canvas, top: float) -> None:
        for cell in shared.cells:
            paint_cell(canvas, cell, top, STRIP_HEIGHT)
        computed, reused = words.counts(shared.trace)
        canvas.text(shared.beside, top + SMALL, shared.fit(computed), SMALL, COMPUTED)
        canvas.text(shared.beside, top + STRIP_HEIGHT - 5, shared.fit(reused), SMALL, REUSED)

    return headed(shared.trace.unit.capitalize(), "", shared, Section(STRIP_HEIGHT, paint))


def paint_cell(canvas: Canvas, cell: Cell, top: float, height: float) -> None:
    """One step: full and orange, low and blue, or a grey line where it was never reached."""
    width = cell.right - cell.left
    radius = min(5.0, width / 4)
    if cell.record is None:
        canvas.rectangle(Box(cell.left, top + height - 4, width, 4), RULE)
    elif cell.record.computed:
        canvas.rectangle(Box(cell.left, top, width, height), COMPUTED, radius=radius)
    else:
        # Where a cell is too narrow to be hollow, its height alone tells it apart.
        outline = REUSED if width >= 6 else None
        low = Box(cell.left, top + height * (1 - LOW), width, height * LOW)
        canvas.rectangle(low, mix(REUSED, CARD, 0.3 if outline else 0.85), outline, radius)


def numbers(shared: Frame) -> Section:
    """The numbers of the steps."""

    def paint(canvas: Canvas, top: float) -> None:
        for x, label in shared.ticks:
            canvas.line([(x, top + 4), (x, top + 10)], RULE, 1.5)
            canvas.text(x, top + 14 + SMALL, label, SMALL, SOFT, align=0.5)

    return Section(20 + SMALL, paint)
