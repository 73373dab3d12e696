"""What people read on several nodes, and the types that run between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from comfy_api.latest import io

CATEGORY = "AdaCache"
KNOWN = {field.name for field in dataclasses.fields(io.Schema)}
"""What a schema can say on this host."""

CodebookType = io.Custom("ADACACHE_CODEBOOK")
MoRegType = io.Custom("ADACACHE_MOREG")
HandleType = io.Custom("ADACACHE_HANDLE")

BYPASSED = (
    "AdaCache is bypassed: no handle of AdaCache Patch Model comes in, so the sampling was without it. Switch that "
    "node on again, or connect its handle."
)


def checked(node: str, text: object, check: Callable[[str], object]) -> bool | str:
    """What `validate_inputs` gives of a text: True, or what is wrong; a linked one is checked when the node executes.

    The host blames every field that is named in the signature of `validate_inputs`, so each has one.
    """
    try:
        if isinstance(text, str):
            check(text)
    except ValueError as error:
        return f"{node}: {error}"
    return True


@contextmanager
def errors_of(node: str) -> Iterator[None]:
    """Errors with the node's name before the field, what is wrong and what is allowed: "MoReg Settings: norm: 0"."""
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
    aliases = {"search_aliases": [*found_by]} if "search_aliases" in KNOWN else {}
    for one in fields["inputs"]:
        if one.id in advanced and hasattr(one, "advanced"):
            one.advanced = True
        if one.id in renamed:
            one.extra_dict["renamed"] = dict(renamed[one.id])
    return io.Schema(category=CATEGORY, **fields, **aliases)


def output(kind: Any, name: str, tooltip: str, shown: str = "") -> io.Output:
    """An output, shown by its name unless another is given."""
    return kind.Output(name, display_name=shown or name, tooltip=tooltip)


def share(name: str, default: float, tooltip: str, step: float = 0.01) -> io.Input:
    """An input from 0 to 1."""
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=step, tooltip=tooltip)


def inner_schema(**fields: Any) -> io.Schema:
    """The schema of a node that other nodes of ours put into the graph, and that people need not see.

    Older hosts only know how to hide what is deprecated; later ones what is for developers.
    """
    hiding = "is_dev_only" if "is_dev_only" in KNOWN else "is_deprecated"
    return io.Schema(category=f"{CATEGORY}/inner", **fields, **{hiding: True})
