"""Muon: momentum whose update of a matrix is made orthogonal.

Source: K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the scale that lets it
share AdamW's learning rate is of J. Liu et al., "Muon is Scalable for LLM Training" (2025). torch.optim.Muon does
one matrix after another; a small network has a hundred small ones, so those of one shape are done together here.
"""

from __future__ import annotations

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the Newton-Schulz iteration, as published
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """For matrices only; the learning rate may be a tensor, so that a captured graph can follow it."""

    def __init__(self, matrices, lr, momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        """One update from the matrices' gradients."""
        for group in self.param_groups:
            for same in _by_shape(group["params"]):
                gradient = torch.stack([matrix.grad for matrix in same])
                state = self.state[same[0]]
                if not state:
                    state["momentum"] = torch.zeros_like(gradient)
                average = state["momentum"].lerp_(gradient, 1 - group["momentum"])
                update = orthogonal(gradient.lerp(average, group["momentum"]))
                update = update * (group["lr"] * 0.2 * max(update.shape[-2:]) ** 0.5)
                torch._foreach_mul_(same, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_sub_(same, update.unbind())


def _by_shape(matrices: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    shapes: dict[torch.Size, list[torch.Tensor]] = {}
    for matrix in matrices:
        shapes.setdefault(matrix.shape, []).append(matrix)
    return list(shapes.values())


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """About the nearest matrices [number, rows, columns] with all singular values alike (0.7 to 1.2)."""
    a, b, c = _COEFFICIENTS
    wide = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.bfloat16()
    x = x.mT if wide else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if wide else x).to(matrices.dtype)
