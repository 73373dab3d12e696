"""What tests let workers do with their model; each function runs there, and gets the model first."""

from __future__ import annotations

import os
import sys
from typing import Any

import torch
import torch.distributed as dist


def differing(model: Any, mode: str, rank: int) -> Any:
    """The answers of the second worker's network differ as sums in another order do.

    With CFG parallelism each computes one prompt, and gets the other from its neighbour.
    """

    def around(executor: Any, x: torch.Tensor, timestep: torch.Tensor, context: torch.Tensor, *args: Any, **more: Any):
        if mode != "prompts":
            return executor(x, timestep, context, *args, **more) * (1 + 1e-6 * rank * bool(mode))
        answer = executor(*(one.chunk(2)[rank] for one in (x, timestep, context)), *args, **more)
        both = [torch.empty_like(answer) for _ in range(2)]
        dist.all_gather(both, answer.contiguous())
        return torch.cat(both)

    return wrapped(model, "apart", around)


def dying(model: Any, calls: int) -> Any:
    """The process ends in a call of the network."""
    count = iter(range(calls))

    def around(executor: Any, *args: Any, **more: Any) -> torch.Tensor:
        if next(count, None) is None:
            os._exit(1)
        return executor(*args, **more)

    return wrapped(model, "dying", around)


def wrapped(model: Any, key: str, around: Any) -> Any:
    model = model.clone()
    model.add_wrapper_with_key("diffusion_model", key, around)
    return model


def shifted(model: Any, shift: float) -> Any:
    """As Raylight's node of that name."""
    from comfy_extras.nodes_model_advanced import ModelSamplingSD3

    return ModelSamplingSD3().patch(model, shift)[0]


def marked(model: Any) -> Any:
    """With the wrapper by which PipeFusion is known."""
    model = model.clone()
    model.add_wrapper_with_key("outer_sample", "pipefusion", lambda executor, *args, **more: executor(*args, **more))
    return model


def kept(model: Any, pack: str, handle: str) -> str:
    """The runs of a handle, as this worker has them."""
    runs = sys.modules[f"{pack}.nodes.server.run_store"].RUNS.ended()
    return sys.modules[f"{pack}.adacache"].dumps([trace for trace in runs if trace.info.handle == handle])


def break_in(model: Any, pack: str, place: str, call: int) -> None:
    """A method of ours, such as "answers.Answers.keep", fails once, in one of its calls from 1."""
    module, owner, name = place.split(".")
    cls = getattr(sys.modules[f"{pack}.nodes.host.{module}"], owner)
    whole, count = getattr(cls, name), iter(range(1, 1 << 30))

    def broken(self: Any, *args: Any, **more: Any) -> Any:
        if next(count) == call:
            setattr(cls, name, whole)
            raise RuntimeError("no memory")
        return whole(self, *args, **more)

    setattr(cls, name, broken)


def wrappers_of(model: Any) -> list[str]:
    """The keys of all wrappers on the model."""
    return [key for keys in model.wrappers.values() for key, found in keys.items() if found]
