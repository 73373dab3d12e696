"""What reused steps got wrong, made good at the next computed step.

A reused step moves the latent along a direction that was forecast. Once the next step is computed, the direction is
known at both ends of the interval, and a straight line between them is closer to the truth than any forecast from one
end. The line is drawn over the log signal-to-noise ratio, in which directions bend most evenly, as in DPM-Solver
(arXiv 2206.00927); on the demo network that is 0.2 to 0.6 dB ahead of one over the noise level. The difference, added
up over the interval, is one shift of the latent; dividing it by the length of the computed step turns it into a
correction of that step's direction. This is deferred correction, as in solvers of ordinary differential equations: it
needs no further evaluation, and two tensors of the latent's size, which is a small part of one residual.

It is exact for samplers that move the latent by direction times step length, such as Euler. Those that sum denoised
latents of several steps (UniPC, DPM++ 2M) give each of them the same weight in the end, so the shift arrives over the
next steps; on the demo network that is worth 0.7 to 2.5 dB there. Samplers that add noise, or weigh differences of
higher order, are left alone. Where every step is computed there is nothing to correct.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .noise import log_snr


class Correction:
    """The state of one run.

    Args:
        sigmas: the sampler's noise levels, one more than steps.
    """

    def __init__(self, sigmas: Sequence[float]) -> None:
        self.sigmas = [float(sigma) for sigma in sigmas]
        self.clear()

    def clear(self) -> None:
        """Forget everything, as at the end of a run or where the noise level goes up."""
        self._known: Tensor | None = None  # direction at the last computed step
        self._moved: Tensor | None = None  # what the reused steps since then moved the latent
        self._at = 0.0  # log signal-to-noise ratio of the last computed step
        self._length = 0.0  # sum of the reused steps' lengths
        self._moment = 0.0  # the same, each times its log signal-to-noise ratio above the last computed step's

    @torch.no_grad()
    def __call__(self, step: int, x: Tensor, denoised: Tensor, computed: bool) -> Tensor:
        """The denoised latent to go on with, in a tensor of its own where it is corrected.

        Args:
            step: 0-based step of the sampler.
            x: the latent that the step starts from.
            denoised: what the network made of it, of the same shape; the direction is (x - denoised) / sigma.
            computed: False where the residual was reused.
        """
        if step + 1 >= len(self.sigmas):
            return denoised
        sigma = self.sigmas[step]
        length = self.sigmas[step + 1] - sigma
        direction = (x.float() - denoised.float()) / sigma
        at = log_snr(sigma, self.sigmas[0])
        if not computed:
            if self._known is not None:
                self._moved = direction * length if self._moved is None else self._moved.add_(direction, alpha=length)
                self._length += length
                self._moment += length * (at - self._at)
            return denoised
        known, moved = self._known, self._moved
        share = self._moment / (at - self._at) if moved is not None and at != self._at else 0.0
        should = None if moved is None or known is None else known * (self._length - share) + direction * share
        self.clear()
        self._known, self._at = direction, at
        if should is None or not (length and math.isfinite(share)):
            return denoised
        return (denoised.float() - (should - moved) * (sigma / length)).to(denoised.dtype)
