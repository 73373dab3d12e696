"""What a sweep varies: a widget of AdaCache Patch Model, and its values from a line of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from comfy_api.latest import io

from ..patch import OFF, PRESETS, RENAMED, AdaCachePatchModel

MEASURE = "measure only"
"""The preset of the uncached run: it changes nothing, and records what every step took."""
MOST_VALUES = 12
VARIED = ("sensitivity", "preset", "max_reuses", "start_percent")
CACHING = [name for name in PRESETS if name != MEASURE]

Value = float | int | str


def parse(vary: str, text: str) -> list[Value]:
    """The values of a widget, in the order of the text; one that comes twice counts once.

    Args:
        vary: the widget's name.
        text: numbers between commas or spaces, or presets between commas, or either on lines of their own.

    Raises: ValueError.
    """
    if vary not in VARIED:
        raise ValueError(f"vary: {vary!r} is unknown; allowed: {', '.join(VARIED)}")
    found: dict[Value, None] = {}
    for place, entry in enumerate(re.finditer(r"[^,;\n]+" if vary == "preset" else r"[^,;\s]+", text), 1):
        word = entry.group().strip()
        if word:
            at = entry.start() + entry.group().index(word) + 1
            found[_value(vary, word, f'values: entry {place} at character {at} is "{word}"')] = None
    if not found:
        raise ValueError(f"values: there is none; allowed: {allowed(vary)}, such as {EXAMPLES[vary]}")
    if len(found) > MOST_VALUES:
        raise ValueError(f"values: there are {len(found)}; allowed: up to {MOST_VALUES} in one sweep")
    return list(found)


EXAMPLES = {
    "sensitivity": "1 2 4",
    "preset": "turbo, fast, balanced",
    "max_reuses": "1 2 4",
    "start_percent": "0 0.1 0.2",
}


def _value(vary: str, word: str, named: str) -> Value:
    if vary == "preset":
        word = RENAMED.get(word, word)
        if word not in CACHING:
            raise ValueError(f"{named}; allowed: {allowed(vary)} (the uncached video is always there)")
        return word
    widget = _widget(vary)
    whole = isinstance(widget, io.Int.Input)
    try:
        number = int(word) if whole else float(word)
    except ValueError:
        raise ValueError(f"{named}, which is no {'whole ' if whole else ''}number; allowed: {allowed(vary)}") from None
    # Written so that what is not a number is out of bounds, too.
    if not widget.min <= number <= widget.max:
        raise ValueError(f"{named}; allowed: {allowed(vary)}")
    return number


def allowed(vary: str) -> str:
    """What a widget takes, in words."""
    if vary == "preset":
        return ", ".join(CACHING)
    widget = _widget(vary)
    return f"{'whole numbers' if isinstance(widget, io.Int.Input) else 'numbers'} from {widget.min:g} to {widget.max:g}"


def _widget(name: str) -> Any:
    return next(widget for widget in AdaCachePatchModel.define_schema().inputs if widget.id == name)


def named(vary: str, value: Value) -> str:
    """A setting as people read it."""
    return str(value) if vary == "preset" else f"{vary} {value:g}"


def fits(vary: str, patch: Mapping[str, Any]) -> None:
    """Check that varying a widget changes anything, given the patch node's other inputs; links are not known yet.

    Raises: ValueError.
    """
    locked = patch.get("locked_schedule")
    if isinstance(locked, list) or (isinstance(locked, str) and locked.strip()):
        raise ValueError(
            "handle: its AdaCache Patch Model has a locked_schedule, which decides whatever is varied; empty it"
        )
    if vary != "preset" and patch.get("preset") in (OFF, MEASURE):
        raise ValueError(
            f'vary: {vary} changes nothing while the preset of AdaCache Patch Model is "{patch["preset"]}"; '
            f"choose one of {', '.join(CACHING)}, or vary the preset"
        )
