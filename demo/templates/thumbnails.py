"""Takes the example workflows' thumbnails: videos of the demo's model, and which of their steps were computed.

    .venv/bin/python -m demo.templates.thumbnails

Each picture shows what its workflow does. The models are large ones, whose videos are not ours to make here.
Look at the pictures before you keep them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from demo import host
from demo.brand import COMPUTED, INK, PAPER, bars
from demo.client import Client
from demo.metrics import Video, decode
from demo.serve import serving
from demo.templates.__main__ import file
from demo.workflow import Caching, Shot, graph

SIDE, STRIP, EDGE = 400, 80, 16
SWEPT, FULL = ("turbo", "fast", "balanced", "near-lossless"), "measure only"
PUBLISHED = "as published (fast)"
SHOWN = 320  # pixels of the files: all of them travel with the pack
SAVED = {"quality": 70, "optimize": True}


@dataclass(frozen=True)
class Take:
    """A video and which of its steps were computed."""

    frames: Video
    computed: Sequence[bool]

    @property
    def traced(self) -> Image.Image:
        """What moves, at several moments in one picture."""
        frames = self.frames.astype(np.float32)
        ground = np.median(frames, axis=(0, 1, 2))
        there = np.clip(np.abs(frames - ground).max(-1, keepdims=True) / 25 - 1, 0, 1)
        free = np.where(there > 0, np.nan, frames)
        picture = np.where(np.isnan(free).all(0), ground, np.nan_to_num(np.nanmean(free, axis=0)))
        moments = (0, 8, 16, 24, 32)
        for number, moment in enumerate(moments, 1):
            share = there[moment] * number / len(moments)
            picture = picture * (1 - share) + frames[moment] * share
        return Image.fromarray(picture.round().astype(np.uint8))

    @property
    def card(self) -> Image.Image:
        """What moves, over the steps."""
        return card(self.traced, self.computed)

    @property
    def middle(self) -> Image.Image:
        """Its middle frame."""
        return Image.fromarray(self.frames[len(self.frames) // 2])


def card(picture: Image.Image, computed: Sequence[bool]) -> Image.Image:
    """A square: a picture over the steps that it took."""
    whole = Image.new("RGB", (SIDE, SIDE), PAPER)
    high = SIDE - STRIP
    whole.paste(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).crop((0, STRIP // 2, SIDE, STRIP // 2 + high)))
    bars(ImageDraw.Draw(whole), (EDGE, high + EDGE, SIDE - EDGE, SIDE - EDGE), computed)
    return whole


def quarters(cards: Sequence[Image.Image]) -> Image.Image:
    """Four squares in one."""
    whole = Image.new("RGB", (SIDE, SIDE), PAPER)
    for number, one in enumerate(cards):
        side = SIDE // 2 - 4
        place = (number % 2 * (SIDE // 2 + 4), number // 2 * (SIDE // 2 + 4))
        whole.paste(one.resize((side, side), Image.Resampling.LANCZOS), place)
    return whole


def framed(picture: Image.Image, colour: str) -> Image.Image:
    """With a border."""
    framed = picture.copy()
    ImageDraw.Draw(framed).rectangle(
        (0, 0, framed.width - 1, framed.height - 1), outline=colour, width=framed.width // 24
    )
    return framed


def inset(whole: Image.Image, small: Image.Image, side: int) -> Image.Image:
    """With a small picture at the upper right: over the upper left the host puts a badge."""
    whole.paste(framed(small.resize((side, side), Image.Resampling.LANCZOS), INK), (SIDE - EDGE - side, EDGE))
    return whole


def from_still(take: Take) -> Image.Image:
    """A still, and the video that comes of it."""
    return inset(take.card, Image.fromarray(take.frames[0]), 130)


def wiped(cached: Take, uncached: Take) -> Image.Image:
    """The cached video at the left; at the right how far it is from the uncached one, many times as strong."""
    picture = cached.middle.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    apart = (
        ImageChops.difference(cached.middle, uncached.middle)
        .convert("L")
        .resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    )
    largest = max(apart.getextrema()[1], 1)
    heat = Image.merge(
        "RGB", [apart.point(lambda v, k=k: min(255, round(v * 255 * k / largest))) for k in (2.0, 1.1, 0.6)]
    )
    picture.paste(heat.crop((SIDE // 2, 0, SIDE, SIDE)), (SIDE // 2, 0))
    ImageDraw.Draw(picture).line((SIDE // 2, 0, SIDE // 2, SIDE), INK, 4)
    return card(picture, cached.computed)


def repeated(take: Take) -> Image.Image:
    """A small draft in the corner of the final that takes the same steps."""
    return inset(take.card, take.card, 150)


class Studio:
    """Takes videos with a server."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def take(self, prompt: str, preset: str = "balanced", moreg: bool = False, steps: int = 30, seed: int = 1) -> Take:
        """One video of something that moves fast."""
        shot = replace(Shot(), prompt=f"{prompt}, moving fast", steps=steps, seed=seed)
        done = self.client.run(graph(shot, Caching(preset, 1.0, moreg)))
        (run,) = json.loads(done.outputs["trace"]["text"][0])["runs"]
        frames = decode(map(self.client.fetch, done.outputs["frames"]["images"]))
        return Take(frames, [record["computed"] for record in run["records"]])


def pictures(studio: Studio) -> dict[str, Image.Image]:
    """By workflow."""
    shown, whole = (
        studio.take("one red circle and two yellow stars on a navy background", one) for one in ("balanced", FULL)
    )
    drafts = [studio.take("two purple triangles on a cream background", "turbo", seed=seed) for seed in (1, 2, 3, 4)]
    chosen = 2
    uncached = studio.take("two purple triangles on a cream background", FULL, seed=chosen + 1)
    outlines = [framed(one.card, COMPUTED if number == chosen else PAPER) for number, one in enumerate(drafts)]
    swept = [studio.take("one green star and one blue square on a mint background", preset) for preset in SWEPT]
    published = studio.take("one yellow circle and one red square on a navy background", PUBLISHED, moreg=True)
    locked = studio.take("one blue star and one red square on a cream background", "fast")
    expert = studio.take("one purple circle on a gray background", steps=10)
    quick = {
        name: studio.take(prompt, steps=20)
        for name, prompt in (
            ("wan22_5b_text_to_video", "two green squares on a navy background"),
            ("hunyuan_video_15", "three yellow stars on a gray background"),
            ("ltx2_text_to_video", "one blue circle and one green triangle on a cream background"),
        )
    }
    still = studio.take("one red triangle and one blue circle on a cream background", steps=20)
    return {
        "adacache_demo": studio.take(Shot().prompt.rpartition(",")[0]).card,
        "wan_text_to_video": shown.card,
        "wan_calibrate": quarters([whole.card, whole.card, whole.card, shown.card]),
        "wan_codebook": published.card,
        "wan_sweep": quarters([one.card for one in swept]),
        "wan_compare": wiped(drafts[chosen], uncached),
        "wan_drafts": quarters(outlines),
        "wan_lock_schedule": repeated(locked),
        "wan22_14b_image_to_video": from_still(replace(expert, computed=[*expert.computed, *expert.computed])),
        "minimax_h3_image_to_video": from_still(studio.take("one red star on a mint background", steps=20)),
        "qwen_image": card(still.middle, still.computed),
        **{name: take.card for name, take in quick.items()},
    }


def main() -> None:
    """Command line."""
    with tempfile.TemporaryDirectory() as temp:
        base = host.make_base(Path(temp))
        with serving(base, base / "server.log", "--cpu") as url, Client(url) as client:
            found = pictures(Studio(client))
    for name, picture in found.items():
        shown = picture.resize((SHOWN, SHOWN), Image.Resampling.LANCZOS)
        shown.save(file(name).with_suffix(".jpg"), **SAVED)


if __name__ == "__main__":
    main()
