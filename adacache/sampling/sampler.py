"""What a run is told of its sampler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Sampler(NamedTuple):
    """How a sampler goes through its steps.

    Attributes:
        evaluations: calls of the network in a step, where they are known beforehand; else they are learnt
            (`step_clock.py`). The first one decides for all, and each keeps streams of its own.
        sigmas: the noise levels, one more than steps, where reused steps can be corrected (`deferred_correction.py`)
            and a measuring run can tell how its direction changes (`observer.py`); None leaves both out.
        sums_history: a step is made of several denoised latents, so that a correction arrives over the next ones.
        highest_sigma: the model's highest noise level; None: the first of `sigmas`.
        part: where the steps begin and end in the model's whole schedule, 0 to 1 of the host's percent.
    """

    evaluations: int = 1
    sigmas: Sequence[float] | None = None
    sums_history: bool = False
    highest_sigma: float | None = None
    part: tuple[float, float] = (0.0, 1.0)
