"""How much the probe changed, and how much it moves, as sums that merge over streams.

Every function returns a small float32 vector on the probe's device and never waits for it. Vectors of several
streams are added before they are read, so it does not matter whether cond and uncond ran in one batch, one after
the other, or on two devices; reading them is the one device sync of an evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class FrameGrid(NamedTuple):
    """Where the video sits in a token sequence: `frames` runs of `tokens` each, starting at `offset`."""

    frames: int
    tokens: int
    offset: int = 0

    def fits(self, length: int) -> bool:
        return self.frames > 1 and self.tokens > 0 and self.offset + self.frames * self.tokens <= length


def change_sums(new: Tensor, old: Tensor) -> Tensor:
    """L1 norms `[|new - old|, |old|]` of two probes of shape (rows, tokens, channels), in float32.

    Summed in slices along the tokens, so that the float32 copies stay small whatever the dtype.
    """
    total = torch.zeros(2, dtype=torch.float32, device=new.device)
    for n, o in zip(slices(new), slices(old.to(new.device, non_blocking=True)), strict=True):
        o = o.float()
        total += torch.stack([(n.float() - o).abs().sum(), o.abs().sum()])
    return total


def slices(x: Tensor, elements: int = 1 << 25) -> tuple[Tensor, ...]:
    """A tensor of shape (rows, tokens, ...) along its tokens, so that float32 copies of a slice stay small."""
    rows_of_one_token = max(1, x.numel() // x.shape[1])
    return x.split(max(1, elements // rows_of_one_token), dim=1)


def motion_sums(probe: Tensor, grid: FrameGrid, strides: Sequence[int]) -> Tensor:
    """Frame differences and the norms of both sides, `[difference, norms]` per stride, in float32.

    Args:
        probe: (rows, tokens, channels), each frame's tokens contiguous, as `grid` says.
        strides: frame steps i; each compares frame n with frame n - i (arXiv 2411.02397, eq. 7).
    """
    frames = probe[:, grid.offset : grid.offset + grid.frames * grid.tokens].unflatten(1, (grid.frames, grid.tokens))
    norms = torch.stack([frames[:, n].float().abs().sum() for n in range(grid.frames)])
    sums = []
    for i in strides:
        pairs = ((frames[:, n].float() - frames[:, n - i].float()).abs().sum() for n in range(i, grid.frames))
        difference = sum(pairs, torch.zeros((), dtype=torch.float32, device=probe.device))
        sums += [difference, norms[i:].sum() + norms[: max(0, grid.frames - i)].sum()]
    return torch.stack(sums)


def relative_change(sums: Sequence[float]) -> float:
    """|new - old| / |old|; infinite or NaN where the old probe was zero, which a schedule reads as "compute"."""
    return _ratio(sums[0], sums[1])


def motion_score(sums: Sequence[float]) -> float:
    """Mean over strides of difference / norms; 0 for a still video, at most 1."""
    ratios = [_ratio(difference, norms) for difference, norms in zip(sums[::2], sums[1::2], strict=True)]
    return sum(ratios) / len(ratios)


def _ratio(numerator: float, denominator: float) -> float:
    if denominator == 0:
        return float("inf") if numerator else float("nan")
    return numerator / denominator
