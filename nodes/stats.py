"""Cache Stats: what was computed and what was reused, as text, numbers, JSON and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comfy_api.latest import io

from ..adacache import Trace, dumps
from .plot import draw, to_image_tensor
from .schema import BYPASSED, HandleType, schema
from .server import comfy_server
from .server.run_store import RUNS
from .sweep.graph import before, source

NAME = "Cache Stats"
NO_RUN = (
    "No run was recorded with this model. Connect the value from behind the sampler that uses the model of AdaCache "
    'Patch Model, and choose a preset other than "off".'
)


def upstream(prompt: Mapping[str, Any] | None, node_id: str | None, field: str) -> set[str]:
    """Ids of the nodes that a node's input depends on, in a queued graph of the host's API form."""
    nodes = prompt or {}
    first = source(nodes.get(str(node_id), {}).get("inputs", {}).get(field))
    return set(before(nodes, first)) if first is not None else set()


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
                io.AnyType.Output("value_out", display_name="value", tooltip="The value, unchanged."),
                io.String.Output("summary", display_name="summary", tooltip="The run in plain words."),
                io.Int.Output("computed", display_name="computed", tooltip="Steps that were computed."),
                io.Int.Output("reused", display_name="reused", tooltip="Steps that reused the cache."),
                io.Float.Output(
                    "speed_up",
                    display_name="speed_up",
                    tooltip="How many times faster, estimated from the computed steps.",
                ),
                io.String.Output("trace", display_name="trace", tooltip="All numbers of the run, as JSON."),
                io.Image.Output("plot", display_name="plot", tooltip="The run as a picture."),
                io.String.Output(
                    "schedule",
                    display_name="schedule",
                    tooltip="Which steps of the last run were computed, as text for the locked_schedule of AdaCache "
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
