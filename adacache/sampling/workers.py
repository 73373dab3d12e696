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
