"""How the direction of sampling turns from step to step: measured where every step is computed.

Where reused steps are made good from the computed ones around them (`correction.py`), all that a plan gets wrong lies
in the directions: in how far each is from a line between two others. Lengths and angles tell that, and those follow
from the products of the turns with each other. So a few hundred numbers of one run say what every plan would have got
wrong in it, and none of them need be tried (`fitted.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

PLACES = 2**16  # elements of the latent that are looked at: they tell a mean square to half a percent
MOST_STEPS = 128  # the products grow with the square of the steps, and so would the trace


class Turns:
    """The turns of one run; one device sync per step, so for measuring runs only.

    Args:
        sigmas: the sampler's noise levels, one more than steps.
    """

    def __init__(self, sigmas: Sequence[float]) -> None:
        self.sigmas = [float(sigma) for sigma in sigmas]
        self._places: Tensor | None = None
        self.clear()

    def clear(self) -> None:
        """Forget all, as where the sampler moved the latent in another way."""
        self._direction: Tensor | None = None
        self._turns: list[Tensor] = []

    @torch.no_grad()
    def __call__(self, step: int, x: Tensor, denoised: Tensor) -> tuple[float, ...] | None:
        """Mean products of this step's turn with every one up to it, its own square last; None at the first step.

        Args:
            step: 0-based step of the sampler, one more than at the last call.
            x: the latent that the step starts from.
            denoised: what the network made of it, of the same shape; the direction is (x - denoised) / sigma.
        """
        before, self._direction = self._direction, (self._seen(x) - self._seen(denoised)) / self.sigmas[step]
        if before is None:
            return None
        turn = self._direction - before
        self._turns.append(turn.float())
        return tuple(float(f"{turn.dot(each.double()) / len(turn):.9g}") for each in self._turns)

    def _seen(self, latent: Tensor) -> Tensor:
        """The same places of every latent, in system memory, where every device's numbers can be of double length."""
        flat = latent.flatten()
        if len(flat) > PLACES:
            if self._places is None:
                dice = torch.Generator().manual_seed(0)
                self._places = torch.randint(len(flat), (PLACES,), generator=dice).to(flat.device)
            flat = flat[self._places]
        return flat.float().cpu().double()
