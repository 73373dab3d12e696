"""Pixels: shapes and text placed in design units, smooth at any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

    from .layout import Box

Colour = tuple[int, int, int]
Point = tuple[float, float]

GROUND: Colour = (17, 19, 23)
CARD: Colour = (26, 29, 35)
WELL: Colour = (21, 23, 28)
RULE: Colour = (52, 57, 67)
TEXT: Colour = (237, 240, 245)
SOFT: Colour = (170, 178, 191)
# Orange, sky blue, purple and yellow close to the Okabe-Ito palette, which colour-blind people tell apart.
COMPUTED: Colour = (240, 160, 32)
REUSED: Colour = (86, 180, 233)
MOTION: Colour = (214, 137, 183)
ALARM: Colour = (240, 228, 66)


def mix(colour: Colour, ground: Colour, share: float) -> Colour:
    """`colour` laid over `ground` with an opacity of `share`, 0 to 1."""
    red, green, blue = (round(c * share + g * (1 - share)) for c, g in zip(colour, ground, strict=True))
    return red, green, blue


def encodable(text: str) -> str:
    """`text`, less what a bitmap font has not."""
    return text.encode("latin-1", "replace").decode("latin-1")


class Fonts:
    """Pillow's own typeface, measured in design units.

    Attributes:
        scale: pixels of the picture in a design unit.
        finer: how many times larger than the picture everything is drawn.
        unit: drawn pixels in a design unit.
    """

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.finer = 3 if scale <= 1.5 else 2
        self.unit = scale * self.finer
        self._loaded: dict[int, tuple[Any, bool]] = {}

    def at(self, size: float) -> tuple[Any, bool]:
        """The font, and whether it has that size: a bitmap font has one only, and its text is stretched."""
        from PIL import ImageFont

        pixels = round(size * self.unit)
        if pixels not in self._loaded:
            try:
                self._loaded[pixels] = ImageFont.load_default(size=pixels), True
            except (TypeError, ImportError, OSError):  # Pillow before 10.1, or without FreeType
                self._loaded[pixels] = ImageFont.load_default(), False
        return self._loaded[pixels]

    def width(self, text: str, size: float) -> float:
        font, scalable = self.at(size)
        if scalable:
            return font.getlength(text) / self.unit
        _, _, width, height = font.getbbox(encodable(text))
        return width * size / max(1, height)

    def ascent(self, size: float) -> float:
        """From the top of a text's box to its baseline."""
        font, scalable = self.at(size)
        return font.getmetrics()[0] / self.unit if scalable else 0.8 * size

    def fit(self, text: str, size: float, room: float) -> str:
        """`text`, cut at the end and marked with "..." where it is wider than `room`."""
        if self.width(text, size) <= room:
            return text
        keep = self._longest(text, size, room - self.width("...", size))
        return text[:keep].rstrip() + "..."

    def wrap(self, text: str, size: float, room: float, most: int) -> list[str]:
        """`text` in at most `most` lines no wider than `room`; words that are too long are broken."""
        lines: list[str] = []
        rest = text
        while rest and len(lines) < most - 1:
            keep = max(1, self._longest(rest, size, room))
            if keep < len(rest) and not rest[keep].isspace() and " " in rest[:keep].strip():
                keep = rest[:keep].rindex(" ")
            lines.append(rest[:keep].strip())
            rest = rest[keep:].strip()
        return [*lines, self.fit(rest, size, room)] if rest else lines

    def _longest(self, text: str, size: float, room: float) -> int:
        """Most characters of `text` that fit in `room`."""
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.width(text[:middle], size) <= room else (low, middle - 1)
        return low


class Canvas:
    """A picture of `width` pixels and `height` design units.

    Everything is drawn several times too large and then reduced: edges are smooth, letters evenly spaced.
    """

    def __init__(self, width: int, height: float, fonts: Fonts) -> None:
        from PIL import Image, ImageDraw

        self.fonts = fonts
        self._finer = fonts.finer
        self._unit = fonts.unit
        size = (width * self._finer, math.ceil(height * fonts.scale) * self._finer)
        self._image = Image.new("RGB", size, GROUND)
        self._draw = ImageDraw.Draw(self._image)

    def rectangle(self, box: Box, fill: Colour | None, outline: Colour | None = None, radius: float = 0.0) -> None:
        """A box at least one fine pixel in size; `outline` lies inside it."""
        left, top = round(box.left * self._unit), round(box.top * self._unit)
        right = max(left, round(box.right * self._unit) - 1)
        bottom = max(top, round(box.bottom * self._unit) - 1)
        radius = min(radius * self._unit, (right - left) / 2, (bottom - top) / 2)
        pen = round(1.6 * self._unit) if outline else 0
        if radius >= 1:
            self._draw.rounded_rectangle((left, top, right, bottom), radius, fill, outline, pen)
        else:
            self._draw.rectangle((left, top, right, bottom), fill, outline, pen)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1.0) -> None:
        if len(points) > 1:
            pixels = [(x * self._unit, y * self._unit) for x, y in points]
            self._draw.line(pixels, colour, max(1, round(width * self._unit)), joint="curve")

    def dashes(self, left: float, right: float, y: float, colour: Colour) -> None:
        """A level broken line."""
        for n in range(math.ceil((right - left) / 12)):
            self.line([(left + 12 * n, y), (min(right, left + 12 * n + 6), y)], colour, 1.5)

    def dot(self, x: float, y: float, radius: float, fill: Colour, outline: Colour | None = None) -> None:
        x, y, radius = x * self._unit, y * self._unit, radius * self._unit
        pen = round(1.6 * self._unit) if outline else 0
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill, outline, pen)

    def text(self, x: float, baseline: float, text: str, size: float, colour: Colour, align: float = 0.0) -> None:
        """One line; `align` is 0 where `x` is its left edge, 0.5 for the middle and 1 for the right edge."""
        font, scalable = self.fonts.at(size)
        width = self.fonts.width(text, size)
        left, top = (x - align * width) * self._unit, (baseline - self.fonts.ascent(size)) * self._unit
        if scalable:
            self._draw.text((left, top), text, colour, font)
        elif text:
            self._stretched((round(left), round(top)), text, (width, size), colour, font)

    def _stretched(self, corner: tuple[int, int], text: str, size: Point, colour: Colour, font: Any) -> None:
        """Text of a bitmap font, drawn `size` (width, height) large."""
        from PIL import Image, ImageDraw

        mask = Image.new("L", font.getbbox(encodable(text))[2:])
        ImageDraw.Draw(mask).text((0, 0), encodable(text), 255, font)
        width, height = (max(1, round(length * self._unit)) for length in size)
        mask = mask.resize((width, height))
        self._image.paste(colour, corner, mask)

    def finish(self) -> Image:
        return self._image.reduce(self._finer)
