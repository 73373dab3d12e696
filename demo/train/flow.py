"""Rectified flow, as Wan, LTX-Video and HunyuanVideo are trained: the network tells noise minus clean from a mix."""

from __future__ import annotations

from collections.abc import Callable

import torch

SHIFT = 3.0  # noisy times get more of the training, as in the sampling recipe
DROPPED = 0.1  # of the captions, for classifier-free guidance


ALL = (0.0, 1.0)  # times


def times(count: int, device: torch.device, between: tuple[float, float] = ALL) -> torch.Tensor:
    """Logit-normal times [count], shifted, of a range; 1 is all noise."""
    bounds = torch.tensor(between, dtype=torch.float64)
    low, high = torch.special.ndtr((bounds / (SHIFT - (SHIFT - 1) * bounds)).logit()).tolist()
    drawn = torch.special.ndtri(low + (high - low) * torch.rand(count, device=device)).sigmoid()
    return SHIFT * drawn / (1 + (SHIFT - 1) * drawn)


def loss(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    clean: torch.Tensor,
    between: tuple[float, float] = ALL,
) -> torch.Tensor:
    """Mean squared error of the velocity that `predict(mix, times)` gives, at times of a range."""
    noise, when = torch.randn_like(clean), times(len(clean), clean.device, between)
    mix = torch.lerp(clean, noise, when.view(-1, *[1] * (clean.dim() - 1)))
    return (predict(mix, when).float() - (noise - clean)).square().mean()


def kept(count: int, device: torch.device) -> torch.Tensor:
    """Which captions of a batch the network is told, [count]; it sees the others' clips with an empty one."""
    return torch.rand(count, device=device) >= DROPPED
