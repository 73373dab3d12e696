"""Functions of ours that fail on purpose: which ones a sampling calls is heard, so that none is left out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import CO_GENERATOR
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

# The guard itself; and what says that a copy of a session is the session, which the host's copying calls.
TRUSTED = ("nodes/host/guard.py", "Session.__deepcopy__")


class Broken(RuntimeError):
    """What they raise."""


class Place(NamedTuple):
    """A function of ours, by its file in the pack, its name and its line."""

    file: str
    name: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.name}:{self.line}"


class Breaker:
    """Hears of every call of a function below `root`, and can make one of them fail.

    It is the interpreter's own tracing that tells: an error raised there is one of the function that was entered.
    """

    def __init__(self, root: Path) -> None:
        self._root = f"{root}/"
        self._places: dict[CodeType, Place | None] = {}

    @contextmanager
    def hearing(self) -> Iterator[Counter[Place]]:
        """How often each function is called."""
        calls: Counter[Place] = Counter()

        def hear(frame: FrameType, event: str, _: Any) -> None:
            if event == "call" and (place := self._entered(frame)):
                calls[place] += 1

        with _tracing(hear):
            yield calls

    @contextmanager
    def breaking(self, broken: Place, nth: int) -> Iterator[None]:
        """The nth call of a function, from 1, raises."""
        left = nth

        def hear(frame: FrameType, event: str, _: Any) -> None:
            nonlocal left
            if event == "call" and self._entered(frame) == broken:
                left -= 1
                if left == 0:
                    raise Broken(f"on purpose: {broken}")

        with _tracing(hear):
            yield

    def _entered(self, frame: FrameType) -> Place | None:
        code = frame.f_code
        if code not in self._places:
            self._places[code] = self._place(code)
        resumed = code.co_flags & CO_GENERATOR and frame.f_lasti > 8
        return None if resumed else self._places[code]

    def _place(self, code: CodeType) -> Place | None:
        if not code.co_filename.startswith(self._root):
            return None
        place = Place(
            code.co_filename.removeprefix(self._root), getattr(code, "co_qualname", code.co_name), code.co_firstlineno
        )
        return None if place.file in TRUSTED or place.name in TRUSTED else place


@contextmanager
def _tracing(hear: Any) -> Iterator[None]:
    """Of calls only: no line, no return."""
    before = sys.gettrace()
    sys.settrace(hear)
    try:
        yield
    finally:
        sys.settrace(before)
