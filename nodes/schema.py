"""What people read on several nodes, and the types that run between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from comfy_api.latest import io

CATEGORY = "AdaCache"

CodebookType = io.Custom("ADACACHE_CODEBOOK")
MoRegType = io.Custom("ADACACHE_MOREG")
HandleType = io.Custom("ADACACHE_HANDLE")

BYPASSED = (
    "AdaCache is bypassed: no handle of AdaCache Patch Model comes in, so the sampling was without it. Switch that "
    "node on again, or connect its handle."
)


def cut(text: str, most: int = 60) -> str:
    """A text for a message."""
    return text if len(text) <= most else f"{text[:most]}..."


@contextmanager
def errors_of(node: str) -> Iterator[None]:
    """Settings errors with the node's name in front: "AdaCache Codebook: text: entry 3 ..."."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{node}: {error}") from error


def schema(
    found_by: Sequence[str] = (),
    advanced: Sequence[str] = (),
    renamed: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    **fields: Any,
) -> io.Schema:
    """The schema of a node.

    Args:
        found_by: words that people search for, beside its name; older hosts do not know of such.
        advanced: inputs that are out of sight at first; older hosts show all.
        renamed: by input, choices of before and what they are called now, for the browser.
    """
    known = {field.name for field in dataclasses.fields(io.Schema)}
    aliases = {"search_aliases": [*found_by]} if "search_aliases" in known else {}
    for one in fields["inputs"]:
        if one.id in advanced and hasattr(one, "advanced"):
            one.advanced = True
        if one.id in renamed:
            one.extra_dict["renamed"] = dict(renamed[one.id])
    return io.Schema(category=CATEGORY, **fields, **aliases)


def inner_schema(**fields: Any) -> io.Schema:
    """The schema of a node that other nodes of ours put into the graph, and that people need not see.

    Older hosts only know how to hide what is deprecated; later ones what is for developers.
    """
    known = {field.name for field in dataclasses.fields(io.Schema)}
    hiding = "is_dev_only" if "is_dev_only" in known else "is_deprecated"
    return io.Schema(category=f"{CATEGORY}/inner", **fields, **{hiding: True})
