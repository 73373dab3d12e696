"""Residuals and probes, kept per stream between evaluations."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Set
from dataclasses import dataclass

import torch
from torch import Tensor

FreeBytes = Callable[[torch.device], int]


@dataclass
class Stream:
    """What one stream keeps: its residual R (trunk output - trunk input) and the probe of the same evaluation."""

    residual: Tensor | None = None
    probe: Tensor | None = None

    def fits(self, x: Tensor) -> bool:
        """Whether R can be added to a hidden state like `x`."""
        return self.residual is not None and alike(self.residual, x)

    def tensors(self) -> list[Tensor]:
        return [t for t in (self.residual, self.probe) if t is not None]


def alike(a: Tensor, b: Tensor) -> bool:
    """Same shape and dtype; the device may differ, since cached tensors may live in host memory."""
    return a.shape == b.shape and a.dtype == b.dtype


class ResidualCache:
    """The streams of one run, and where their tensors live.

    Every tensor in it was made here: none aliases a tensor of the host, and none is ever handed out.
    """

    # "auto" keeps the cache with the model while it takes at most this share of the free memory.
    AUTO_SHARE = 0.25

    def __init__(self, place: str = "auto", free_bytes: FreeBytes | None = None) -> None:
        self.place = place
        self.peak_bytes = 0
        self._free_bytes = free_bytes
        self._streams: dict[Hashable, Stream] = {}

    def __getitem__(self, key: Hashable) -> Stream:
        return self._streams.setdefault(key, Stream())

    def __contains__(self, key: Hashable) -> bool:
        return key in self._streams

    def keep(self, key: Hashable, residual: Tensor, probe: Tensor | None) -> None:
        """Keep what a computed evaluation left, replacing what the stream had."""
        if self.place == "auto":
            self.place = self._choose(residual)
        stream = self[key]
        stream.residual = self._put(residual, stream.residual)
        stream.probe = None if probe is None else self._put(probe, stream.probe)
        self.peak_bytes = max(self.peak_bytes, self.nbytes)

    def keep_only(self, keys: Set[Hashable]) -> None:
        """Drop the streams that a planned computation left out; what they keep is older than the schedule thinks."""
        for key in self._streams.keys() - keys:
            del self._streams[key]

    def drop_probes(self) -> None:
        """Restart the distance: the next computed evaluation has nothing to compare with."""
        for stream in self._streams.values():
            stream.probe = None

    def clear(self) -> None:
        self._streams.clear()

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for stream in self._streams.values() for t in stream.tensors())

    def _choose(self, residual: Tensor) -> str:
        if self._free_bytes is None or residual.device.type == "cpu":
            return "model"
        # Two streams (cond and uncond), each with a residual and a probe.
        wanted = 4 * residual.nbytes
        return "model" if wanted <= self.AUTO_SHARE * self._free_bytes(residual.device) else "system"

    def _put(self, tensor: Tensor, old: Tensor | None) -> Tensor:
        if self.place != "system" or tensor.device.type == "cpu":
            return tensor
        # Pinned and reused from step to step, so that copies neither wait nor allocate.
        if old is None or old.device.type != "cpu" or not alike(old, tensor):
            old = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.device.type == "cuda")
        return old.copy_(tensor, non_blocking=True)
