"""How long something took, the device's work included, without waiting for the device."""

from __future__ import annotations

import time
from typing import Any

import torch


class Stopwatch:
    """Runs from its making to `stop`. On a device that works on its own, events in its queue tell the time.

    Attributes:
        began, ended: by the clock on the wall, in seconds.

    Args:
        device: where the work is done; None or a CPU: the clock on the wall.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.began = time.perf_counter()
        self.ended = self.began
        self._events: list[Any] = []
        if device is not None and device.type != "cpu":
            make = getattr(getattr(torch, device.type, None), "Event", None)
            self._events = [make(enable_timing=True), make(enable_timing=True)] if make else []
        if self._events:
            self._events[0].record()

    @property
    def waits(self) -> bool:
        """Whether there is a time to come that `read` does not have yet."""
        return bool(self._events)

    def stop(self) -> float:
        """Milliseconds by the clock on the wall."""
        if self._events:
            self._events[1].record()
        self.ended = time.perf_counter()
        return (self.ended - self.began) * 1000

    def read(self, wait: bool = False) -> float | None:
        """Milliseconds that the device worked; None while it has not come to the end, or has no time of its own."""
        if not self._events:
            return None
        if wait:
            self._events[1].synchronize()
        return float(self._events[0].elapsed_time(self._events[1])) if self._events[1].query() else None
