"""Rectified flow, as Wan, LTX-Video and HunyuanVideo are trained: the network tells noise minus clean from a mix."""

from __future__ import annotations

from collections.abc import Callable

import torch

SHIFT = 3.0  # noisy times get more of the training, as in the sampling recipe
DROPPED = 0.1  # of the captions, for classifier-free guidance


def times(count: int, device: torch.device) -> torch.Tensor:
    """Logit-normal times [count], shifted; 1 is all noise."""
    drawn = torch.randn(count, device=device).sigmoid()
    return SHIFT * drawn / (1 + (SHIFT - 1) * drawn)


def loss(predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], clean: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the velocity that `predict(mix, times)` gives."""
    noise, when = torch.randn_like(clean), times(len(clean), clean.device)
    mix = torch.lerp(clean, noise, when.view(-1, *[1] * (clean.dim() - 1)))
    return (predict(mix, when).float() - (noise - clean)).square().mean()


def kept(count: int, device: torch.device) -> torch.Tensor:
    """Which captions of a batch the network is told, [count]; it sees the others' clips with an empty one."""
    return torch.rand(count, device=device) >= DROPPED
