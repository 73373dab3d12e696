"""Noise levels as log signal-to-noise ratios, the scale on which directions are closest to straight lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEAST_SIGNAL = 1e-3  # at the first step there is none, and its logarithm would be infinite


def mixes(highest: float) -> bool:
    """Whether a model of this highest noise level mixes signal and noise, (1 - sigma) to sigma, as flow models do.

    Their levels end at 1, but for rounding; the older ones add sigma of noise, up to 14 and more.
    """
    return highest < 1.001


def log_snr(sigma: float, highest: float) -> float:
    """Log of signal over noise at a noise level of a model whose `highest` one this is."""
    return math.log(max(1 - sigma, LEAST_SIGNAL) / sigma) if mixes(highest) else -math.log(sigma)


def on_list(sigma: float, sigmas: Sequence[float], step: int) -> bool:
    """Whether a 0-based step begins at the noise level of its list; it does not where noise was added before it."""
    return 0 <= step < len(sigmas) and math.isclose(sigma, sigmas[step], rel_tol=1e-4)
