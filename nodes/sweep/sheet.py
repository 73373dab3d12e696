"""The inner node of a sweep that draws the sheet and the plot."""

from __future__ import annotations

import json
from typing import Any

import numpy
from comfy_api.latest import io, ui

from ...adacache.trace.trace import VERSION
from ..plot import to_image_tensor
from ..plot.contact import contact_sheet
from ..plot.quality import AGAINST, quality
from ..plot.row import Row, table
from ..schema import inner_schema, output
from .take import Take, TakeType
from .values import MOST_VALUES

FIELDS = [f"take_{n}" for n in range(1, MOST_VALUES + 1)]


class AdaCacheSweepSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return inner_schema(
            node_id="AdaCacheSweepSheet",
            display_name="AdaCache Sweep, the sheet (inner)",
            description="AdaCache Sweep puts this behind all videos that it makes. It is not for use by hand.",
            inputs=[
                TakeType.Input("reference", tooltip="The uncached video."),
                io.String.Input("title", default="", tooltip="What is varied."),
                io.String.Input("about", default="", tooltip="What is not."),
                io.Int.Input("frames", default=5, min=1, max=16, tooltip="Frames in a row."),
                io.Combo.Input(
                    "plot_against", options=list(AGAINST), tooltip="What the plot has along its lower edge."
                ),
                *(TakeType.Input(field, optional=True, tooltip="A setting's video.") for field in FIELDS),
            ],
            outputs=[
                output(io.Image, "sheet", "The frames of all settings."),
                output(io.Image, "plot", "Quality against what it cost."),
                output(io.String, "table", "The numbers as a table."),
                output(io.String, "traces", "The numbers and all runs as JSON."),
            ],
            is_output_node=True,  # so that it shows its pictures on AdaCache Sweep
        )

    @classmethod
    def execute(
        cls, reference: Take, title: str, about: str, frames: int, plot_against: str, **others: Take
    ) -> io.NodeOutput:
        takes = [reference, *(others[field] for field in FIELDS if others.get(field) is not None)]
        rows = [take.row(reference) for take in takes]
        moments = evenly(len(reference.images), frames)
        sheet = contact_sheet(title, _about(about, reference), rows, [_frames(t, moments) for t in takes], moments)
        images = [to_image_tensor(picture) for picture in (sheet, quality(title, rows, plot_against))]
        words = "\n".join(row.line() for row in rows)
        saved = [one for image in images for one in ui.PreviewImage(image, cls=cls).as_dict()["images"]]
        return io.NodeOutput(
            *images,
            table(rows),
            as_json(title, rows, takes),
            ui={"images": saved, "animated": (False,), "text": (words,)},
        )


def evenly(count: int, wanted: int) -> list[int]:
    """Evenly chosen frames from the first to the last, from 0; the middle one where a single one is wanted."""
    if wanted == 1:
        return [count // 2]
    return sorted({round(n * (count - 1) / (wanted - 1)) for n in range(wanted)})


def _frames(take: Take, moments: list[int]) -> list[numpy.ndarray]:
    frames = (take.images[moment][..., :3].float().nan_to_num().clamp(0, 1) for moment in moments)
    return [(frame * 255).round().byte().cpu().numpy() for frame in frames]


def _about(about: str, reference: Take) -> str:
    count, height, width = reference.images.shape[:3]
    size = f"{count} frames of {width} x {height}" if count > 1 else f"{width} x {height}"
    return " · ".join(part for part in (about, size, "seconds of the samplers") if part)


def as_json(title: str, rows: list[Row], takes: list[Take]) -> str:
    """Per setting its numbers and its runs as Cache Stats gives them; the uncached one first."""
    names = ("name", "computed", "of", "unit", "seconds", "speed_up", "psnr", "ssim", "equal", "note")
    found: list[dict[str, Any]] = [
        {name: getattr(row, name) for name in names} | {"runs": [trace.as_json() for trace in take.traces]}
        for row, take in zip(rows, takes, strict=True)
    ]
    return json.dumps({"version": VERSION, "vary": title, "rows": found}, allow_nan=False)
