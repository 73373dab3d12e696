"""Caching a network as one piece, for those whose blocks we cannot reach: unknown ones, and those compiled whole.

What is kept is the network's output on the latent, and a reused step takes it as it is: for a first-order sampler that
is a longer step. (Keeping output minus input instead, as a trunk's residual is kept, came 2.7 dB lower on the demo's
network at the same 13 of 30 steps.) It is taken above the network's call, so that nothing of ours is inside what the
host compiles or wraps: the host turns an output into a denoised latent by a function that is affine in the output
(`comfy/model_sampling.py:calculate_denoised`), and that can be undone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...adacache.evaluation import Call

PROBE = "output of the whole network"
CLOSE = 1e-3  # relative; what float32 leaves of a straight line


class Output:
    """One call of a network that is cached as one piece.

    Args:
        sampling: the model's `model_sampling`.
        sigma: noise levels, (rows,).
        x: the latent that the sampler gives, (rows, channels, ...).
        call: the engine's side of the call.

    Attributes:
        reused: the denoised latent from the cached output; None for a call that is computed.
    """

    def __init__(self, sampling: Any, sigma: Tensor, x: Tensor, call: Call) -> None:
        self.sampling = sampling
        self.sigma = sigma
        self.x = x
        self.call = call
        # The engine keeps what is added to a hidden state; added to nothing, that is the output.
        self._nothing = torch.zeros_like(x)
        call.enter(self._nothing)
        self.reused = None if call.compute else self._denoised(*call.reuse(self._nothing))

    def fits(self) -> bool:
        """Whether the output can be told from the denoised latent: whether one is a straight line in the other."""
        zero, one, two = self._line()
        slope = one - zero
        off = (two - one - slope).abs().max()
        return bool((slope.abs().min() > 0) & (off <= CLOSE * slope.abs().max()))

    def keep(self, denoised: Tensor) -> bool:
        """Keep the output of a computed call; False where it is not of the latent's shape."""
        if denoised.shape != self.x.shape:
            return False
        zero, one, _ = self._line()
        output = (denoised - zero) / (one - zero)
        # Channels last, as tokens have them.
        self.call.measure(output.movedim(1, -1))
        if not self.call.leave(output):
            return False
        self.call.commit()
        return True

    def _line(self) -> list[Tensor]:
        return [self._denoised(torch.full_like(self.x, value)) for value in (0.0, 1.0, 2.0)]

    def _denoised(self, output: Tensor) -> Tensor:
        return self.sampling.calculate_denoised(self.sigma, output, self.x)
