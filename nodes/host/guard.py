"""What is ours may fail; the artist's run goes on as if we were not there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from . import compat

log = logging.getLogger("adacache")


def attempt(ours: Callable[[], Any]) -> str:
    """Do something of ours, never the host's; what went wrong (memory, most likely), or "".

    Raises:
        the host's interrupt: the user cancelled, and that must not be lost.
    """
    try:
        with compat.lasting_memory():
            ours()
    except Exception as error:
        if compat.is_interrupt(error):
            raise
        log.exception("AdaCache failed; the run goes on without it")
        return f"{type(error).__name__}: {error}"
    return ""
