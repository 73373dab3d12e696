"""What people read on several nodes, and the types that run between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from comfy_api.latest import io

CATEGORY = "AdaCache"

CodebookType = io.Custom("ADACACHE_CODEBOOK")
MoRegType = io.Custom("ADACACHE_MOREG")
HandleType = io.Custom("ADACACHE_HANDLE")


@contextmanager
def errors_of(node: str) -> Iterator[None]:
    """Settings errors with the node's name in front: "AdaCache Codebook: text: entry 3 ..."."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{node}: {error}") from error
