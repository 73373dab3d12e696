"""Cache Stats: what was computed and what was reused, as text, numbers, JSON and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comfy_api.latest import io

from ..adacache import Trace, dumps
from .plot import draw, to_image_tensor
from .schema import BYPASSED, HandleType, output, schema
from .server import comfy_server
from .server.run_store import RUNS
from .sweep.graph import upstream

NAME = "Cache Stats"
NO_RUN = (
    "No run was recorded with this model. Connect the value from behind the sampler that uses the model of AdaCache "
    'Patch Model, and choose a preset other than "off".'
)


def speed_up(traces: Sequence[Trace]) -> float:
    """Estimated seconds without a cache over the seconds taken, of all runs together."""
    if not any(trace.saves for trace in traces):
        return 1.0
    taken = sum(trace.seconds for trace in traces)
    return sum(trace.estimated_seconds for trace in traces) / taken if taken else 1.0


class AdaCacheStats(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="AdaCacheStats",
            display_name=NAME,
            description="Shows which steps were computed and which were reused, and how much time that saved. "
            "Connect any value from behind the sampler; it passes through unchanged.",
            inputs=[
                io.AnyType.Input(
                    "value", tooltip="Anything that comes after the sampler, such as its latent or the decoded images."
                ),
                HandleType.Input(
                    "handle",
                    optional=True,
                    tooltip="The handle of AdaCache Patch Model. None comes from a bypassed one.",
                ),
            ],
            outputs=[
                output(io.AnyType, "value_out", "The value, unchanged.", "value"),
                output(io.String, "summary", "The run in plain words."),
                output(io.Int, "computed", "Steps that were computed."),
                output(io.Int, "reused", "Steps that reused the cache."),
                output(io.Float, "speed_up", "How many times faster, estimated from the computed steps."),
                output(io.String, "trace", "All numbers of the run, as JSON."),
                output(io.Image, "plot", "The run as a picture."),
                output(
                    io.String,
                    "schedule",
                    "Which steps of the last run were computed, as text for the locked_schedule of AdaCache "
                    "Patch Model. Empty if it did not come to its end.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, value: Any, handle: str | None = None) -> io.NodeOutput:
        samplers = upstream(cls.hidden.prompt, cls.hidden.unique_id, "value")
        prompt_id, _ = comfy_server.executing()
        traces = RUNS.find(handle, prompt_id, samplers) if handle else []
        summary = "\n\n".join(trace.summary() for trace in traces) or (NO_RUN if handle else BYPASSED)
        plot = to_image_tensor(draw(traces))
        return io.NodeOutput(
            value,
            summary,
            sum(trace.computed for trace in traces),
            sum(trace.reused for trace in traces),
            speed_up(traces),
            dumps(traces),
            plot,
            traces[-1].locked_text if traces else "",
            ui={"text": (summary,), "runs": tuple(trace.info.run_id for trace in traces)},
        )
