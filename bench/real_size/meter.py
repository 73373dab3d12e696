"""Time and memory on the device that computes."""

from __future__ import annotations

import time
from itertools import pairwise

import torch


class Meter:
    """Marks moments in the order in which the device comes to them; it is waited for only when they are read."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._device = device
        self._marks: list = []

    def mark(self) -> None:
        if self._cuda:
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self._marks.append(event)
        else:
            self._marks.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Between the marks."""
        if self._cuda:
            torch.cuda.synchronize(self._device)
            return [one.elapsed_time(two) / 1000 for one, two in pairwise(self._marks)]
        return [two - one for one, two in pairwise(self._marks)]


def allocated(device: torch.device) -> int | None:
    """Bytes now; None where they are not counted. What is measured from here on starts anew."""
    if device.type != "cuda":
        return None
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def peak(device: torch.device) -> int:
    """Most bytes since `allocated` was asked."""
    return torch.cuda.max_memory_allocated(device)
