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
from ..schema import BYPASSED, HandleType, errors_of, schema
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
                io.Image.Output("sheet", display_name="sheet", tooltip="The frames, a row for each setting."),
                io.Image.Output("plot", display_name="plot", tooltip="How close each setting came, and what it cost."),
                io.String.Output("table", display_name="table", tooltip="The numbers as a table, in Markdown."),
                io.String.Output("traces", display_name="traces", tooltip="The numbers and all runs, as JSON."),
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
            expansion = Expansion(nodes, str(cls.hidden.unique_id), vary, parse(vary, values))
        return io.NodeOutput(*expansion.sheet(frames, plot_against), expand=expansion.builder.finalize())


def bypassed(vary: str, images: Any) -> io.NodeOutput:
    """What comes out where there is nothing to vary: the video as the sheet, and no row."""
    nothing = json.dumps({"version": VERSION, "vary": vary, "rows": []})
    return io.NodeOutput(images, to_image_tensor(draw([])), BYPASSED, nothing, ui={"text": (BYPASSED,)})


class Expansion:
    """The nodes that a sweep adds to the graph while it runs."""

    def __init__(self, nodes: Nodes, sweep_id: str, vary: str, values: list[Value]) -> None:
        """
        Raises:
            ValueError: names the field, what was wrong and what is allowed.
        """
        inputs = nodes[sweep_id]["inputs"]
        # Cache Stats passes its value through; it would show every setting's run, one after the other.
        nodes = without_passing(nodes, AdaCacheStats.__name__, "value")
        self.nodes = nodes
        self.vary, self.values = vary, values
        self.images = nodes[sweep_id]["inputs"]["images"]
        self.patch = patch_of(nodes, inputs["handle"])
        self.patches = patches_of(nodes, self.patch, self.images)
        fits(vary, nodes[self.patch]["inputs"])
        self.builder = comfy_server.graph_builder()
        self.clones = Clones(nodes, self.builder, comfy_server.is_output)

    def sheet(self, frames: int, plot_against: str) -> list[Any]:
        """Adds all nodes; gives the links to the results."""
        reference = self._take(1, UNCACHED, UNCACHED, {one: {"preset": MEASURE} for one in self.patches})
        # One that is off records nothing; measuring gives the same video, and its steps count.
        others = {one: {"preset": MEASURE} for one in self.patches if self._preset(one) == OFF and one != self.patch}
        takes = {}
        for number, (field, value) in enumerate(zip(FIELDS, self.values, strict=False), 2):
            mark = value if isinstance(value, str) else f"{value:g}"
            changes: dict[str, dict[str, Any]] = {**others, self.patch: {self.vary: value}}
            takes[field] = self._take(number, named(self.vary, value), mark, changes, reference)
        own = self.nodes[self.patch]["inputs"]
        fixed = [name for name in ("preset", "sensitivity") if name != self.vary and not source(own.get(name))]
        about = [f"{name} {own[name]:g}" if name == "sensitivity" else f"{name} {own[name]}" for name in fixed]
        sheet = self.builder.node(
            "AdaCacheSweepSheet",
            "sheet",
            reference=reference,
            title=self.vary,
            about=" · ".join(about),
            frames=frames,
            plot_against=plot_against,
            # The host runs what comes last first.
            **dict(reversed(takes.items())),
        )
        return [sheet.out(slot) for slot in range(4)]

    def _preset(self, patch: str) -> Any:
        return self.nodes[patch]["inputs"].get("preset")

    def _take(
        self,
        number: int,
        name: str,
        mark: str,
        changes: Mapping[str, Mapping[str, Any]],
        reference: list[Any] | None = None,
    ) -> list[Any]:
        # The browser reads "take 2 of 5" from the ids of the nodes that run (web/setting.js).
        key = f"{number}of{1 + len(self.values)}-" + re.sub(r"[^0-9A-Za-z]+", "-", name)
        moved: Callable[[Any], Any] = self.clones.change(key, changes, self.images)
        handles = {field: moved([one, 1]) for field, one in zip(HANDLES, self.patches, strict=False)}
        compared = {"reference": reference} if reference else {}
        inputs = {"images": moved(self.images), "name": name, "mark": mark, **handles, **compared}
        return self.builder.node("AdaCacheSweepTake", f"{key}.take", **inputs).out(0)


def patch_of(nodes: Nodes, handle: Any) -> str:
    """The patch node that a handle comes from, through whatever passes it on.

    Raises:
        ValueError: where there is none.
    """
    for one in before(nodes, source(handle) or ""):
        if nodes[one].get("class_type") == PATCH:
            return one
    raise ValueError(f"handle: it does not come from {PATCH_NAME}; connect the handle of that node")


def patches_of(nodes: Nodes, patch: str, images: Any) -> list[str]:
    """All patch nodes that a video depends on, the one to vary first.

    Raises:
        ValueError: where the one to vary is not among them, or there are too many.
    """
    found = [one for one in before(nodes, source(images) or "") if nodes[one].get("class_type") == PATCH]
    if patch not in found:
        raise ValueError(
            f"images: they do not come from a sampler that uses the model of the {PATCH_NAME} of the handle; "
            "connect the decoded video of that sampler"
        )
    if len(found) > MOST_MODELS:
        raise ValueError(f"images: they depend on {len(found)} nodes {PATCH_NAME}; allowed: up to {MOST_MODELS}")
    return [patch, *(one for one in found if one != patch)]
