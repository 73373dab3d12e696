"""A run's trace as a picture; Pillow only, because every ComfyUI has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import cards, words
from .canvas import GROUND, Canvas, Fonts
from .frame import Section

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from ...adacache.trace.trace import Trace

DESIGN_WIDTH = 1280
NARROWEST, WIDEST = 320, 4096
# Below this, letters would be too small to read: a narrow picture has less room, not smaller letters.
SMALLEST_SCALE = 0.6
# A picture of more runs would be too tall to be looked at, or to be held.
MOST_RUNS = 20


def draw(traces: Sequence[Trace], width: int = DESIGN_WIDTH) -> Image:
    """The runs, one under the other, as an RGB picture `width` pixels wide (within 320 to 4096).

    The height follows from what there is to show. Of more than 20 runs the last 20 are drawn, and it says so.
    """
    width = min(max(int(width), NARROWEST), WIDEST)
    scale = max(SMALLEST_SCALE, width / DESIGN_WIDTH)
    fonts = Fonts(scale)
    shown = list(traces)[-MOST_RUNS:]
    hidden = len(traces) - len(shown)
    drawn = [
        cards.run_card(trace, width / scale, fonts, words.eyebrow(trace, hidden + n, len(traces)))
        for n, trace in enumerate(shown, 1)
    ]
    if not drawn:
        drawn.append(cards.message_card(words.EMPTY_TITLE, words.EMPTY_ADVICE, width / scale, fonts))
    if hidden:
        told = f"{hidden} earlier {'run is' if hidden == 1 else 'runs are'} not shown"
        drawn.insert(0, cards.message_card(told, "", width / scale, fonts))
    return _stack([_picture(card, width, fonts) for card in drawn])


def to_image_tensor(picture: Image) -> torch.Tensor:
    """A picture as ComfyUI's IMAGE: [1, H, W, 3], float32, 0 to 1."""
    import numpy
    import torch

    pixels = numpy.array(picture.convert("RGB"), dtype=numpy.float32) / 255.0
    return torch.from_numpy(pixels)[None]


def _picture(card: Section, width: int, fonts: Fonts) -> Image:
    canvas = Canvas(width, card.height, fonts)
    card.paint(canvas, 0.0)
    return canvas.finish()


def _stack(pictures: Sequence[Image]) -> Image:
    from PIL import Image

    whole = Image.new("RGB", (pictures[0].width, sum(p.height for p in pictures)), GROUND)
    top = 0
    for picture in pictures:
        whole.paste(picture, (0, top))
        top += picture.height
    return whole
