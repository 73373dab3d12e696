"""How a network's hidden state is read as tensors of (rows, tokens, ...), and given back as the network has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .....adacache.sampling.cache import Parts


class Layout(NamedTuple):
    """Views, never copies.

    Attributes:
        parts: from what the blocks pass on to tensors with the batch's rows first; the video is the first.
        joined: the other way.
    """

    parts: Callable[[Any], Parts]
    joined: Callable[[Parts], Any]


TOKENS = Layout(lambda x: (x,), lambda parts: parts[0])
"""One tensor, (rows, tokens, channels) or (rows, frames, height, width, channels)."""

ROWS_FOURTH = Layout(lambda x: (x.movedim(3, 0),), lambda parts: parts[0].movedim(0, 3))
"""(frames, height, width, rows, channels), as in Cosmos 1."""

NO_ROWS = Layout(lambda x: (x.unsqueeze(0),), lambda parts: parts[0].squeeze(0))
"""(tokens, channels): one row that has no axis, as in MiniMax H3."""

TUPLE = Layout(tuple, tuple)
"""Video and sound side by side, as in LTX-2."""
