"""AdaCache Patch Ray Actors: between the model loader and the sampler of a pack that samples on several GPUs."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import uuid4

from comfy_api.latest import io

from .host import ray_workers
from .patch import FOUND_BY, AdaCachePatchModel, plan_of, settings_of
from .schema import HandleType, checked, errors_of, output, schema
from .server import comfy_server
from .server.worker_feed import Desk, Place
from .sweep.graph import source

NAME = "AdaCache Patch Ray Actors"
RayActorsType = io.Custom("RAY_ACTORS")
LOADED_SINCE = (
    "each of the workers holds one model, and another was loaded or patched since this sampler's: change a value of "
    "its model loader, so that it loads again"
)
PASSES_ON = ("RAY_ACTORS", "RAY_GUIDER", "*")
"""Types of the links by which workers come to a sampler."""


class AdaCachePatchRayActors(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            found_by=(*FOUND_BY, "raylight", "multi gpu", "several gpus"),
            node_id="AdaCachePatchRayActors",
            display_name=NAME,
            description="AdaCache Patch Model for the Ray workers of Raylight, which sample one video on several GPUs: "
            "steps that would change little reuse what the last computed step added. Put it between Raylight's model "
            "loader and its sampler.",
            inputs=[
                RayActorsType.Input("ray_actors", tooltip="The workers with the video model to speed up."),
                *AdaCachePatchModel.define_schema().inputs[1:],
            ],
            outputs=[
                output(RayActorsType, "patched_ray_actors", "Connect it to Raylight's sampler.", "ray_actors"),
                output(HandleType, "handle", "Connect it to Cache Stats."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, locked_schedule: str | None = None) -> bool | str:
        return checked(NAME, locked_schedule, plan_of)

    @classmethod
    def execute(cls, ray_actors: Any, *fields: Any, **named: Any) -> io.NodeOutput:
        """See `settings_of`."""
        handle = uuid4().hex
        with errors_of(NAME):
            settings = settings_of(*fields, **named)
        ray_workers.patch(ray_actors, settings, handle, desk().address, cls.hidden.unique_id or "")
        return io.NodeOutput(ray_actors, handle)


@cache
def desk() -> Desk:
    """The one of this process; there is none until a worker is patched."""
    return Desk(place_of)


def place_of(node_id: str) -> Place | None:
    """The sampler that runs now, for the node that patched a worker's model last; None where it is bypassed or gone."""
    prompt_id, nodes, running = comfy_server.running()
    patching = {one: patching_of(nodes, one) for one in running}
    for sampler, by in patching.items():
        if by == node_id:
            return Place(prompt_id, sampler)
    for sampler, by in patching.items():
        if by:
            return Place(prompt_id, sampler, LOADED_SINCE)
    return None if running else Place()


def patching_of(nodes: dict[str, Any], sampler: str) -> str | None:
    """The node of this kind whose workers come to a node, or None."""
    waiting, seen = [sampler], set()
    while waiting:
        one = waiting.pop(0)
        if one in seen or one not in nodes:
            continue
        seen.add(one)
        if nodes[one]["class_type"] == AdaCachePatchRayActors.__name__:
            return one
        links = [value for value in nodes[one].get("inputs", {}).values() if source(value) is not None]
        waiting += [str(found) for found, slot in links if _type(nodes, str(found), slot) in PASSES_ON]
    return None


def _type(nodes: dict[str, Any], node_id: str, slot: int) -> str:
    """The type of a node's output."""
    kinds = getattr(comfy_server.node_class(nodes.get(node_id, {}).get("class_type", "")), "RETURN_TYPES", ())
    return str(kinds[slot]) if slot < len(kinds) else ""


def register_beside_raylight() -> None:
    """Register the node where Raylight is loaded: without it, nothing gives such workers."""
    if comfy_server.node_class("RayUNETLoader") is not None:
        comfy_server.add_node(AdaCachePatchRayActors, like="AdaCachePatchModel")
