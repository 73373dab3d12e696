"""Blocks beside the trunk, whose output is part of the cached residual: a reused call need not run them.

Each gives a context in which they do not run. The output of what runs after the last block is not in the residual, so
that much must stay.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..patching import swapped


def vace(network: Any) -> AbstractContextManager[None]:
    """VACE's blocks add to the hidden state after the blocks of a mapping (`comfy/ldm/wan/model.py`).

    They are a chain: where one of them follows the last block, which is so in no published model, all must run.
    """
    needed = _after_last(network, network.vace_layers_mapping)
    return nullcontext() if needed else swapped(network, "vace_layers_mapping", {})


def injected(name: str) -> Callable[[Any], AbstractContextManager[None]]:
    """S2V's audio and Dancer's music attention run after the blocks of a mapping, and need nothing that ran before."""

    def quiet(network: Any) -> AbstractContextManager[None]:
        injector = getattr(network, name)
        return swapped(injector, "injected_block_id", _after_last(network, injector.injected_block_id))

    return quiet


def _after_last(network: Any, mapping: dict[int, int]) -> dict[int, int]:
    return {block: side for block, side in mapping.items() if block >= len(network.blocks) - 1}
