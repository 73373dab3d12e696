"""What is kept per stream between evaluations, and where it lives."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Set
from dataclasses import dataclass
from threading import RLock
from typing import NamedTuple

import torch
from torch import Tensor

FreeBytes = Callable[[torch.device], int]

Parts = tuple[Tensor, ...]
"""A hidden state, its residual or an answer: one tensor for most networks, several for those with more than video."""


class StreamKey(NamedTuple):
    """What tells the streams of a run apart.

    Attributes:
        substep: the evaluation's place in its step, from 0; samplers of higher order make several.
        key: the caller's name for the rows.
        repeat: how many calls of this evaluation had the same key before.
    """

    substep: int
    key: Hashable
    repeat: int


@dataclass
class Stream:
    """What one stream keeps of its last computed evaluation.

    Attributes:
        value: what is reused: the trunk's residual, or the network's answer.
        probe: what the distance is taken of, where that is another tensor than `value`.
        trend: `value` minus the one before it, where answers are extrapolated.
        gains: how much of the trend is expected to go on, float32 [parts], on the device; see `extrapolation.py`.
        sigma: noise level of `value`.
        span: that noise level minus the one before it.
        planned: whether the schedule planned the evaluation; the distance is taken between planned ones only.
    """

    value: Parts
    probe: Tensor | None = None
    trend: Parts | None = None
    gains: Tensor | None = None
    sigma: float = 0.0
    span: float = 0.0
    planned: bool = True

    def tensors(self) -> Parts:
        """All that is kept, for counting."""
        probes = () if self.probe is None else (self.probe,)
        return (*self.value, *(self.trend or ()), *probes)


def alike(a: Parts, b: Parts) -> bool:
    """Same shapes and dtypes; the device may differ, since cached tensors may live in host memory."""
    return [(t.shape, t.dtype) for t in a] == [(t.shape, t.dtype) for t in b]


class Cache:
    """The streams of one run, and where their tensors live.

    Every tensor in it was made here: none aliases a tensor of the host, and none is ever handed out. It may be used
    from several threads, one per device.

    Args:
        location: "model" (the model's device), "system" (host memory), or "auto": with the model up to `AUTO_SHARE` of
            the memory that was free at first, and what exceeds that in host memory.
        free_bytes: free memory of a device; None takes it as unlimited.
    """

    AUTO_SHARE = 0.25

    def __init__(self, location: str = "auto", free_bytes: FreeBytes | None = None) -> None:
        self.peak_bytes = 0
        self._location = location
        self._free_bytes = free_bytes
        self._budget: float | None = None  # bytes that may lie with the model; None until the first tensor
        self._spilled = False
        self._streams: dict[StreamKey, Stream] = {}
        self._lock = RLock()

    def __contains__(self, key: StreamKey) -> bool:
        return key in self._streams

    def __iter__(self) -> Iterator[StreamKey]:
        with self._lock:
            return iter(list(self._streams))

    def __getitem__(self, key: StreamKey) -> Stream:
        return self._streams[key]

    def get(self, key: StreamKey) -> Stream | None:
        """What a stream keeps, or None."""
        return self._streams.get(key)

    def keep(self, key: StreamKey, stream: Stream) -> None:
        """Keep what a computed evaluation left, in place of what the stream had."""
        with self._lock:
            old = self._streams.pop(key, None)
            stream.value = self._put(stream.value, old.value if old else None)
            if stream.trend is not None:
                stream.trend = self._put(stream.trend, old.trend if old else None)
            if stream.probe is not None:
                (stream.probe,) = self._put((stream.probe,), (old.probe,) if old and old.probe is not None else None)
            self._streams[key] = stream
            self.count()

    def count(self, passing: int = 0) -> None:
        """Note the peak; `passing` are bytes that are alive beside the cache."""
        self.peak_bytes = max(self.peak_bytes, self.nbytes + passing)

    def drop(self, keys: Set[StreamKey]) -> None:
        """Forget streams; those that are not here do not matter."""
        with self._lock:
            for key in keys:
                self._streams.pop(key, None)

    def drop_values(self, keys: Set[StreamKey]) -> None:
        """Free what is about to be computed anew, and keep the probes that it is measured against."""
        with self._lock:
            for stream in (self._streams[key] for key in keys if key in self._streams):
                stream.value, stream.trend = (), None

    def restart(self) -> None:
        """Restart the distance and the trend: the next computed evaluation has nothing to compare with."""
        with self._lock:
            for stream in self._streams.values():
                stream.probe = stream.trend = stream.gains = None
                stream.planned = False

    def clear(self) -> None:
        with self._lock:
            self._streams.clear()

    @property
    def location(self) -> str:
        """Where the cache lives: "system" where any of it was put into host memory, else "model"."""
        return "system" if self._spilled or self._location == "system" else "model"

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept, by storage: views of one batch count once."""
        with self._lock:
            return _bytes(tensor for stream in self._streams.values() for tensor in stream.tensors())

    def _put(self, new: Parts, old: Parts | None) -> Parts:
        """The tensors where they are to live; `old` is what they replace, whose host memory is used again."""
        device = new[0].device
        if device.type == "cpu" or self._location == "model":
            return new
        if self._location == "auto":
            if self._budget is None:
                free = float("inf") if self._free_bytes is None else self._free_bytes(device)
                self._budget = self.AUTO_SHARE * free
            kept = (tensor for stream in self._streams.values() for tensor in stream.tensors())
            if _bytes(tensor for tensor in kept if tensor.device == device) + _bytes(new) <= self._budget:
                return new
        self._spilled = True
        if not (old and alike(old, new) and all(tensor.device.type == "cpu" for tensor in old)):
            # Pinned and used again from step to step, so that copies neither wait nor allocate.
            old = tuple(torch.empty(t.shape, dtype=t.dtype, pin_memory=device.type == "cuda") for t in new)
        return tuple(o.copy_(n, non_blocking=True) for o, n in zip(old, new, strict=True))


def _bytes(tensors: Iterator[Tensor] | Parts) -> int:
    sizes = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors if t.numel()}
    return sum(sizes.values())
