"""Noise levels on the scale on which directions bend most evenly."""

from __future__ import annotations

import math

LEAST_SIGNAL = 1e-3  # at the first step there is none, and its logarithm would be infinite


def log_snr(sigma: float, highest: float) -> float:
    """Log of signal over noise at a noise level of a sampling that begins at the `highest` one.

    Flow models mix signal and noise, (1 - sigma) to sigma, so no level is above 1; the older ones add sigma of noise.
    """
    return -math.log(sigma) if highest > 1 else math.log(max(1 - sigma, LEAST_SIGNAL) / sigma)
