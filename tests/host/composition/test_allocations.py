"""What the network allocates in a computed call, which newer hosts compile once and replay (the memory compiler).

That works while every call of the network makes the same tensors in the same order and none of them outlives the
call but its result. A stand-in records both; the compiler itself needs a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from members import MEMBERS
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

STEPS = 12


class Recorder(TorchDispatchMode):
    """The operations of one call of the network, with the shapes that they make, and the memory that they take."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple] = []
        self.memory: dict[int, StorageWeakRef] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        given = {t.untyped_storage().data_ptr() for t in tensors((args, kwargs))}
        result = function(*args, **(kwargs or {}))
        made = tensors(result)
        self.made.append((str(function), *(tuple(t.shape) for t in made)))
        for tensor in made:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in given:
                self.memory[storage.data_ptr()] = StorageWeakRef(storage)
        return result


def tensors(values: Any) -> list[torch.Tensor]:
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]


@contextmanager
def recorded(network: torch.nn.Module) -> Iterator[list[Recorder]]:
    """Recorders of the network's calls; memory of a call must be free again when the next one begins."""
    calls: list[Recorder] = []
    forward = network.forward

    def recording(*args: Any, **kwargs: Any) -> Any:
        if calls:
            kept = [ref for ref in calls[-1].memory.values() if not ref.expired()]
            assert not kept, f"{len(kept)} tensors of a call are still there at the next"
        with Recorder() as recorder:
            result = forward(*args, **kwargs)
        calls.append(recorder)
        return result

    network.forward = recording
    try:
        yield calls
    finally:
        del network.forward


@pytest.mark.parametrize("name", ["Wan t2v", "HunyuanVideo 1.5", "LTX-2", "MiniMax H3"])
@pytest.mark.parametrize("preset", ["near-lossless", "balanced", "measure only"])
def test_a_computed_call_is_as_without_us(
    name: str,
    preset: str,
    call: Callable[..., tuple],
    patch: Callable[..., Any],
) -> None:
    member = MEMBERS[name]
    if not member.here:
        pytest.skip(f"this ComfyUI has no {member.path}")
    model = member.load()
    widgets = {
        "steps": STEPS,
        "seed": 1,
        "cfg": member.cfg,
        "sampler_name": "euler",
        "scheduler": "simple",
        "denoise": 1.0,
        "positive": member.conditioning(),
        "negative": member.conditioning(-1.0),
    }

    def sampled(given: Any) -> list[Recorder]:
        with recorded(model.model.diffusion_model) as calls:
            call("KSampler", model=given, latent_image={"samples": member.latent()}, **widgets)
        return calls

    plain = sampled(model)
    patched = patch(model, preset=preset)
    cached = sampled(patched.model)
    (run,) = patched.runs()
    assert not run.note and len(cached) * STEPS == len(plain) * run.computed
    assert run.reused > 0 or preset == "measure only"
    known = [one.made for one in plain]  # MiniMax H3 makes another one where video and sound have one noise level
    assert all(one.made in known for one in cached), "another call than without us"
