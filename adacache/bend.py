"""How much the direction of sampling bends at each step: measured where every step is computed, for a plan of its own.

Had a step been reused, its direction would have come out as that on a line between its neighbours (`correction.py`).
What it is off by, times the step's length, is an error in the latent; over all steps it says which of them the model
can do without. Models differ in that: of two small ones, one bends three times as much at the end as the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .noise import log_snr


class Bend:
    """The last three directions of one run; one device sync per step, so for measuring runs only.

    Args:
        sigmas: the sampler's noise levels, one more than steps.
        highest: the model's highest noise level; a sampling may begin lower. None: the first of `sigmas`.
    """

    def __init__(self, sigmas: Sequence[float], highest: float | None = None) -> None:
        self.sigmas = [float(sigma) for sigma in sigmas]
        self.highest = self.sigmas[0] if highest is None else highest
        self._directions: list[Tensor] = []

    def clear(self) -> None:
        """Forget the directions, as where the sampler moved the latent otherwise."""
        self._directions = []

    @torch.no_grad()
    def __call__(self, step: int, x: Tensor, denoised: Tensor) -> float | None:
        """What the step before would have got wrong, relative to the latent's speed; None where it has no neighbours.

        Args:
            step: 0-based step of the sampler, one more than at the last call.
            x: the latent that the step starts from.
            denoised: what the network made of it, of the same shape; the direction is (x - denoised) / sigma.
        """
        self._directions = [*self._directions[-2:], (x.float() - denoised.float()) / self.sigmas[step]]
        if len(self._directions) < 3:
            return None
        earlier, here, later = self._directions
        levels = self.sigmas[step - 2 : step + 1]
        before, at, after = (log_snr(sigma, self.highest) for sigma in levels)
        if after == before:
            return None
        line = torch.lerp(earlier, later, (at - before) / (after - before))
        return abs(levels[2] - levels[1]) * float((here - line).norm() / here.norm())
