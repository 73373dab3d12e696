"""First-order extrapolation of an answer, damped by how much of its last trend went on, and by how far it reaches.

A reused step takes `A + g * f * (A - A_before) * (sigma - sigma_A) / (sigma_A - sigma_before)` in place of A, the
answer of the last computed step. The gain g, 0 to 1, is refitted per stream and part at every computed step by least
squares: it is the share of the previous trend that went on. In the noisy first steps it is near 0, which holds A; on
a linear series it is 1. The factor f fades with the steps since A: a trend says little of what comes long after it,
and the answer was computed before the latent was corrected, which a long reach would multiply. It is a first-order
Taylor expansion, as in TaylorSeer (arXiv 2503.06923), with a damping of its own.

It costs one more tensor of the answer's size per stream, and no device sync: the gains stay on the device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .cache import Parts, Stream

FADE = (
    1 / 6
)  # of a schedule's steps, after which f is 1 / e; chosen on small networks, bench/README.md has what it gains


def faded(ahead: float) -> float:
    """The factor f, so many steps after the last computed one, as a share of the whole schedule's steps."""
    return math.exp(-((ahead / FADE) ** 2))


def advance(old: Stream, new: Parts, sigma: float, ahead: float = 0.0) -> tuple[Stream, Tensor]:
    """What a stream keeps after a new answer at noise level `sigma`, and how good its extrapolation was.

    The old stream is used up: its tensors become the new trend, so that no more than three answers are alive.

    Args:
        ahead: how far the new answer lies from the old one; see `faded`.

    Returns:
        The new stream, and float32 sums `[|new - extrapolated|^2, |new|^2, gains, parts]`, to be added over streams.
    """
    device = new[0].device
    before = tuple(part.to(device, non_blocking=True) for part in old.value)
    trend = tuple(torch.sub(n, b, out=b) for n, b in zip(new, before, strict=True))
    size, moved = _dot(new, new), _dot(trend, trend)
    gains, missed = None, moved
    if old.trend is not None:
        earlier = tuple(part.to(device, non_blocking=True) for part in old.trend)
        reach = _reach(old, sigma)
        along, length = _dot(earlier, trend), _dot(earlier, earlier)
        gains = torch.nan_to_num(along / (reach * length), nan=0.0, posinf=0.0, neginf=0.0).clamp(0, 1)
        # |trend - w * earlier|^2 with the weight that was in force, from the sums that are here already.
        weight = reach * faded(ahead) * (old.gains.to(device) if old.gains is not None else 0.0)
        missed = (moved - 2 * weight * along + weight**2 * length).clamp(min=0)
    told = torch.zeros_like(size) if gains is None else gains
    sums = torch.stack([missed.sum(), size.sum(), told.sum(), torch.ones_like(told).sum()])
    return Stream(new, trend=trend, gains=gains, sigma=sigma, span=sigma - old.sigma), sums


def extrapolated(stream: Stream, sigma: float, device: torch.device, ahead: float = 0.0) -> Parts:
    """The answer that a stream expects at `sigma`, in fresh tensors; without a trend, the last answer held."""
    held = tuple(part.to(device, non_blocking=True) for part in stream.value)
    if stream.trend is None or stream.gains is None:
        return tuple(part.clone() if part is kept else part for part, kept in zip(held, stream.value, strict=True))
    weights = stream.gains.to(device) * (_reach(stream, sigma) * faded(ahead))
    trend = (part.to(device, non_blocking=True) for part in stream.trend)
    return tuple(torch.addcmul(a, t, w) for a, t, w in zip(held, trend, weights, strict=True))


def _reach(stream: Stream, sigma: float) -> float:
    """How far `sigma` lies beyond the last answer, in lengths of the trend."""
    return (sigma - stream.sigma) / stream.span if stream.span else 0.0


def _dot(a: Parts, b: Parts) -> Tensor:
    """Sums of products, float32 [parts]."""
    return torch.stack([(x * y).sum(dtype=torch.float32) for x, y in zip(a, b, strict=True)])
