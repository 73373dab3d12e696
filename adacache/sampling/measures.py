"""How much a probe changed, and how much it moves, as sums that merge over streams.

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

    def cut(self, probe: Tensor) -> Tensor:
        """The video's part of (rows, all tokens, channels) as (rows, frames, tokens, channels), a view."""
        video = probe[:, self.offset : self.offset + self.frames * self.tokens]
        return video.unflatten(1, (self.frames, self.tokens))


def change_sums(new: Tensor, old: Tensor) -> Tensor:
    """L1 norms `[|new - old|, |old|]` of two probes of shape (rows, tokens, ...), in float32 (eq. 4, both norms).

    Summed in slices along the tokens, so that float32 copies, and copies of an `old` in host memory, stay small.
    """
    total = torch.zeros(2, dtype=torch.float32, device=new.device)
    for n, o in zip(slices(new), slices(old), strict=True):
        o = o.to(new.device, non_blocking=True).float()
        total += torch.stack([(n.float() - o).abs().sum(), o.abs().sum()])
    return total


def slices(x: Tensor, elements: int = 1 << 25) -> tuple[Tensor, ...]:
    """A tensor of shape (rows, tokens, ...) along its tokens, so that float32 copies of a slice stay small."""
    rows_of_one_token = max(1, x.numel() // x.shape[1])
    return x.split(max(1, elements // rows_of_one_token), dim=1)


def motion_sums(frames: Tensor, strides: Sequence[int]) -> Tensor:
    """Frame differences and the norms of both sides, `[difference, norms]` per stride, in float32.

    Args:
        frames: (rows, frames, ...).
        strides: frame steps i; each compares frame n with frame n - i (arXiv 2411.02397, eq. 7).
    """
    count = frames.shape[1]
    norms = torch.stack([frames[:, n].float().abs().sum() for n in range(count)])
    sums = []
    for i in strides:
        pairs = ((frames[:, n].float() - frames[:, n - i].float()).abs().sum() for n in range(i, count))
        difference = sum(pairs, torch.zeros((), dtype=torch.float32, device=frames.device))
        sums += [difference, norms[i:].sum() + norms[: max(0, count - i)].sum()]
    return torch.stack(sums)


def relative_change(sums: Sequence[float]) -> float:
    """|new - old| / |old|; infinite or NaN where the old probe was zero, which a schedule reads as "compute"."""
    return _ratio(sums[0], sums[1])


def motion_score(sums: Sequence[float]) -> float:
    """Mean over strides of difference / norms; 0 for a still video, at most 1.

    Strides that no two frames are apart have no norms and are left out; NaN where none has any.
    """
    pairs = zip(sums[::2], sums[1::2], strict=True)
    ratios = [_ratio(difference, norms) for difference, norms in pairs if norms != 0]
    return sum(ratios) / len(ratios) if ratios else float("nan")


def _ratio(numerator: float, denominator: float) -> float:
    if denominator == 0:
        return float("inf") if numerator else float("nan")
    return numerator / denominator
