"""Put our wrappers on a clone of a MODEL, and take them off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from comfy.patcher_extension import CallbacksMP

from ...adacache import Settings
from ..server.events import Feed
from .guard import KEY, beside
from .session import leave_a_word
from .wrappers import wrappers


def attach(model: Any, settings: Settings, handle: str, tell: Callable[[str], Feed] = Feed) -> Any:
    """A clone of the MODEL that caches by `settings`; of several in a chain the last one counts.

    Args:
        tell: gives what is told of a run by its id.
    """
    patched = detach(model)
    for kind, wrapper in wrappers(settings, handle, tell):
        patched.add_wrapper_with_key(kind, KEY, wrapper)
    if tell is Feed:  # runs are kept in this process
        patched.add_callback_with_key(
            CallbacksMP.ON_PRE_RUN, KEY, beside(lambda model, *_: leave_a_word(settings, handle, model))
        )
    return patched


def detach(model: Any) -> Any:
    """A clone of the MODEL without any wrapper of ours."""
    plain = model.clone()
    for kind in list(plain.wrappers):
        plain.remove_wrappers_with_key(kind, KEY)
    plain.remove_callbacks_with_key(CallbacksMP.ON_PRE_RUN, KEY)
    return plain
