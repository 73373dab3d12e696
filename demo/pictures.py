"""The demo's picture: frames of every take under each other, at the same moments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from demo.results import Row, Take

MOMENTS = 6
FRAME = 168  # pixels
GAP = 6
MARGIN = 20
LABEL = 210
INK = "#1c1e21"
PALE = "#667080"
PAPER = "#ffffff"


def side_by_side(takes: Sequence[Take], rows: Sequence[Row], caption: str, fps: int) -> Image.Image:
    """One row of frames per take, labelled with what it cost and how close it is."""
    moments = np.linspace(0, len(takes[0].frames) - 1, MOMENTS).round().astype(int)
    head = MARGIN + 58
    width = MARGIN + LABEL + MOMENTS * (FRAME + GAP) - GAP + MARGIN
    height = head + len(takes) * (FRAME + GAP) - GAP + MARGIN
    picture = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, MARGIN), f"“{caption}”", INK, _font(19), anchor="lt")
    left = MARGIN + LABEL
    for column, moment in enumerate(moments):
        middle = left + column * (FRAME + GAP) + FRAME // 2
        draw.text((middle, head - 8), f"{moment / fps:.1f} s", PALE, _font(14), anchor="mb")
    for line, (take, row) in enumerate(zip(takes, rows, strict=True)):
        top = head + line * (FRAME + GAP)
        _label(draw, row, MARGIN, top + FRAME // 2)
        for column, moment in enumerate(moments):
            frame = Image.fromarray(take.frames[moment]).resize((FRAME, FRAME), Image.Resampling.LANCZOS)
            picture.paste(frame, (left + column * (FRAME + GAP), top))
    return picture


def _label(draw: ImageDraw.ImageDraw, row: Row, left: int, middle: int) -> None:
    lines = [(row.name, INK, 19), (f"{row.computed} of {row.steps} steps computed", PALE, 15)]
    if row.psnr is not None:
        lines.append((f"{row.psnr:.1f} dB from uncached", PALE, 15))
    top = middle - 13 * len(lines)
    for number, (text, colour, size) in enumerate(lines):
        draw.text((left, top + 26 * number + 13), text, colour, _font(size), anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
