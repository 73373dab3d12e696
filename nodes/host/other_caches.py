"""Other caches: what stands in place of the network's forward or of its blocks, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

from torch import nn

from .acting import functions_of, told

_CACHE = re.compile("cache|spectrum", re.IGNORECASE)
_PACK = re.compile(r"custom_nodes[/\\]([^/\\.]+)")  # in a module's name (`nodes.py:load_custom_node` of the host)


def blocks_of(network: nn.Module) -> Hashable:
    """The network's lists of blocks, by the kinds of what is in them; a compiled block is what it was."""
    return tuple((name, tuple(type(_plain(one)) for one in blocks)) for name, blocks in _lists(network))


def stands_in(network: nn.Module, blocks: Hashable) -> str:
    """What stands in place of the network's blocks, once `blocks`, or is a cache in place of its forward; or ""."""
    if blocks_of(network) == blocks:
        return replaced(network)
    kinds = (type(_plain(one)) for _, blocks in _lists(network) for one in blocks)
    return ", ".join(dict.fromkeys(pack for kind in kinds if (pack := pack_of(kind)))) or "another node"


def replaced(network: nn.Module) -> str:
    """Whose cache stands in place of a method of the network, such as its forward; or ""."""
    over = (value for name, value in vars(network).items() if callable(value) and hasattr(type(network), name))
    return next((pack_of(one) or told(one) for one in over if _CACHE.search(told(one))), "")


def packs_on(model_options: dict[str, Any]) -> str:
    """The packs of the functions that other nodes put on a model, such as "ComfyUI-TeaCache"; or ""."""
    return ", ".join(dict.fromkeys(pack for _, one in functions_of(model_options) if (pack := pack_of(one))))


def pack_of(one: Any) -> str:
    """The pack of custom nodes that a function or class comes from; "" for the host's own and for ours."""
    found = _PACK.search(getattr(one, "__module__", None) or "")
    ours = _PACK.search(__name__)
    return found[1].replace("_x_", ".") if found and not (ours and ours[1] == found[1]) else ""


def _lists(network: nn.Module) -> list[tuple[str, list[nn.Module]]]:
    kept = (
        (name, child) for name, child in network.named_children() if isinstance(child, nn.ModuleList | nn.ModuleDict)
    )
    return [(name, list(child.children())) for name, child in kept]


def _plain(block: nn.Module) -> nn.Module:
    return getattr(block, "_orig_mod", block)
