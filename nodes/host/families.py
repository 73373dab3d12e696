"""The table of model families: where a network's blocks are, what is measured in them, where the frames are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ...adacache import FrameGrid

Gate = Callable[[nn.Module, Mapping[str, Any], Tensor], Tensor | None]
Grid = Callable[[nn.Module, Tensor, Mapping[str, Any]], FrameGrid | None]


@dataclass(frozen=True)
class Family:
    """How one family's trunk is hooked through `patches_replace["dit"]`.

    Attributes:
        name: what people read.
        blocks: attribute of the network that lists the blocks.
        kind: first part of a block's patch key, `(kind, index)`.
        attention: attribute of a block whose output is the self-attention residual before its gate.
        gate: from the block, its patch arguments and that output to the gated residual; None where it cannot tell.
        grid: from the network, its latent input and the call's keyword arguments to the frame grid, or None.
    """

    name: str
    blocks: str
    kind: str
    attention: str
    gate: Gate
    grid: Grid


def wan_gate(block: nn.Module, args: Mapping[str, Any], attention: Tensor) -> Tensor | None:
    """Wan scales its attention residual by the third of six modulations (`comfy/ldm/wan/model.py`).

    `args["vec"]` is (rows, frames or 1, 6, channels): one modulation for all tokens, or one per latent frame.
    """
    vec = args["vec"]
    gate = block.modulation.to(vec)[:, 2] + vec[..., 2, :]
    if gate.shape[1] == 1:
        return attention * gate
    if attention.shape[1] % gate.shape[1]:
        return None
    return (attention.unflatten(1, (gate.shape[1], -1)) * gate.unsqueeze(2)).flatten(1, 2)


def wan_grid(network: nn.Module, x: Tensor, kwargs: Mapping[str, Any]) -> FrameGrid | None:
    """Tokens are frame by frame, after the tokens of a reference image if there is one."""
    if x.ndim != 5:
        return None
    frames, height, width = (math.ceil(size / p) for size, p in zip(x.shape[2:], network.patch_size, strict=True))
    offset = 0
    if (reference := kwargs.get("reference_latent")) is not None:
        offset = math.prod(size // p for size, p in zip(reference.shape[-2:], network.patch_size[1:], strict=True))
    return FrameGrid(frames, height * width, offset)


WAN = Family("Wan", "blocks", "double_block", "self_attn", wan_gate, wan_grid)

FAMILIES: dict[str, Family] = {"WanModel": WAN}
"""By class name of the network, so that no model internals of the host are imported."""


def family_of(network: nn.Module) -> Family | None:
    """The network's row, or None; a compiled network answers as the one inside."""
    return FAMILIES.get(type(getattr(network, "_orig_mod", network)).__name__)
