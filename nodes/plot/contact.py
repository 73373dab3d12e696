"""The contact sheet of a sweep: a row of frames per setting, with what it cost and how close it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .canvas import ALARM, CARD, COMPUTED, GROUND, REUSED, SOFT, TEXT, Canvas, Fonts, mix
from .layout import Box
from .row import Row

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

# Pixels.
EDGE, GAP = 28, 8
LABEL = 350
HEAD = 146
TITLE, NAME, SMALL = 36.0, 29.0, 22.0
LINE = 32
ROOM = 1500
"""What all frames of a row may take."""
WIDEST, TALLEST = 400, 400
"""Of a frame."""
LEAST_ROW = 190
"""Height of a row, so that its label fits."""
BAR = 10


def contact_sheet(
    title: str, about: str, rows: Sequence[Row], frames: Sequence[Sequence[numpy.ndarray]], moments: Sequence[int]
) -> Image:
    """The sheet as an RGB picture of even width and height.

    Args:
        title: what is varied.
        about: what all settings share.
        rows: the settings, from top to bottom.
        frames: per setting, the chosen frames, [height, width, 3] bytes.
        moments: their places in the video, from 0.
    """
    from PIL import Image

    fonts = Fonts(1.0)
    height, width = frames[0][0].shape[:2]
    width, height = _cell(width, height, len(moments))
    tall = max(height, LEAST_ROW)
    whole_width = max(EDGE + LABEL + len(moments) * (width + GAP) - GAP + EDGE, 700)
    whole_height = HEAD + len(rows) * (tall + GAP) - GAP + EDGE
    whole = Image.new("RGB", (whole_width + whole_width % 2, whole_height + whole_height % 2), GROUND)
    head = Canvas(whole.width, HEAD, fonts)
    _head(head, fonts, title, about, moments, width)
    whole.paste(head.finish(), (0, 0))
    for n, (row, pictures) in enumerate(zip(rows, frames, strict=True)):
        top = HEAD + n * (tall + GAP)
        label = Canvas(LABEL, tall, fonts)
        _label(label, fonts, row, tall)
        whole.paste(label.finish(), (EDGE, top))
        for column, pixels in enumerate(pictures):
            small = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
            whole.paste(small, (EDGE + LABEL + column * (width + GAP), top + (tall - height) // 2))
    return whole


def _cell(width: int, height: int, columns: int) -> tuple[int, int]:
    """Pixels of one frame on the sheet."""
    room = min(WIDEST, (ROOM - (columns - 1) * GAP) / columns)
    scale = min(room / width, TALLEST / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _head(canvas: Canvas, fonts: Fonts, title: str, about: str, moments: Sequence[int], width: int) -> None:
    room = EDGE + LABEL + len(moments) * (width + GAP) - GAP - EDGE
    canvas.text(EDGE, 52, fonts.fit(f"Sweep of {title}", TITLE, room), TITLE, TEXT)
    canvas.text(EDGE, 90, fonts.fit(about, SMALL, room), SMALL, SOFT)
    free = 0.0
    for column, moment in enumerate(moments):
        left = EDGE + LABEL + column * (width + GAP)
        text = next((t for t in (f"frame {moment + 1}", str(moment + 1)) if fonts.width(t, SMALL) <= width), "")
        if text and left >= free:
            canvas.text(left, HEAD - 12, text, SMALL, SOFT)
            free = left + fonts.width(text, SMALL) + 8


def _label(canvas: Canvas, fonts: Fonts, row: Row, tall: int) -> None:
    """The setting and its numbers, in the middle of the row."""
    room = LABEL - 26
    lines = [(row.counted(), SOFT), ("  ·  ".join(part for part in (row.timed(), row.gained()) if part), SOFT)]
    lines.append((row.close(), TEXT if not row.is_reference else SOFT))
    lines = [line for line in lines if line[0]]
    lines += [(text, ALARM) for text in (fonts.wrap(row.note, SMALL, room, 2) if row.note else [])]
    high = 40 + (24 if row.of else 0) + len(lines) * LINE
    top = max(0.0, (tall - high) / 2)
    canvas.text(0, top + 26, fonts.fit(row.name, NAME, room), NAME, TEXT)
    top += 40
    if row.of:
        share = row.computed / row.of
        canvas.rectangle(Box(0, top + 2, room, BAR), mix(REUSED, CARD, 0.35), radius=BAR / 2)
        canvas.rectangle(Box(0, top + 2, max(BAR, room * share), BAR), COMPUTED, radius=BAR / 2)
        top += 24
    for n, (text, colour) in enumerate(lines):
        canvas.text(0, top + 20 + n * LINE, fonts.fit(text, SMALL, room), SMALL, colour)
