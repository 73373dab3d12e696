"""Two videos in one picture per frame: beside each other, as a wipe, and as a heat map of what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import heat
from .canvas import GROUND, RULE, SOFT, TEXT, Canvas, Fonts
from .layout import Box

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

BESIDE, WIPE, HEAT, ALL = "side by side", "wipe", "heat map", "side by side and heat map"
VIEWS = (ALL, BESIDE, WIPE, HEAT)
PANELS = {ALL: ("reference", "video", "heat"), BESIDE: ("reference", "video"), WIPE: ("wipe",), HEAT: ("heat",)}

# Pixels. Smaller frames are enlarged, so that what is written beside them can be read; larger pictures are reduced.
NARROWEST, WIDEST, TALLEST = 400, 1800, 1200
EDGE, GAP = 20, 14
HEAD, FOOT = 46, 52
SIZE = 20.0


@dataclass(frozen=True)
class Look:
    """How all pictures of a video are drawn.

    Attributes:
        view: one of VIEWS.
        wipe: where the wipe parts the frame, from 0 (all video) to 1 (all reference).
        most: the difference, of 0 to 1, that has the heat map's last colour.
    """

    view: str = ALL
    wipe: float = 0.5
    most: float = 0.2


def picture(reference: numpy.ndarray, video: numpy.ndarray, look: Look, caption: Sequence[str]) -> Image:
    """One frame of both as an RGB picture of even width and height.

    Args:
        reference, video: [height, width, 3], 0 to 1.
        caption: what is written below, such as the frame's number and its scores; as much as there is room for.
    """
    from PIL import Image

    names = PANELS[look.view]
    width, height = _panel(reference.shape[1], reference.shape[0], len(names))
    whole_width = _even(max(2 * EDGE + len(names) * (width + GAP) - GAP, 2 * EDGE + NARROWEST))
    whole = Image.new("RGB", (whole_width, _even(HEAD + height + FOOT)), GROUND)
    fonts = Fonts(1.0)
    head, foot = Canvas(whole_width, HEAD, fonts), Canvas(whole_width, FOOT, fonts)
    left = (whole_width - len(names) * (width + GAP) + GAP) // 2
    for n, name in enumerate(names):
        box = Box(left + n * (width + GAP), 0, width, height)
        whole.paste(
            _image(name, reference, video, look).resize((width, height), Image.Resampling.LANCZOS),
            (int(box.left), HEAD),
        )
        _title(head, fonts, name, box, look.most)
    parted = left + round(width * look.wipe)
    if look.view == WIPE:
        whole.paste(TEXT, (max(left, parted - 1), HEAD, min(left + width, parted + 1), HEAD + height))
    _below(foot, fonts, caption, EDGE, whole_width - 2 * EDGE)
    whole.paste(head.finish(), (0, 0))
    whole.paste(foot.finish(), (0, HEAD + height))
    return whole


def _panel(width: int, height: int, count: int) -> tuple[int, int]:
    """Pixels of one panel."""
    room = (WIDEST - 2 * EDGE - (count - 1) * GAP) / count
    scale = min(max(1.0, NARROWEST / width), room / width, TALLEST / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _even(size: float) -> int:
    """Video files want even sizes."""
    return int(size) + int(size) % 2


def _image(name: str, reference: numpy.ndarray, video: numpy.ndarray, look: Look) -> Image:
    import numpy
    from PIL import Image

    if name == "heat":
        return Image.fromarray(heat.colours(heat.difference(video, reference), look.most))
    pixels = {"reference": reference, "video": video}.get(name)
    if pixels is None:
        parted = round(reference.shape[1] * look.wipe)
        pixels = numpy.concatenate([reference[:, :parted], video[:, parted:]], axis=1)
    return Image.fromarray((pixels * 255).round().astype(numpy.uint8))


def _title(canvas: Canvas, fonts: Fonts, name: str, box: Box, most: float) -> None:
    """What a panel shows, and the scale of the heat map."""
    baseline = HEAD - 15.0
    if name == "wipe":
        canvas.text(box.left, baseline, "reference", SIZE, TEXT)
        canvas.text(box.right, baseline, "video", SIZE, TEXT, 1)
    elif name == "heat":
        canvas.text(box.left, baseline, "difference", SIZE, TEXT)
        most_in_words = f"{most:.2g} and more"
        after = box.right - fonts.width(most_in_words, SIZE)
        before = box.left + fonts.width("difference", SIZE) + 30 + fonts.width("0", SIZE)
        long = min(200.0, after - before - 24)
        canvas.text(after, baseline, most_in_words, SIZE, SOFT)
        if long >= 30:
            bar = Box(after - 12 - long, baseline - 14, long, 14)
            canvas.text(bar.left - 12, baseline, "0", SIZE, SOFT, 1)
            heat.bar(canvas, bar)
            canvas.rectangle(bar, None, RULE)
    else:
        canvas.text(box.left, baseline, name, SIZE, TEXT)


def _below(canvas: Canvas, fonts: Fonts, caption: Sequence[str], left: float, room: float) -> None:
    parts = list(caption)
    while len(parts) > 1 and fonts.width(" · ".join(parts), SIZE) > room:
        parts.pop()
    canvas.text(left, 32, fonts.fit(" · ".join(parts), SIZE, room), SIZE, SOFT)
