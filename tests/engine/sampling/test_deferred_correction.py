"""What reused steps got wrong is made good at the next computed step."""

from __future__ import annotations

import math

import pytest
import torch

from adacache.sampling import deferred_correction as module
from adacache.sampling.deferred_correction import Correction, response
from adacache.sampling.log_snr import log_snr

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
            denoised = correction(step, sigma, x, denoised, known)
        x = x + (x - denoised) / sigma * (sigmas[step + 1] - sigma)
    return x


@pytest.mark.parametrize("sigmas", [SIGMAS, ADDED], ids=["mixed", "added"])
@pytest.mark.parametrize("computed", [{0, 3, 9}, {0, 1, 2, 5, 6, 9}])
def test_exact_where_directions_change_evenly(computed, sigmas, monkeypatch) -> None:
    """With a direction that is linear in log signal to noise, whatever the latent, the end is that of all steps."""
    monkeypatch.setattr(module, "response", lambda sigma, highest: 0.0)
    level, slope = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(1)).unbind()

    def direction(sigma: float) -> torch.Tensor:
        return level + log_snr(sigma, sigmas[0]) * slope

    truth = travel(direction, set(range(10)), False, sigmas)
    torch.testing.assert_close(travel(direction, computed, sigmas=sigmas), truth, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(travel(direction, computed, False, sigmas), truth, atol=1e-3)


@pytest.mark.parametrize("computed", [{0, 1, 4, 5, 6, 7, 8, 9}, {0, 1, 3, 6, 9}, {0, 1, 2, 5, 9}])
def test_directions_follow_a_shifted_latent(computed, monkeypatch) -> None:
    """Where directions change with the latent as `response` says, the end is nearer to that of all steps by it."""
    level, slope = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(1)).unbind()
    course = [torch.zeros(2, 3)]  # where all steps lead
    for sigma, following in zip(SIGMAS, SIGMAS[1:], strict=False):
        course.append(course[-1] + (level + log_snr(sigma, 1.0) * slope) * (following - sigma))

    def ended() -> torch.Tensor:
        x, last, correction = torch.zeros(2, 3), None, Correction(SIGMAS)
        for step, (sigma, following) in enumerate(zip(SIGMAS, SIGMAS[1:], strict=False)):
            if step in computed:
                last = level + log_snr(sigma, 1.0) * slope + response(sigma, 1.0) * (x - course[step])
            denoised = correction(step, sigma, x, x - sigma * last, step in computed)
            x = x + (x - denoised) / sigma * (following - sigma)
        return x

    with_response = (ended() - course[-1]).norm()
    monkeypatch.setattr(module, "response", lambda sigma, highest: 0.0)
    assert with_response < 0.75 * (ended() - course[-1]).norm()


def test_a_shift_grows_in_noise_and_shrinks_at_the_end() -> None:
    """In noise as 1 - sigma falls away, at the end to less than two thirds; models that add noise are left alone."""
    assert response(0.9, 1.0) == pytest.approx(-1 / (1 - 0.9))
    assert 1 - 0.02 * response(0.02, 1.0) == pytest.approx(0.46, abs=0.01)
    assert response(0.5, 14.6) == 0.0


def test_a_sampling_that_begins_low_is_still_of_its_model() -> None:
    """Part of the noise levels of a model that adds noise may lie below 1, as those of a flow model do."""
    sigmas, x = [0.8, 0.6, 0.4, 0.2, 0.0], torch.ones(2, 3)

    def third(**of_model: float) -> torch.Tensor:
        correction = Correction(sigmas, **of_model)
        for step, computed in enumerate((True, False, True)):
            denoised = correction(step, sigmas[step], x, torch.full((2, 3), float(step)), computed)
        return denoised

    assert torch.equal(third(highest=1.0), third())
    # Directions 1.25, 0 (held from before: 1 - 1 over 0.6) and -2.5; the line is over the log of sigma, its end at 0.4.
    share = math.log(0.8 / 0.6) / math.log(0.8 / 0.4)
    shift = -0.2 * (1.25 * (1 - share) - 2.5 * share)
    torch.testing.assert_close(third(highest=14.6), torch.full((2, 3), 2.0 + shift * 0.4 / 0.2))


def test_untouched_where_all_is_computed() -> None:
    """Without a reused step, the very tensor comes back."""
    correction, x = Correction(SIGMAS), torch.ones(2, 3)
    for step in range(10):
        denoised = torch.full((2, 3), float(step))
        assert correction(step, SIGMAS[step], x, denoised, True) is denoised
