"""What tells the streams of an evaluation apart, so that each finds its own cache again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from . import compat
from .acting import acting


def stream_keys(
    transformer_options: dict[str, Any],
    sigma: float,
    device: torch.device,
    hooks: Hashable = None,
    control: Any = None,
) -> list[Hashable]:
    """A key per chunk of rows, in the order in which they lie in the batch (`comfy/samplers.py:_calc_cond_batch`).

    A condition's uuid alone is not enough: positive and negative may share it, every context window repeats it,
    and guidance nodes call the network again with other patches in the same evaluation. Where a LoRA's schedule, a
    ControlNet or a patch sets in or changes, the stream is another too, so that it is computed.

    Args:
        sigma: the noise level.
        hooks: what scheduled hooks make of the weights in this call.
        control: what a ControlNet adds, as the network gets it.
    """
    uuids = transformer_options.get("uuids") or [None]
    sides = transformer_options.get("cond_or_uncond") or [None] * len(uuids)
    others = acting({"transformer_options": transformer_options}, sigma)
    shared = (_window(transformer_options), others, _additions(control), hooks, str(device))
    return [(uuid, side, *shared) for uuid, side in zip(uuids, sides, strict=False)]


def answer_keys(
    conds: Sequence[list | None], sigma: float, timestep: Tensor, model: Any, model_options: dict[str, Any]
) -> list[Hashable | None]:
    """A key per list of conds; None for one that asks nothing of the network at this noise level."""
    told, others = network_state(conds, sigma, timestep, model, model_options)
    shared = (id(model), _window(model_options.get("transformer_options", {})), others)
    return [(side, one, *shared) if one else None for side, one in enumerate(told)]


def network_state(
    conds: Iterable[list | None], sigma: float, timestep: Tensor, model: Any, model_options: dict[str, Any]
) -> tuple[tuple[Hashable, ...], Hashable]:
    """What the network is made of at a noise level; where that changes, its answers are those of another network.

    Returns:
        Per list of conds the prompts that hold now, the strength of their hooks and which of their ControlNets act;
        and what other nodes do to the network.
    """
    told = []
    for cond in conds:
        holding = [one for one in cond or () if _holds(one, sigma)]
        for one in holding:
            compat.bring_up_hooks(model, one.get("hooks"), timestep, model_options)
        told.append(
            tuple((one.get("uuid"), compat.strengths(one.get("hooks")), _acting(one, sigma)) for one in holding)
        )
    return tuple(told), acting(model_options, sigma)


def _holds(cond: Mapping[str, Any], sigma: float) -> bool:
    """Whether a cond is asked at a noise level (`comfy/samplers.py:get_area_and_mult`)."""
    return not (sigma > cond.get("timestep_start", sigma) or sigma < cond.get("timestep_end", sigma))


def _acting(cond: Mapping[str, Any], sigma: float) -> Hashable:
    """The ControlNets of a cond that act at a noise level, with their strengths (`comfy/controlnet.py`)."""
    found, control = [], cond.get("control")
    while control is not None:
        highest, lowest = getattr(control, "timestep_range", None) or (sigma, sigma)
        if lowest <= sigma <= highest:
            found.append((id(control), getattr(control, "strength", None)))
        control = getattr(control, "previous_controlnet", None)
    return tuple(found)


def _window(transformer_options: dict[str, Any]) -> Hashable:
    """The context window: the frames in it."""
    window = getattr(transformer_options.get("context_window"), "index_list", None)
    return tuple(window) if window is not None else None


def _additions(control: Any) -> Hashable:
    """How much a ControlNet adds, and where (`comfy/controlnet.py:ControlBase.control_merge`)."""
    if not isinstance(control, dict):
        return None
    return tuple((place, sum(one is not None for one in added)) for place, added in sorted(control.items()))
