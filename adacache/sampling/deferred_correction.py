"""Deferred correction: what reused steps got wrong is corrected at the next computed step.

A reused step moves the latent along an extrapolated direction. Once the next step is computed, the direction is known
at both ends of the interval, and a straight line between them, over the log signal-to-noise ratio (the scale of
DPM-Solver, arXiv 2206.00927), is closer to the truth. The difference, summed over the interval, is one shift of the
latent; divided by the length of the computed step it corrects that step's direction. No further evaluation is needed,
and at most three tensors of the latent's size are kept. The computed step saw the latent before the shift: `response`
estimates what its direction would have been after it.

The shift is exact for samplers that move the latent by direction times step length, such as Euler. Those that sum
denoised latents of several steps (UniPC, DPM++ 2M) get it over the next steps. Samplers that add noise, or weigh
differences of higher order, are not corrected. bench/README.md has what each part is worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .log_snr import LEAST_SIGNAL, log_snr, mixes, on_list

# How much of a shift the network takes for the video's own: BELIEF times the noise level, at least LEAST_BELIEF and at
# most all. Chosen on the demo's network and two others; bench/README.md has what was tried.
BELIEF, LEAST_BELIEF = 1.3, 0.45


def response(sigma: float, highest: float) -> float:
    """How a direction changes with the latent: d direction / d latent, along a shift of the latent.

    A flow model's latent holds 1 - sigma of the video. A shift that the network takes for the video's own is one of the
    denoised latent 1 / (1 - sigma) times as large, so the shift grows; what it takes for noise it removes. `BELIEF` and
    `LEAST_BELIEF` say how much it takes for the video. For models that add noise to the signal nothing is known, and
    directions stay as they are.

    Args:
        sigma: noise level.
        highest: the model's highest one, which tells the two kinds of models apart.
    """
    if not mixes(highest):
        return 0.0
    believed = min(1.0, max(LEAST_BELIEF, BELIEF * sigma)) / max(1 - sigma, LEAST_SIGNAL)
    return (1 - believed) / sigma


class Correction:
    """The state of one run.

    Args:
        sigmas: the sampler's noise levels, one more than steps.
        highest: the model's highest noise level; a sampling may begin lower. None: the first of `sigmas`.

    Attributes:
        peak_bytes: most bytes that it held.
    """

    def __init__(self, sigmas: Sequence[float], highest: float | None = None) -> None:
        self.sigmas = [float(sigma) for sigma in sigmas]
        self.highest = self.sigmas[0] if highest is None else highest
        self.peak_bytes = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything, as at the end of a run or where the noise level goes up."""
        self._known: Tensor | None = None  # direction at the last computed step
        self._growth: Tensor | None = None  # what a shift that grows adds to the directions until the next one
        self._moved: Tensor | None = None  # what the reused steps since then moved the latent
        self._at = 0.0  # log signal-to-noise ratio of the last computed step
        self._length = 0.0  # sum of the reused steps' lengths
        self._moment = 0.0  # the same, each times its log signal-to-noise ratio above the last computed step's

    @torch.no_grad()
    def __call__(self, step: int, sigma: float, x: Tensor, denoised: Tensor, computed: bool) -> Tensor:
        """The denoised latent to go on with, in a tensor of its own where it is corrected.

        Args:
            step: 0-based step of the sampler.
            sigma: its noise level; where it is not the list's, noise was added before the step: all is forgotten. At 0
                there is no direction left.
            x: the latent that the step starts from.
            denoised: what the network made of it, of the same shape; the direction is (x - denoised) / sigma.
            computed: False where the answer was reused.
        """
        if not on_list(sigma, self.sigmas[:-1], step) or sigma <= 0:
            self.clear()
            return denoised
        sigma = self.sigmas[step]
        length = self.sigmas[step + 1] - sigma
        direction = (x.float() - denoised.float()) / sigma
        at = log_snr(sigma, self.highest)
        if not computed:
            if self._growth is not None:  # the kept answer does not know of the shift
                direction += self._growth
                denoised = (x.float() - sigma * direction).to(denoised.dtype)
            if self._known is not None:
                self._moved = direction * length if self._moved is None else self._moved.add_(direction, alpha=length)
                self._length += length
                self._moment += length * (at - self._at)
            self._count()
            return denoised
        known, moved = self._known, self._moved
        later = self._moment / (at - self._at) if moved is not None and at != self._at else 0.0
        should = None if moved is None or known is None else known * (self._length - later) + direction * later
        self.clear()
        self._known, self._at = direction, at
        if should is None or moved is None or not (length and math.isfinite(later)):
            return denoised
        shift, answer = should - moved, response(sigma, self.highest)
        self._known = direction + answer * shift
        # One that shrinks is left to the network: its embedding of the shifted latent does that by itself.
        self._growth = answer * shift if answer < 0 else None
        self._count()
        return (x.float() - sigma * (self._known + shift / length)).to(denoised.dtype)

    def _count(self) -> None:
        kept = (self._known, self._growth, self._moved)
        self.peak_bytes = max(self.peak_bytes, sum(tensor.nbytes for tensor in kept if tensor is not None))
