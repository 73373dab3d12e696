"""The inner node of a sweep that holds what one setting made: its video, its runs and how close it came."""

from __future__ import annotations

from dataclasses import dataclass

from comfy_api.latest import io
from torch import Tensor

from ...adacache import Trace
from ..host import compat
from ..metrics import Scores, check, not_finite, score
from ..plot.row import Row
from ..plot.words import clean
from ..schema import HandleType, inner_schema, output
from ..server import comfy_server
from ..server.run_store import RUNS
from .graph import upstream

MOST_MODELS = 4
"""Patched models that one video may depend on, such as the two of Wan 2.2."""
HANDLES = ["handle", *(f"handle_{n}" for n in range(2, MOST_MODELS + 1))]

TakeType = io.Custom("ADACACHE_TAKE")


@dataclass(frozen=True)
class Take:
    """One setting's video.

    Attributes:
        name: the setting in words; `mark`: the same in short.
        images: [frames, height, width, channels], 0 to 1.
        traces: its runs, in the order in which they ran.
        scores: against the uncached video; None for that video itself, and where it could not be compared.
        unmeasured: why it could not, or "".
    """

    name: str
    mark: str
    images: Tensor
    traces: list[Trace]
    scores: Scores | None = None
    unmeasured: str = ""

    @property
    def seconds(self) -> float | None:
        return sum(trace.seconds for trace in self.traces) if self.traces else None

    def row(self, reference: Take | None = None) -> Row:
        """What is told of it; the speed-up is that over `reference`."""
        seconds, whole = self.seconds, reference.seconds if reference else None
        notes = [self.unmeasured] if self.unmeasured else []
        notes += [f"{trace.stopped.lower()}: {trace.note}" for trace in self.traces if trace.note]
        return Row(
            name=self.name,
            mark=self.mark,
            computed=sum(trace.computed for trace in self.traces),
            of=sum(len(trace.records) for trace in self.traces),
            seconds=seconds,
            speed_up=whole / seconds if whole and seconds else None,
            psnr=self.scores.psnr.overall if self.scores else None,
            ssim=self.scores.ssim.overall if self.scores else None,
            equal=bool(self.scores and self.scores.equal),
            measured=not self.unmeasured,
            note=clean(notes[0], 300) if notes else "",
            unit="evaluations" if any(trace.unit == "evaluations" for trace in self.traces) else "steps",
        )


class AdaCacheSweepTake(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        handles = [
            HandleType.Input(field, optional=field != "handle", tooltip="A patched model that the video depends on.")
            for field in HANDLES
        ]
        return inner_schema(
            node_id="AdaCacheSweepTake",
            display_name="AdaCache Sweep, one video (inner)",
            description="AdaCache Sweep puts this behind every video that it makes. It is not for use by hand.",
            inputs=[
                io.Image.Input("images", tooltip="The video of this setting."),
                io.String.Input("name", default="", tooltip="The setting in words."),
                io.String.Input("mark", default="", tooltip="The setting in short."),
                *handles,
                TakeType.Input("reference", optional=True, tooltip="The uncached video."),
            ],
            outputs=[output(TakeType, "take", "The video with its numbers.")],
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
        )

    @classmethod
    def execute(
        cls, images: Tensor, name: str, mark: str, reference: Take | None = None, **handles: str
    ) -> io.NodeOutput:
        if reference is not None:
            check(name, images, reference.name, reference.images)
        prompt_id, _ = comfy_server.executing()
        nodes = comfy_server.nodes_of(cls.hidden.dynprompt)
        ours = upstream(nodes, cls.hidden.unique_id, "images") or None
        # Two patch nodes with equal settings are one for the host, and have one handle.
        known = dict.fromkeys(handle for handle in handles.values() if handle)
        traces = [trace for handle in known for trace in RUNS.find(handle, prompt_id, ours)]
        traces.sort(key=lambda trace: trace.info.started)
        scores, unmeasured = None, ""
        if reference is not None:
            unmeasured = not_finite(name, images) or not_finite(reference.name, reference.images)
        if reference is not None and not unmeasured:
            done = compat.progress(len(images))
            scores = score(images, reference.images, compat.device(), done, deep=False)
        take = Take(name, mark, images, traces, scores, unmeasured)
        return io.NodeOutput(take, ui={"text": (take.row(reference).line(),)})  # on AdaCache Sweep, as the sheet's is
