"""What tells the rows of a network call apart, so that each finds its own residual again."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import torch


def stream_keys(
    transformer_options: dict[str, Any], device: torch.device, hooks: Hashable = None, control: Any = None
) -> list[Hashable]:
    """A key per chunk of rows, in the order in which they lie in the batch (`comfy/samplers.py:_calc_cond_batch`).

    A condition's uuid alone is not enough: positive and negative may share it, every context window repeats it,
    and guidance nodes call the network again with other patches in the same evaluation. Where a LoRA's schedule or
    a ControlNet sets in or changes, the stream is another too, so that it is computed.

    Args:
        hooks: what scheduled hooks make of the weights in this call.
        control: what a ControlNet adds, as the network gets it.
    """
    uuids = transformer_options.get("uuids") or [None]
    sides = transformer_options.get("cond_or_uncond") or [None] * len(uuids)
    window = getattr(transformer_options.get("context_window"), "index_list", None)
    frames = tuple(window) if window is not None else None
    shared = (frames, _foreign_patches(transformer_options), _additions(control), hooks, str(device))
    return [(uuid, side, *shared) for uuid, side in zip(uuids, sides, strict=False)]


def _foreign_patches(transformer_options: dict[str, Any]) -> Hashable:
    """Which blocks other nodes replace in this call; by place, since their callables may be made anew each time."""
    replaced = transformer_options.get("patches_replace", {})
    return tuple(sorted((name, str(place)) for name, places in replaced.items() for place in places))


def _additions(control: Any) -> Hashable:
    """How much a ControlNet adds, and where (`comfy/controlnet.py:ControlBase.control_merge`)."""
    if not isinstance(control, dict):
        return None
    return tuple((place, sum(one is not None for one in added)) for place, added in sorted(control.items()))
