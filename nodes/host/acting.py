"""What other nodes do to the network at a noise level, as far as what they hand to the host tells.

Nodes change a network in mid-run in two ways: they hand in something else from then on, or what they handed in looks at
the noise level itself. Objects may be made anew for every call, so a function is known by its name; what it goes by is
told by the numbers that it carries, such as `sigma_start`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import partial
from typing import Any

# The parts of `transformer_options` that hold functions of other nodes (`comfy/model_patcher.py`).
_PLACES = ("optimized_attention_override", "patches", "patches_replace", "wrappers")


def acting(model_options: dict[str, Any], sigma: float) -> Hashable:
    """What other nodes' functions are, and on which side of the noise levels that they carry `sigma` lies."""
    functions = list(functions_of(model_options))
    levels = {level for _, one in functions for level in _levels(one)}
    names = frozenset((where, told(one)) for where, one in functions)
    return names, tuple((sigma > level) - (sigma < level) for level in sorted(levels))


def functions_of(model_options: dict[str, Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Other nodes' functions that run with the network, each with its place; the host's and ours are among them."""
    options = model_options.get("transformer_options", {})
    held = {"": model_options.get("model_function_wrapper"), **{place: options.get(place) for place in _PLACES}}
    return _functions("", held)


def told(function: Any) -> str:
    """A function's name as it tells it, with its module's; of an object that is called, its class's."""
    function = function.func if isinstance(function, partial) else function
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(named, '__module__', '')}.{named.__qualname__}"


def _functions(where: str, held: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """All functions in nested dictionaries and lists, with their places."""
    if isinstance(held, dict):
        for key in held:
            yield from _functions(f"{where} {key}", held[key])
    elif isinstance(held, list | tuple):
        for one in held:
            yield from _functions(where, one)
    elif callable(held):
        yield where, held


def _levels(function: Any) -> Iterator[float]:
    """The noise levels that a function closes over, is given beforehand, or its object holds: numbers named sigma."""
    code = getattr(function, "__code__", None)
    held = dict(getattr(getattr(function, "__self__", function), "__dict__", {}))
    if isinstance(function, partial):
        held |= function.keywords
    for name, cell in zip(code.co_freevars if code else (), getattr(function, "__closure__", None) or (), strict=False):
        try:
            held[name] = cell.cell_contents
        except ValueError:
            continue  # not filled yet
    for name, value in held.items():
        if isinstance(value, float | int) and "sigma" in name.lower():
            yield float(value)
