"""Draws the icon and the banner of the registry's page, and the row of bars that they share with the thumbnails.

    .venv/bin/python -m demo.brand

Look at the pictures before you keep them.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from demo import host

FOLDER = host.REPO / "docs" / "pictures"
PAPER, INK, PALE = "#14161b", "#f4f5f7", "#9aa3b2"
COMPUTED, REUSED = "#f0a020", "#56b4e9"  # as in the panel
BALANCED = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 11, 14, 17, 21, 25, 28, 30))
FINE = 4  # drawn so many times larger, then made smaller: soft edges


def bars(draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], computed: Sequence[bool]) -> None:
    """A bar for each step: high and orange where it is computed, low and blue where it is reused."""
    left, top, right, bottom = box
    pitch = (right - left) / len(computed)
    for step, whole in enumerate(computed):
        x = left + pitch * (step + 0.14)
        y = top if whole else bottom - 0.4 * (bottom - top)
        wide = pitch * 0.72
        draw.rounded_rectangle((x, y, x + wide, bottom), wide * 0.3, COMPUTED if whole else REUSED)


def icon(side: int = 400) -> Image.Image:
    """A rounded square with seven steps."""
    large = side * FINE
    picture = Image.new("RGBA", (large, large))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, large - 1, large - 1), large * 0.2, PAPER)
    steps = (True, True, False, True, False, False, True)
    bars(draw, (large * 0.13, large * 0.26, large * 0.87, large * 0.74), steps)
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def banner(width: int = 1680, height: int = 720) -> Image.Image:
    """21:9, with the name, what it does, and the plan of a preset."""
    picture = Image.new("RGB", (width * 2, height * 2), PAPER)
    draw = ImageDraw.Draw(picture)
    left, right = width * 0.16, width * 1.84
    draw.text((left, height * 0.34), "AdaCache", INK, ImageFont.load_default(300), anchor="lt")
    words = "the same video, with half of the steps computed"
    draw.text((left, height * 0.86), words, PALE, ImageFont.load_default(84), anchor="lt")
    bars(draw, (left, height * 1.2, right, height * 1.7), [step + 1 in BALANCED for step in range(30)])
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def main() -> None:
    """Command line."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    icon().save(FOLDER / "icon.png", optimize=True)
    banner().quantize(64).save(FOLDER / "banner.png", optimize=True)


if __name__ == "__main__":
    main()
