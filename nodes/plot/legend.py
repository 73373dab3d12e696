"""The heading of a plot with its legend, and the signs that legends show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .canvas import ALARM, CARD, COMPUTED, REUSED, RULE, SOFT, Canvas, Colour, mix
from .frame import ROW, SMALL, Frame, Section
from .layout import Box

SIGN_WIDTH, SIGN_ROOM, GAP = 22.0, 32.0, 32.0

# Painted right of x and above a baseline.
Sign = Callable[[Canvas, float, float], None]


class Mark(NamedTuple):
    """An entry of a legend: a sign, and what it stands for."""

    label: str
    sign: Sign | None = None
    colour: Colour = SOFT


def below(marks: Sequence[Mark], shared: Frame, plot: Section) -> Section:
    """A plot under its legend."""
    head = _caption(marks, shared)

    def paint(canvas: Canvas, top: float) -> None:
        head.paint(canvas, top)
        plot.paint(canvas, top + head.height)

    return Section(head.height + plot.height, paint)


def _caption(marks: Sequence[Mark], shared: Frame) -> Section:
    """Entries in as many rows as they take."""
    places, x, row = [], shared.left, 0
    for mark in marks:
        indent = SIGN_ROOM if mark.sign else 0.0
        label = shared.fonts.fit(mark.label, SMALL, shared.room - indent)
        wide = indent + shared.fonts.width(label, SMALL)
        if x > shared.left and x + wide > shared.right:
            x, row = shared.left, row + 1
        places.append((x, row, mark, label, indent))
        x += wide + GAP

    def paint(canvas: Canvas, top: float) -> None:
        for x, row, mark, label, indent in places:
            baseline = top + 46 + row * ROW
            if mark.sign:
                mark.sign(canvas, x, baseline)
            canvas.text(x + indent, baseline, label, SMALL, mark.colour)

    return Section(60 + row * ROW, paint)


def dot(colour: Colour) -> Sign:
    def sign(canvas: Canvas, x: float, y: float) -> None:
        canvas.line([(x, y - 8), (x + SIGN_WIDTH, y - 8)], mix(colour, CARD, 0.5), 2.4)
        canvas.dot(x + 11, y - 8, 6, colour)

    return sign


def ring(canvas: Canvas, x: float, y: float) -> None:
    canvas.line([(x, y - 8), (x + SIGN_WIDTH, y - 8)], mix(SOFT, CARD, 0.5), 1.6)
    canvas.dot(x + 11, y - 8, 5.5, CARD, SOFT)


def cross(canvas: Canvas, x: float, y: float) -> None:
    canvas.cross(x + 11, y - 8, 6, ALARM)


def dashes(canvas: Canvas, x: float, y: float) -> None:
    canvas.dashes(x, x + SIGN_WIDTH, y - 8, SOFT)


def bar(colour: Colour) -> Sign:
    def sign(canvas: Canvas, x: float, y: float) -> None:
        canvas.rectangle(Box(x + 6, y - 17, 10, 18), colour)

    return sign


def computed(canvas: Canvas, x: float, y: float) -> None:
    canvas.rectangle(Box(x + 2, y - 18, 18, 21), COMPUTED, radius=3)


def reused(canvas: Canvas, x: float, y: float) -> None:
    canvas.rectangle(Box(x + 1, y - 8, 20, 11), mix(REUSED, CARD, 0.3), REUSED, 3)


def forced(canvas: Canvas, x: float, y: float) -> None:
    canvas.rectangle(Box(x + 1, y - 9, 20, 3), SOFT)


def pending(canvas: Canvas, x: float, y: float) -> None:
    canvas.rectangle(Box(x + 1, y - 3, 20, 4), RULE)


def cut(canvas: Canvas, x: float, y: float) -> None:
    canvas.rectangle(Box(x + 6, y - 18, 10, 21), COMPUTED)
    canvas.rectangle(Box(x + 2, y - 12, 18, 3), CARD)
