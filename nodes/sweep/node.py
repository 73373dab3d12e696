"""AdaCache Sweep: one graph with several settings, beside each other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from comfy_api.latest import io

from ...adacache.trace.trace import VERSION
from ..patch import NAME as PATCH_NAME
from ..patch import OFF, AdaCachePatchModel
from ..plot import draw, to_image_tensor
from ..plot.quality import AGAINST
from ..schema import BYPASSED, HandleType, errors_of, output, schema
from ..server import comfy_server
from ..stats import AdaCacheStats
from .graph import Clones, Nodes, before, source, without_passing
from .sheet import FIELDS
from .take import HANDLES, MOST_MODELS
from .values import MEASURE, MOST_VALUES, VARIED, Value, fits, named, parse

NAME = "AdaCache Sweep"
PATCH = AdaCachePatchModel.__name__
UNCACHED = "uncached"
MOST_FRAMES = 16


class AdaCacheSweep(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            found_by=("compare settings", "grid", "xy plot"),
            advanced=("frames", "plot_against"),
            node_id="AdaCacheSweep",
            display_name=NAME,
            description="Makes the video with several settings of AdaCache Patch Model and once without caching, and "
            "lays them beside each other, so that the setting can be chosen by eye. Put it at the end of the graph.",
            inputs=[
                io.Image.Input(
                    "images",
                    lazy=True,
                    tooltip="The decoded video. The graph's own setting is only sampled if it is one of the values, or "
                    "if another node wants it.",
                ),
                HandleType.Input(
                    "handle",
                    optional=True,
                    lazy=True,
                    tooltip="The handle of the AdaCache Patch Model to vary. None comes from a bypassed one; the sheet "
                    "then is the video.",
                ),
                io.Combo.Input(
                    "vary",
                    options=list(VARIED),
                    default=VARIED[0],
                    tooltip="Which of the settings of AdaCache Patch Model takes the values below; all others stay as "
                    "they are there.",
                ),
                io.String.Input(
                    "values",
                    default="1 2 4",
                    tooltip="The values to try, such as 1 2 4 8 for the sensitivity, or turbo, fast, balanced for the "
                    f"preset. Up to {MOST_VALUES}; the uncached video comes on its own.",
                ),
                io.Int.Input(
                    "frames",
                    default=5,
                    min=1,
                    max=MOST_FRAMES,
                    tooltip="How many frames of each video the sheet shows, evenly chosen from first to last.",
                ),
                io.Combo.Input(
                    "plot_against",
                    options=list(AGAINST),
                    default=AGAINST[0],
                    tooltip="What the plot has along its lower edge: the seconds that the sampler took, or the steps "
                    "that were computed, which do not depend on what else the machine did.",
                ),
            ],
            outputs=[
                output(io.Image, "sheet", "The frames, a row for each setting."),
                output(io.Image, "plot", "How close each setting came, and what it cost."),
                output(io.String, "table", "The numbers as a table, in Markdown."),
                output(io.String, "traces", "The numbers and all runs, as JSON."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
            is_output_node=True,
            enable_expand=True,
        )

    @classmethod
    def check_lazy_status(cls, images: Any = None, **given: Any) -> list[str]:
        """The graph's own video is wanted only where there is nothing to vary."""
        return ["images"] if "handle" not in given and images is None else []

    @classmethod
    def execute(
        cls, vary: str, values: str, frames: int, plot_against: str, images: Any = None, handle: Any = None
    ) -> io.NodeOutput:
        nodes = comfy_server.nodes_of(cls.hidden.dynprompt)
        if "handle" not in nodes[str(cls.hidden.unique_id)]["inputs"]:
            return bypassed(vary, images)
        with errors_of(NAME):
            if not 1 <= frames <= MOST_FRAMES:
                raise ValueError(f"frames: {frames}; allowed: 1 to {MOST_FRAMES}")
            if plot_against not in AGAINST:
                raise ValueError(f"plot_against: {plot_against!r} is unknown; allowed: {', '.join(AGAINST)}")
            sweep_id = str(cls.hidden.unique_id)
            links, builder = expansion(nodes, sweep_id, vary, parse(vary, values), frames, plot_against)
        return io.NodeOutput(*links, expand=builder.finalize())


def bypassed(vary: str, images: Any) -> io.NodeOutput:
    """What comes out where there is nothing to vary: the video as the sheet, and no row."""
    nothing = json.dumps({"version": VERSION, "vary": vary, "rows": []})
    return io.NodeOutput(images, to_image_tensor(draw([])), BYPASSED, nothing, ui={"text": (BYPASSED,)})


def expansion(
    nodes: Nodes, sweep_id: str, vary: str, values: list[Value], frames: int, plot_against: str
) -> tuple[list[Any], Any]:
    """The nodes that a sweep adds to the graph while it runs: the links to the results, and their builder.

    Raises: ValueError.
    """
    # Cache Stats passes its value through; it would show every setting's run, one after the other.
    nodes = without_passing(nodes, AdaCacheStats.__name__, "value")
    images = nodes[sweep_id]["inputs"]["images"]
    patch = patch_of(nodes, nodes[sweep_id]["inputs"]["handle"])
    patches = patches_of(nodes, patch, images)
    own = nodes[patch]["inputs"]
    fits(vary, own)
    builder = comfy_server.graph_builder()
    clones = Clones(nodes, builder, comfy_server.is_output)

    def take(number: int, name: str, mark: str, changes: Mapping[str, Mapping[str, Any]], **compared: Any) -> list[Any]:
        # The browser reads "take 2 of 5" from the ids of the nodes that run (web/setting.js).
        key = f"{number}of{1 + len(values)}-" + re.sub(r"[^0-9A-Za-z]+", "-", name)
        moved: Callable[[Any], Any] = clones.change(key, changes, images)
        handles = {field: moved([one, 1]) for field, one in zip(HANDLES, patches, strict=False)}
        inputs = {"images": moved(images), "name": name, "mark": mark, **handles, **compared}
        return builder.node("AdaCacheSweepTake", f"{key}.take", **inputs).out(0)

    measured: dict[str, dict[str, Any]] = {one: {"preset": MEASURE} for one in patches}
    reference = take(1, UNCACHED, UNCACHED, measured)
    # One that is off records nothing; measuring gives the same video, and its steps count.
    others = {one: new for one, new in measured.items() if nodes[one]["inputs"].get("preset") == OFF and one != patch}
    takes = {}
    for number, (field, value) in enumerate(zip(FIELDS, values, strict=False), 2):
        mark = value if isinstance(value, str) else f"{value:g}"
        changes = {**others, patch: {vary: value}}
        takes[field] = take(number, named(vary, value), mark, changes, reference=reference)
    fixed = [name for name in ("preset", "sensitivity") if name != vary and not source(own.get(name))]
    about = [f"{name} {own[name]:g}" if name == "sensitivity" else f"{name} {own[name]}" for name in fixed]
    # The host runs what comes last first.
    given = {"frames": frames, "plot_against": plot_against, **dict(reversed(takes.items()))}
    title = {"title": vary, "about": " · ".join(about)}
    sheet = builder.node("AdaCacheSweepSheet", "sheet", reference=reference, **title, **given)
    return [sheet.out(slot) for slot in range(4)], builder


def patch_of(nodes: Nodes, handle: Any) -> str:
    """The patch node that a handle comes from, through whatever passes it on. Raises: ValueError."""
    for one in before(nodes, source(handle) or ""):
        if nodes[one].get("class_type") == PATCH:
            return one
    raise ValueError(f"handle: it does not come from {PATCH_NAME}; connect the handle of that node")


def patches_of(nodes: Nodes, patch: str, images: Any) -> list[str]:
    """All patch nodes that a video depends on, the one to vary first. Raises: ValueError."""
    found = [one for one in before(nodes, source(images) or "") if nodes[one].get("class_type") == PATCH]
    if patch not in found:
        raise ValueError(
            f"images: they do not come from a sampler that uses the model of the {PATCH_NAME} of the handle; "
            "connect the decoded video of that sampler"
        )
    if len(found) > MOST_MODELS:
        raise ValueError(f"images: they depend on {len(found)} nodes {PATCH_NAME}; allowed: up to {MOST_MODELS}")
    return [patch, *(one for one in found if one != patch)]
