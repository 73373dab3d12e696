"""Where a residual is heading: the last trend of a stream, carried on as far as its own past says that it lasts.

A reused step adds `R + g * (R - R_before) * (sigma - sigma_R) / (sigma_R - sigma_before)` in place of R. The gain g, 0
to 1, is refitted per stream at every computed step by least squares: it is the share of the previous trend that went
on. In the noisy first steps it is near 0, which holds R as published; on a linear series it is 1, and the forecast is
exact. Nothing is calibrated.

It costs one more tensor of the residual's size per stream, one pass of dot products per computed step, and no device
sync: the gain stays on the device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .distance import slices
from .residual import Parts, Stream


class Fit(NamedTuple):
    """What a computed residual says of the trend before it.

    Attributes:
        change: R_new - R, the trend from here on; one tensor per part.
        gain: float32 scalar on the residual's device, 0 to 1; None where there was no trend before.
        sums: float32 `[|R_new - forecast|^2, |R_new|^2, gain, streams]`, to be added over streams.
    """

    change: Parts
    gain: Tensor | None
    sums: Tensor


def fit(stream: Stream, new: Parts, sigma: float) -> Fit:
    """Compare a new residual at noise level `sigma` with what the stream would have forecast."""
    device = new[0].device
    old = tuple(part.to(device, non_blocking=True) for part in stream.residual)
    change = tuple(n - o for n, o in zip(new, old, strict=True))
    size, moved = _dot(new, new), _dot(change, change)
    if stream.trend is None:
        return Fit(change, None, torch.stack([moved, size, torch.zeros_like(size), torch.ones_like(size)]))
    trend = tuple(part.to(device, non_blocking=True) for part in stream.trend)
    reach = _reach(stream, sigma)
    along, length = _dot(trend, change), _dot(trend, trend)
    gain = torch.nan_to_num(along / (reach * length), nan=0.0, posinf=0.0, neginf=0.0).clamp(0, 1)
    # |change - w * trend|^2 with the weight that was in force, from the sums that are here already.
    weight = reach * (stream.gain.to(device) if stream.gain is not None else 0.0)
    missed = (moved - 2 * weight * along + weight**2 * length).clamp(min=0)
    return Fit(change, gain, torch.stack([missed, size, gain, torch.ones_like(gain)]))


def add_forecast(hidden: Tensor, stream: Stream, part: int, sigma: float, out: Tensor) -> None:
    """out = hidden + the residual that the stream expects at `sigma`; without a trend, the residual held."""
    device = hidden.device
    torch.add(hidden, stream.residual[part].to(device, non_blocking=True), out=out)
    if stream.trend is not None and stream.gain is not None:
        weight = (stream.gain.to(device) * _reach(stream, sigma)).to(out.dtype)
        out.addcmul_(stream.trend[part].to(device, non_blocking=True), weight)


def _reach(stream: Stream, sigma: float) -> float:
    """How far `sigma` lies beyond the last residual, in lengths of the trend."""
    return (sigma - stream.sigma) / stream.span if stream.span else 0.0


def _dot(a: Parts, b: Parts) -> Tensor:
    """Sum of products over all parts, in float32, in slices so that the copies stay small."""
    total = torch.zeros((), dtype=torch.float32, device=a[0].device)
    for one, other in zip(a, b, strict=True):
        for x, y in zip(slices(one), slices(other), strict=True):
            x = x.float()
            total = total + (x * (x if one is other else y.float())).sum()
    return total
