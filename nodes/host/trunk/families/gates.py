"""How families scale the output of a block's self-attention before it is added to the hidden state.

Each gives the gated residual, or None where it cannot tell; `args` are the block's patch arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def wan(block: nn.Module, args: Mapping[str, Any], attention: Tensor) -> Tensor | None:
    """The third of six modulations (`comfy/ldm/wan/model.py:WanAttentionBlock`).

    `args["vec"]` is (rows, 6, channels), or (rows, frames or 1, 6, channels): for all tokens, or per latent frame.
    """
    vec = args["vec"]
    if vec.ndim == 3:
        vec = vec.unsqueeze(1)
    return _scaled(attention, block.modulation.to(vec)[:, 2] + vec[..., 2, :])


def ltx(block: nn.Module, args: Mapping[str, Any], attention: Tensor) -> Tensor | None:
    """The third of the table's modulations (`comfy/ldm/lightricks/model.py:BasicTransformerBlock`).

    `args["vec"]` is (rows, tokens or 1, modulations * channels).
    """
    table, vec = block.scale_shift_table, args["vec"]
    return _scaled(attention, table.to(vec)[2] + vec.unflatten(-1, (len(table), -1))[..., 2, :])


def _scaled(attention: Tensor, gate: Tensor) -> Tensor | None:
    """`attention` (rows, tokens, channels) times `gate` (rows, 1 or a divisor of tokens, channels)."""
    if gate.shape[1] == 1 or gate.shape[1] == attention.shape[1]:
        return attention * gate
    if attention.shape[1] % gate.shape[1]:
        return None
    return (attention.unflatten(1, (gate.shape[1], -1)) * gate.unsqueeze(2)).flatten(1, 2)
