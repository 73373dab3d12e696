"""How the direction of sampling changes from step to step: measured where every step is computed.

Where reused steps are corrected (`deferred_correction.py`), a plan's error is how far each direction is from a line
between two others. It follows from the inner products (the Gram matrix) of the directions' increments: a few hundred
numbers of one run tell the error of every plan (`calibration/fit_plan.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SAMPLED = 2**16  # elements of the latent that are looked at: they tell a mean square to half a percent
MOST_STEPS = 128  # the products grow with the square of the steps, and so would the trace


class DirectionIncrements:
    """The increments of one run's direction; two device syncs per step, so for measuring runs only.

    Args:
        sigmas: the sampler's noise levels, one more than steps.
    """

    def __init__(self, sigmas: Sequence[float]) -> None:
        self.sigmas = [float(sigma) for sigma in sigmas]
        self._sampled: Tensor | None = None
        self.clear()

    def clear(self) -> None:
        """Forget all, as where the sampler moved the latent in another way."""
        self._direction: Tensor | None = None
        self._increments: list[Tensor] = []

    @torch.no_grad()
    def __call__(self, step: int, x: Tensor, denoised: Tensor) -> tuple[float, ...] | None:
        """Mean products of this step's increment with every one up to it, its own square last; None at the first step.

        A step, from 0 and one more than at the last call, starts from `x`; the direction is (x - denoised) / sigma.
        """
        before, self._direction = self._direction, (self._seen(x) - self._seen(denoised)) / self.sigmas[step]
        if before is None:
            return None
        increment = self._direction - before
        self._increments.append(increment.float())
        return tuple(float(f"{increment.dot(each.double()) / len(increment):.9g}") for each in self._increments)

    def _seen(self, latent: Tensor) -> Tensor:
        """The same sampled elements of every latent as float64, on the CPU, since not every device has it."""
        flat = latent.flatten()
        if len(flat) > SAMPLED:
            if self._sampled is None:
                dice = torch.Generator().manual_seed(0)
                self._sampled = torch.randint(len(flat), (SAMPLED,), generator=dice).to(flat.device)
            flat = flat[self._sampled]
        return flat.float().cpu().double()
