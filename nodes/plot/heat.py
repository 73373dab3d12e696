"""The heat map of a difference: one scale of colours, from dark to white."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .canvas import ALARM, COMPUTED, Canvas, Colour
from .layout import Box

if TYPE_CHECKING:
    import numpy

# Each colour is lighter than the one before, so that it reads in grey, too.
STOPS: tuple[tuple[float, Colour], ...] = (
    (0.0, (11, 12, 16)),
    (0.2, (52, 35, 110)),
    (0.45, (176, 58, 108)),
    (0.7, COMPUTED),
    (0.88, ALARM),
    (1.0, (255, 255, 255)),
)


def difference(ours: numpy.ndarray, theirs: numpy.ndarray) -> numpy.ndarray:
    """Per pixel, the largest difference among its channels: [height, width], of frames [height, width, channels]."""
    return abs(ours - theirs).max(axis=-1)


def colours(values: numpy.ndarray, most: float) -> numpy.ndarray:
    """[..., 3] bytes of values from 0 to `most`; what is above has the last colour."""
    import numpy

    # In float64: float32 has no `most` below 1e-45.
    shares = numpy.clip(values.astype(float) / most, 0, 1) if most > 0 else numpy.zeros_like(values)
    places = [place for place, _ in STOPS]
    channels = [numpy.interp(shares, places, [colour[n] for _, colour in STOPS]) for n in range(3)]
    return numpy.stack(channels, axis=-1).round().astype(numpy.uint8)


def bar(canvas: Canvas, box: Box) -> None:
    """The colour scale as a horizontal bar."""
    import numpy

    pieces = 96
    for n, (red, green, blue) in enumerate(colours(numpy.linspace(0, 1, pieces), 1.0).tolist()):
        left = box.left + box.width * n / pieces
        # Up to the end, so that no gap shows between two pieces.
        canvas.rectangle(Box(left, box.top, box.right - left, box.height), (red, green, blue))
