"""Scoped patching: attributes of the host's modules, replaced for one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

_ABSENT = object()


@contextmanager
def swapped(owner: nn.Module, name: str, value: Any) -> Iterator[None]:
    """An attribute with another value."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def called(module: nn.Module) -> Callable[..., Any]:
    """What calling the module runs, hooks aside."""
    return getattr(module, _attribute(module))


@contextmanager
def calling(instead: dict[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Modules that call something else; after it each has exactly the attribute that it had, or had not, of its own.

    A compiled module has a `forward` of its own, and deleting that would break it.
    """
    before = {module: module.__dict__.get(_attribute(module), _ABSENT) for module in instead}
    names = {module: _attribute(module) for module in instead}
    try:
        for module, function in instead.items():
            module.__dict__[names[module]] = function
        yield
    finally:
        for module, value in before.items():
            if value is _ABSENT:
                module.__dict__.pop(names[module], None)
            else:
                module.__dict__[names[module]] = value


def _attribute(module: nn.Module) -> str:
    """`module.compile()` puts what is to run beside `forward`, which it must not find changed."""
    return "forward" if getattr(module, "_compiled_call_impl", None) is None else "_compiled_call_impl"
