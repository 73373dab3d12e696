"""Low-rank additions to a network's linear layers, trained alone and saved as the host's LoRA loader reads them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


class Added(nn.Module):
    """A frozen linear layer and a low-rank addition, which is nothing at first."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Parameter(torch.empty_like(linear.weight[:rank]))
        self.up = nn.Parameter(torch.zeros_like(linear.weight[:, :rank]))
        nn.init.normal_(self.down, std=linear.in_features**-0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x) + x @ self.down.T @ self.up.T


def attach(model: nn.Module, blocks: Iterable[nn.Module], rank: int) -> None:
    """Freezes the model, and adds to all linear layers of the blocks."""
    model.requires_grad_(False)
    for block in blocks:
        for parent in list(block.modules()):
            for name, layer in list(parent.named_children()):
                if isinstance(layer, nn.Linear):
                    setattr(parent, name, Added(layer, rank))


def exported(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The additions of a model's state in half precision, under the host's names."""
    found = {}
    for name, value in state.items():
        layer, _, part = name.rpartition(".")
        if part in ("down", "up"):
            found[f"diffusion_model.{layer}.lora_{part}.weight"] = value.half().cpu().contiguous()
    return found
