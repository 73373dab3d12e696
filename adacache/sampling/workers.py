"""Several processes that sample one video together: what one of them does, all must do."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias

import torch
import torch.distributed as dist
from torch import Tensor

if TYPE_CHECKING:  # not every build of torch has it
    Group: TypeAlias = dist.ProcessGroup | None
    """None is the default one."""


class Workers:
    """Processes whose networks wait for one another (sequence or CFG parallelism, sharded weights), in their order.

    Each holds the network's whole answer. Reused by some and asked for by others, it would make the others wait for
    ever; so they tell one another what they are about to do, and the first one's measure counts for all, since sums
    in another order differ in their last digits. All must make the same calls.

    Args:
        groups: `torch.distributed` process groups; several cross one another, such as two halves of the sequence for
            each of two prompts.
    """

    def __init__(self, *groups: Group) -> None:
        self.groups = groups

    @property
    def count(self) -> int:
        return prod(dist.get_world_size(group) for group in self.groups)

    @property
    def is_first(self) -> bool:
        return all(dist.get_rank(group) == 0 for group in self.groups)

    def total(self, sums: Tensor) -> Tensor:
        """The sums of the first worker, from a small float32 vector of each, in a tensor of its own."""
        return first(sums, self.groups)

    def highest(self, number: int, device: torch.device) -> int:
        """The highest of the workers' numbers; `device` is one that the groups can send from."""
        told = torch.tensor([number], dtype=torch.int32, device=device)
        for group in self.groups:
            dist.all_reduce(told, dist.ReduceOp.MAX, group)
        return int(told.item())


def first(sums: Tensor, groups: tuple[Group, ...]) -> Tensor:
    """What the first process of crossed groups has, in a tensor of its own."""
    sent = sums.clone()
    for group in groups:
        dist.broadcast(sent, 0 if group is None else dist.get_global_rank(group, 0), group)
    return sent


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
