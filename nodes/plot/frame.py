"""What the parts of a run's picture share: sizes, edges, the steps' axis, and what a part is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from . import words
from .canvas import SOFT, TEXT, Canvas, Fonts
from .layout import Axis, Box, Cell, bands, cells, finite, slots, ticks

if TYPE_CHECKING:
    from ...adacache.trace.trace import Trace

# In design units, of which 1280 make the usual width: the card's distance from the picture's edge, its inner
# margin, letters, rows of text, and the space between a plot and what is written beside it.
EDGE, PADDING = 14.0, 36.0
SMALL, NOTICE, TITLE = 26.0, 27.0, 46.0
ROW = 37.0
BESIDE = 18.0
LEFT_GUTTER = 92.0


class Section(NamedTuple):
    """A part of the picture.

    Attributes:
        height: what it takes, in design units.
        paint: draws it from a top edge downwards.
    """

    height: float
    paint: Callable[[Canvas, float], None]


@dataclass(frozen=True)
class Frame:
    """One run on its axis; `left` and `right` are the edges of its text.

    Attributes:
        beside: left edge of what is written to the right of the plots.
        ticks: places and numbers on the axis.
    """

    trace: Trace
    fonts: Fonts
    left: float
    right: float
    axis: Axis
    cells: list[Cell]
    ticks: list[tuple[float, str]]

    @property
    def room(self) -> float:
        return self.right - self.left

    @property
    def beside(self) -> float:
        return self.axis.right + BESIDE

    def well(self, top: float, height: float) -> Box:
        """The field of a plot."""
        return Box(self.axis.left, top, self.axis.width, height)

    def series(self, name: str) -> list[tuple[Cell, float]]:
        """The cells in which a field of the record is a number, with it."""
        found = ((cell, finite(getattr(cell.record, name, None))) for cell in self.cells)
        return [(cell, value) for cell, value in found if value is not None]

    def fit(self, text: str) -> str:
        """Small text, cut to the room beside the plots."""
        return self.fonts.fit(text, SMALL, self.right - self.beside)


def frame(trace: Trace, width: float, fonts: Fonts) -> Frame:
    """The frame of a run in a picture `width` design units wide."""
    left, right = EDGE + PADDING, width - EDGE - PADDING
    start, end = left + LEFT_GUTTER, right - _right_gutter(trace, width, fonts)
    axis = Axis(start, end - start, slots(trace))
    places = ticks(trace, axis, lambda label: fonts.width(label, SMALL) + 18) if trace.records else []
    return Frame(trace, fonts, left, right, axis, cells(trace, axis), places)


def _right_gutter(trace: Trace, width: float, fonts: Fonts) -> float:
    """Room for the longest label beside the plots; a narrow picture gives less, and wraps or cuts it."""
    labels = [words.band(band) for band in bands(trace.codebook, words.most_reuses(trace))]
    labels += words.counts(trace)
    widest = max(fonts.width(label, SMALL) for label in labels) + BESIDE + 1
    return min(widest, max(154.0, 0.17 * width))


def headed(title: str, said: str, shared: Frame, plot: Section) -> Section:
    """A plot under its name, and what it shows in words."""
    height, x = 26 + ROW, shared.left + shared.fonts.width(title, SMALL) + 20

    def paint(canvas: Canvas, top: float) -> None:
        canvas.text(shared.left, top + 20 + SMALL, title, SMALL, TEXT)
        canvas.text(x, top + 20 + SMALL, shared.fonts.fit(said, SMALL, shared.right - x), SMALL, SOFT)
        plot.paint(canvas, top + height)

    return Section(height + plot.height, paint)
