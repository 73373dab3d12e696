"""What reused steps got wrong is made good at the next computed step."""

from __future__ import annotations

import pytest
import torch

from adacache.correction import Correction
from adacache.noise import log_snr

SIGMAS = [1 - step / 10 for step in range(10)] + [0.0]
ADDED = [14 * sigma**2 for sigma in SIGMAS]  # of models to whose signal noise is added


def travel(direction, computed, correct=True, sigmas=SIGMAS) -> torch.Tensor:
    """Where Euler ends when reused steps hold the last computed direction."""
    x, last, correction = torch.zeros(2, 3), None, Correction(sigmas)
    for step, sigma in enumerate(sigmas[:-1]):
        known = step in computed
        last = direction(sigma) if known else last
        denoised = x - sigma * last
        if correct:
            denoised = correction(step, x, denoised, known)
        x = x + (x - denoised) / sigma * (sigmas[step + 1] - sigma)
    return x


@pytest.mark.parametrize("sigmas", [SIGMAS, ADDED], ids=["mixed", "added"])
@pytest.mark.parametrize("computed", [{0, 3, 9}, {0, 1, 2, 5, 6, 9}])
def test_exact_where_directions_change_evenly(computed, sigmas) -> None:
    """With a direction that is linear in log signal to noise, the end is that of computing every step."""
    level, slope = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(1)).unbind()

    def direction(sigma: float) -> torch.Tensor:
        return level + log_snr(sigma, sigmas[0]) * slope

    truth = travel(direction, set(range(10)), False, sigmas)
    torch.testing.assert_close(travel(direction, computed, sigmas=sigmas), truth, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(travel(direction, computed, False, sigmas), truth, atol=1e-3)


def test_untouched_where_all_is_computed() -> None:
    """Without a reused step, the very tensor comes back."""
    correction, x = Correction(SIGMAS), torch.ones(2, 3)
    for step in range(10):
        denoised = torch.full((2, 3), float(step))
        assert correction(step, x, denoised, True) is denoised
