"""One video's tokens split over several processes: what the ranks measure is put together, so that all decide alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor

from .workers import Workers, first

if TYPE_CHECKING:
    from .workers import Group


class Ranks(Workers):
    """The ranks of a process group among which the token sequence is split, in their order (sequence parallelism).

    Every rank must make the same calls; each of ours runs once per computed step, never on reused ones.

    Args:
        group: a `torch.distributed` process group; None for the default one.
        others: groups that it crosses, whose members wait for one another, too.
    """

    def __init__(self, group: Group = None, *others: Group) -> None:
        super().__init__(group, *others)
        self.group = group
        self.rank = dist.get_rank(group)

    def total(self, sums: Tensor) -> Tensor:
        """The sum of a small float32 vector over the ranks, in a tensor of its own."""
        total = sums.clone()
        dist.all_reduce(total, group=self.group)
        return first(total, self.groups[1:])

    def whole(self, probe: Tensor) -> Tensor:
        """All tokens of the sequence, for this rank's share of the channels.

        A frame's neighbour may lie on another rank, so a rank alone cannot score motion. Channels take the place of
        tokens: no rank ever holds more than its part, and sums over the shares are sums over the video.

        Args:
            probe: (rows, tokens of this rank, channels); ranks may hold different numbers of tokens.
        """
        lengths = torch.zeros(dist.get_world_size(self.group), dtype=torch.int64, device=probe.device)
        lengths[self.rank] = probe.shape[1]
        dist.all_reduce(lengths, group=self.group)
        tokens = lengths.tolist()
        shares = probe.tensor_split(len(tokens), dim=2)
        rows, mine = probe.shape[0], shares[self.rank].shape[2]
        sent = torch.cat([share.flatten() for share in shares])
        sizes = [rows * length * mine for length in tokens]
        got = sent.new_empty(sum(sizes))
        dist.all_to_all_single(got, sent, sizes, [share.numel() for share in shares], group=self.group)
        parts = zip(got.split(sizes), tokens, strict=True)
        return torch.cat([part.view(rows, length, mine) for part, length in parts], dim=1)
