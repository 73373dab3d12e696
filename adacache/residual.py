"""Residuals and probes, kept per stream between evaluations."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Set
from dataclasses import dataclass
from threading import RLock

import torch
from torch import Tensor

FreeBytes = Callable[[torch.device], int]

Parts = tuple[Tensor, ...]
"""A hidden state or its residual: one tensor for most networks, several for those that carry more than the video."""


@dataclass
class Stream:
    """What one stream keeps: its residual R (trunk output - trunk input) and the probe of the same evaluation.

    Attributes:
        anchor: an older probe, where a measuring run asks for it.
        trend: R minus the residual before it, where residuals are forecast.
        gain: how much of the trend is expected to go on, a float32 scalar on the device; see `forecast.py`.
        sigma: noise level of R.
        span: that noise level minus the one before it.
    """

    residual: Parts | None = None
    probe: Tensor | None = None
    anchor: Tensor | None = None
    trend: Parts | None = None
    gain: Tensor | None = None
    sigma: float = 0.0
    span: float = 0.0

    def fits(self, hidden: Parts) -> bool:
        """Whether R can be added to a hidden state like this one."""
        return self.residual is not None and alike(self.residual, hidden)

    def tensors(self) -> Parts:
        probes = [probe for probe in (self.probe, self.anchor) if probe is not None]
        return (*(self.residual or ()), *(self.trend or ()), *probes)


def alike(a: Parts, b: Parts) -> bool:
    """Same shapes and dtypes; the device may differ, since cached tensors may live in host memory."""
    return [(t.shape, t.dtype) for t in a] == [(t.shape, t.dtype) for t in b]


class ResidualCache:
    """The streams of one run, and where their tensors live.

    Every tensor in it was made here: none aliases a tensor of the host, and none is ever handed out.
    """

    # "auto" keeps the cache with the model while it takes at most this share of the free memory.
    AUTO_SHARE = 0.25

    def __init__(self, place: str = "auto", free_bytes: FreeBytes | None = None, forecasts: bool = False) -> None:
        self.place = place
        self.forecasts = forecasts
        self.peak_bytes = 0
        self._free_bytes = free_bytes
        self._streams: dict[Hashable, Stream] = {}
        self._lock = RLock()  # a host may keep from several threads, and counting bytes walks the dictionary

    def __getitem__(self, key: Hashable) -> Stream:
        return self._streams.setdefault(key, Stream())

    def __contains__(self, key: Hashable) -> bool:
        return key in self._streams

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._streams)

    def keep(self, key: Hashable, residual: Parts, probe: Tensor | None) -> None:
        """Keep what a computed evaluation left, replacing what the stream had."""
        with self._lock:
            if self.place == "auto":
                self.place = self._choose(residual)
            stream = self[key]
            before = stream.residual or (None,) * len(residual)
            stream.residual = tuple(self._put(new, old) for new, old in zip(residual, before, strict=True))
            stream.probe = None if probe is None else self._put(probe, stream.probe)
            self.peak_bytes = max(self.peak_bytes, self.nbytes)

    def keep_trend(self, key: Hashable, trend: Parts | None, gain: Tensor | None, sigma: float) -> None:
        """Beside a residual at noise level `sigma`: where it is heading, or None at the first of a stream."""
        stream = self[key]
        before = stream.trend or (None,) * len(trend or ())
        stream.trend = trend and tuple(self._put(new, old) for new, old in zip(trend, before, strict=True))
        stream.gain, stream.span, stream.sigma = gain, sigma - stream.sigma, sigma
        self.peak_bytes = max(self.peak_bytes, self.nbytes)

    def keep_anchor(self, key: Hashable, probe: Tensor) -> None:
        """Keep a probe for several evaluations; it may be the one that was kept as the stream's probe."""
        with self._lock:
            self[key].anchor = self._put(probe, self[key].anchor)
            self.peak_bytes = max(self.peak_bytes, self.nbytes)

    def drop(self, keys: Set[Hashable]) -> None:
        """Forget streams; those that are not here do not matter."""
        with self._lock:
            for key in keys:
                self._streams.pop(key, None)

    def drop_probes(self) -> None:
        """Restart the distance and the trend: the next computed evaluation has nothing to compare with."""
        for stream in self._streams.values():
            stream.probe = stream.anchor = stream.trend = stream.gain = None

    def clear(self) -> None:
        with self._lock:
            self._streams.clear()

    @property
    def nbytes(self) -> int:
        with self._lock:
            return sum(t.nbytes for stream in self._streams.values() for t in stream.tensors())

    def _choose(self, residual: Parts) -> str:
        device = residual[0].device
        if self._free_bytes is None or device.type == "cpu":
            return "model"
        # Two streams (cond and uncond), each with a residual, a probe and perhaps a trend.
        wanted = (6 if self.forecasts else 4) * sum(part.nbytes for part in residual)
        return "model" if wanted <= self.AUTO_SHARE * self._free_bytes(device) else "system"

    def _put(self, tensor: Tensor, old: Tensor | None) -> Tensor:
        if self.place != "system" or tensor.device.type == "cpu":
            return tensor
        # Pinned and reused from step to step, so that copies neither wait nor allocate.
        if old is None or old.device.type != "cpu" or not alike((old,), (tensor,)):
            old = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.device.type == "cuda")
        return old.copy_(tensor, non_blocking=True)
