"""AdaCache Compare: how far a video is from another one, in numbers, in a picture and in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import torch
from comfy_api.latest import io, ui
from torch import Tensor

from .host import compat
from .metrics import Scores, check, not_finite, score
from .plot import to_image_tensor
from .plot.versus import ALL, VIEWS, Look, picture
from .schema import errors_of, output, schema, share
from .verdict import as_json, report, with_unit

NAME = "AdaCache Compare"
DEFAULT = Look()


class AdaCacheCompare(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            found_by=("psnr", "ssim", "lpips", "difference", "video quality"),
            advanced=("wipe_at", "heat_max"),
            node_id="AdaCacheCompare",
            display_name=NAME,
            description="Says how far a cached video is from the uncached one: PSNR, SSIM and LPIPS per frame, a "
            "picture of the difference, and a verdict in words.",
            inputs=[
                io.Image.Input("images", tooltip="The video to judge, decoded."),
                io.Image.Input(
                    "reference",
                    tooltip="The video to judge it by, such as the uncached one of the same seed. It needs as many "
                    "frames, and of the same size.",
                ),
                io.Combo.Input(
                    "view",
                    options=list(VIEWS),
                    default=ALL,
                    tooltip="What the picture shows: the reference and the video beside each other, with or without "
                    "the heat map; the reference at the left and the video at the right of one frame (wipe); or the "
                    "heat map alone.",
                ),
                share(
                    "wipe_at",
                    DEFAULT.wipe,
                    "Only for the wipe: where it parts the frame. 0 shows the video alone, 1 the reference.",
                    0.05,
                ),
                share(
                    "heat_max",
                    DEFAULT.most,
                    "The difference that the heat map shows as white, where 1 is that of black and white. The "
                    "same value makes the pictures of two videos comparable. 0 takes the largest difference there is.",
                    0.05,
                ),
                io.Image.Input(
                    "another_seed",
                    optional=True,
                    tooltip="The uncached video of another seed. The verdict then says how much of the difference that "
                    "another seed makes the caching makes.",
                ),
            ],
            outputs=[
                output(io.Image, "picture", "One picture per frame."),
                output(io.Float, "psnr", "In dB, over all frames; higher is closer. Equal videos have 100."),
                output(io.Float, "ssim", "The mean over the frames; 1 is equal. -1: not measured."),
                output(
                    io.Float,
                    "lpips",
                    "The mean over the frames; 0 is equal. -1: not measured, and the report says why.",
                ),
                output(io.String, "report", "The verdict in words, and the worst frame."),
                output(io.String, "numbers", "All numbers, per frame and overall, as JSON."),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        images: Tensor,
        reference: Tensor,
        view: str,
        wipe_at: float,
        heat_max: float,
        another_seed: Tensor | None = None,
    ) -> io.NodeOutput:
        with errors_of(NAME):
            videos = {"images": images, "reference": reference, "another_seed": another_seed}
            for field, video in videos.items():
                if video is not None:
                    check(field, video, "reference", reference)
                    if wrong := not_finite(field, video):
                        raise ValueError(wrong)
            if view not in VIEWS:
                raise ValueError(f"view: {view!r} is unknown; allowed: {', '.join(VIEWS)}")
            for field, value in (("wipe_at", wipe_at), ("heat_max", heat_max)):
                if not 0 <= value <= 1:
                    raise ValueError(f"{field}: {value:g}; allowed: 0 to 1")
        runs = 3 if another_seed is not None else 2
        total, done = runs * len(images), compat.progress(runs * len(images))
        device = compat.device()
        ours = score(images, reference, device, lambda n, _: done(n, total))
        floor = None
        if another_seed is not None:
            floor = score(another_seed, reference, device, lambda n, _: done(len(images) + n, total))
        look = Look(view, wipe_at, heat_max or largest(images, reference))
        pictures = []
        for n, drawn in enumerate(draw(images, reference, ours, look), 1):
            pictures.append(drawn)
            done(total - len(images) + n, total)
        words = report(ours, floor)
        # The frame to look at: all of them would fill the node with small pictures.
        preview = ui.PreviewImage(pictures[ours.worst], cls=cls).as_dict()
        return io.NodeOutput(
            torch.cat(pictures),
            ours.psnr.number(),
            ours.ssim.number(),
            ours.lpips.number(),
            words,
            json.dumps(as_json(ours, floor), allow_nan=False),
            ui={**preview, "text": (words,)},
        )


def largest(images: Tensor, reference: Tensor) -> float:
    """The largest difference there is, never 0."""
    return max(1e-6, *(float((a - b).abs().max()) for a, b in zip(images[..., :3], reference[..., :3], strict=True)))


def draw(images: Tensor, reference: Tensor, scores: Scores, look: Look) -> Iterator[Tensor]:
    """A picture per frame, [1, height, width, 3]."""
    for n, (ours, theirs) in enumerate(zip(images, reference, strict=True)):
        pixels: list[Any] = [frame[..., :3].float().clamp(0, 1).cpu().numpy() for frame in (theirs, ours)]
        caption = [f"frame {n + 1} of {len(images)}"]
        for name, measure in scores._asdict().items():
            caption += [f"{name.upper()} {with_unit(name, measure.frames[n])}"] if measure.frames else []
        yield to_image_tensor(picture(pixels[0], pixels[1], look, caption))
