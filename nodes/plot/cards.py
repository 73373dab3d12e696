"""A run's card: what is said about it, then its plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import words
from .canvas import ALARM, CARD, REUSED, RULE, SOFT, TEXT, Canvas, Fonts
from .frame import EDGE, NOTICE, PADDING, ROW, SMALL, TITLE, Frame, Section, frame
from .layout import Box
from .steps import numbers, strip
from .values import curve, motion

if TYPE_CHECKING:
    from ...adacache.trace.trace import Trace


def run_card(trace: Trace, width: float, fonts: Fonts, eyebrow: str) -> Section:
    """Everything about one run, in a picture `width` design units wide."""
    shared = frame(trace, width, fonts)
    sections = [
        _small([eyebrow], shared.left, 4),
        _headline(shared),
        _small([row for parts in words.about(trace) for row in _rows(parts, shared)], shared.left, 8),
        *(_notice(text, shared) for text in words.notices(trace)),
    ]
    if trace.records:
        plots = (curve(shared), motion(shared), strip(shared), numbers(shared))
        sections += [plot for plot in plots if plot]
    return _card(sections, width)


def message_card(title: str, text: str, width: float, fonts: Fonts) -> Section:
    """A few words in place of a run."""
    left, room, size = EDGE + PADDING, width - 2 * (EDGE + PADDING), TITLE * 0.75
    title = fonts.fit(title, size, room)

    def paint(canvas: Canvas, top: float) -> None:
        canvas.text(left, top + size, title, size, TEXT)

    return _card([Section(size * 1.6, paint), _small(fonts.wrap(text, SMALL, room, 8), left, 0)], width)


def _card(sections: Sequence[Section], width: float) -> Section:
    """Sections below each other, on a field with round corners."""
    height = sum(section.height for section in sections) + EDGE + 2 * PADDING - 8

    def paint(canvas: Canvas, top: float) -> None:
        canvas.rectangle(Box(EDGE, top + EDGE / 2, width - 2 * EDGE, height - EDGE), CARD, RULE, radius=18)
        top += EDGE / 2 + PADDING - 4
        for section in sections:
            section.paint(canvas, top)
            top += section.height

    return Section(height, paint)


def _small(lines: Sequence[str], left: float, after: float) -> Section:
    """Lines of small text, then a gap."""

    def paint(canvas: Canvas, top: float) -> None:
        for n, line in enumerate(lines):
            canvas.text(left, top + SMALL + n * ROW, line, SMALL, SOFT)

    return Section(len(lines) * ROW + after if lines else 0.0, paint)


def _rows(parts: Sequence[str], shared: Frame) -> list[str]:
    """Parts joined to lines that fit; a part that does not fit on its own is cut."""
    rows: list[str] = []
    for part in parts:
        joined = f"{rows[-1]} · {part}" if rows else part
        if rows and shared.fonts.width(joined, SMALL) <= shared.room:
            rows[-1] = joined
        else:
            rows.append(shared.fonts.fit(part, SMALL, shared.room))
    return rows


def _headline(shared: Frame) -> Section:
    """The title: its parts in a row, or one under the other where the row is too short."""
    counted, gained, how = words.headline(shared.trace)
    size = max(TITLE * 0.6, min(TITLE, TITLE * shared.room / shared.fonts.width(counted, TITLE)))
    dot = shared.fonts.width("·", size) + 24
    places, x, y = [], shared.left, TITLE
    parts = [
        (counted, size, TEXT, 0.0),
        (gained, size, REUSED if how else SOFT, dot),
        (how and f"({how})", SMALL, SOFT, 14.0),
    ]
    for part, high, colour, before in parts:
        text = shared.fonts.fit(part, high, shared.room)
        wide = shared.fonts.width(text, high)
        if x + before + wide > shared.right and x > shared.left:
            x, y, before = shared.left, y + high * 1.25, 0.0
        elif text and before == dot:
            places.append((x + 12, y, "·", size, SOFT))
        places.append((x + before, y, text, high, colour))
        x += before + wide

    def paint(canvas: Canvas, top: float) -> None:
        for x, y, text, size, colour in places:
            canvas.text(x, top + y, text, size, colour)

    return Section(y + 18, paint)


def _notice(text: str, shared: Frame) -> Section:
    """Words with a bar at their left, so that they are not missed."""
    step = NOTICE * 1.4
    lines = shared.fonts.wrap(text, NOTICE, shared.room - 22, 8)

    def paint(canvas: Canvas, top: float) -> None:
        canvas.rectangle(Box(shared.left, top + 10, 5, len(lines) * step - 6), ALARM, radius=2.5)
        for n, line in enumerate(lines):
            canvas.text(shared.left + 22, top + 32 + n * step, line, NOTICE, TEXT)

    return Section(len(lines) * step + 18, paint)
