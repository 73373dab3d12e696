"""A plan for one's own model: the computed steps whose error in its measured runs would have been least.

The error of a plan follows from the directions of a run in which all steps were computed
(`sampling/direction_increments.py`), without sampling it. Between two computed steps a reused one's direction is taken
from the line between theirs, as `sampling/deferred_correction.py` does; what it is off by, times the steps' lengths, is
the interval's error. To that comes what the correction cannot see: the step at the interval's end was computed before
the correction shifted the latent, and is as wrong as the shift is large. Errors of different intervals may cancel,
which a cost of single intervals (`schedules/planned.py`) does not know. The mean square of all is a quadratic form of
the directions' inner products. bench/README.md compares what it tells with what plans came out with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from ..sampling.log_snr import log_snr, mixes
from ..schedules.explicit import LockedPlan
from ..schedules.planned import CORRECTED, CORRECTED_LATER
from ..trace.trace import Trace


class Assumed(NamedTuple):
    """Constants that no run tells, by the kind of sampler.

    Attributes:
        growth: an error of the latent is one of 1 / (1 - sigma) times its size in the video, and grows to this power.
        unseen: how far a direction computed before a shift of the latent is off, in shifts per noise level.
        kept: so much of the steps, from the first, stay as in the usual plan. How early errors grow differs from video
            to video, and reuse there is what ruins videos.
    """

    growth: float
    unseen: float
    kept: float


AT_ONCE = Assumed(growth=1.25, unseen=1.0, kept=1 / 3)
LATER = Assumed(growth=1.5, unseen=3.0, kept=1 / 2)
"""Of samplers that sum denoised latents of several steps, on which a shift acts later: there the error is told less
well, and the plan changes less."""

GROWTH_FLOOR = 1e-2  # an error in next to nothing but noise does not grow without bounds
TREND = 0.8  # how much of the trend extrapolation carries on; it tunes that by itself
SEPARATE_WEIGHT = 1.0  # weight of the intervals' errors each by itself: that they cancel in these runs is partly chance
LEAST_WRONG = 1e-30  # a run in which no plan goes wrong tells nothing
LEAST_STEP = 1e-6  # what a move must gain at least, relative to the error: so there are only so many
ROUNDING = 1e-6  # an eigenvalue of the products may be below 0 by so much of the largest
FEWEST = 4  # the first three steps and the last


def fitted_plan(traces: Sequence[Trace], computed: float, sums_history: bool = False) -> LockedPlan | None:
    """The plan of so many computed steps, made of the measured runs among the traces.

    It starts from the plan that a preset has for as many and moves one computed step at a time, as long as that helps.

    Args:
        traces: of one model, sampler and step count; those of the last one's noise levels are averaged.
        computed: how many steps to compute; rounded, and at least the first three and the last are.
        sums_history: the sampler makes a step of several denoised latents.

    Returns:
        None where no run knows how its direction turns: samplers that add noise, and runs of older versions.
    """
    known = [(trace, products) for trace in traces if (products := _products(trace)) is not None]
    if not known:
        return None
    model = known[-1][0]  # the newest run says which noise levels are in use
    known = [(trace, products) for trace, products in known if _alike(trace, model)]
    steps = model.steps
    general = CORRECTED_LATER if sums_history else CORRECTED
    count = min(steps, max(FEWEST, round(computed)))
    plan = general.plan(steps, count)
    if count < steps:
        sigmas = _sigmas(model)
        highest = model.highest_sigma or max(sigmas)
        assumed = LATER if sums_history else AT_ONCE
        # Each run counts by what the usual plan gets wrong in it, or the hardest would decide alone.
        wrong = [float(Errors(sigmas, highest, products, assumed).of(torch.tensor([plan]))) for _, products in known]
        shares = [products / each for (_, products), each in zip(known, wrong, strict=True) if each > LEAST_WRONG]
        if shares:
            kept = sum(step < assumed.kept * steps for step in plan)
            errors = Errors(sigmas, highest, torch.stack(shares).mean(0), assumed)
            plan = _improved(plan, max(general.first(count), kept), errors)
    return LockedPlan(steps, tuple(step + 1 for step in plan))


def _improved(plan: list[int], kept: int, errors: Errors) -> list[int]:
    """The plan after the moves of single steps that help most; the first so many that are kept and the last stay.

    No interval grows beyond the usual plan's longest by more than a step: of longer ones nothing was measured.
    """
    now = torch.tensor([plan])
    least, longest = float(errors.of(now)), int(now.diff().max()) + 1
    while True:
        best, better = least, plan
        for moved in plan[kept:-1]:
            rest = [step for step in plan if step != moved]
            moves = torch.tensor([sorted([*rest, to]) for to in range(plan[kept - 1] + 1, plan[-1]) if to not in plan])
            moves = moves[moves.diff().amax(-1) <= longest] if len(moves) else moves
            if len(moves):
                wrong, at = errors.of(moves).min(0)
                if float(wrong) < best:
                    best, better = float(wrong), moves[int(at)].tolist()
        if better is plan or least - best <= LEAST_STEP * abs(least):
            return plan
        least, plan = best, better


class Errors:
    """What plans get wrong in a run. Steps count from 0; intervals go from one computed step, a, to the next, b.

    Args:
        sigmas: noise level of each step.
        highest: the model's highest one.
        products: mean products of the directions less the first one's, [steps, steps].

    Attributes:
        line: what the line between a and b adds up to too much, as weights of the directions, [a, b, step].
        alone: its mean square, [a, b].
        shift: mean square of the correction at b, by the computed step before a, [before, a, b].
        unseen: what part of a shift at b goes wrong until the next computed step, [b, next].
    """

    def __init__(self, sigmas: Sequence[float], highest: float, products: Tensor, assumed: Assumed = AT_ONCE) -> None:
        steps, self.products = len(sigmas), products
        ends = torch.tensor([*sigmas, 0.0], dtype=torch.float64)
        sigma, lengths = ends[:-1], ends.diff()
        # Slightly apart where the first steps have no signal yet, so that nothing is divided by zero.
        at = torch.tensor([log_snr(s, highest) + 1e-9 * n for n, s in enumerate(sigmas)], dtype=torch.float64)
        signal = (1 - sigma).clamp_min(GROWTH_FLOOR) if mixes(highest) else torch.ones(steps, dtype=torch.float64)
        order = torch.arange(steps)
        inside = (order[:, None, None] < order) & (order < order[None, :, None])  # [a, b, step]
        way = ((at - at[:, None, None]) / (at[None] - at[:, None])[..., None]).where(inside, 0.0)
        moved, share = (inside * lengths).sum(-1), (way * lengths).sum(-1)
        line = torch.where(inside, -lengths, 0.0)
        line[order, :, order] += moved - share
        line[:, order, order] += share
        grown = signal**-assumed.growth
        self.line = line * grown[:, None]
        self.alone = torch.einsum("abi,ij,abj->ab", self.line, products, self.line)
        # The shift: the line's sum, less what the extrapolation at a had carried on from the computed step before it.
        trend = torch.where(order[:, None] < order, TREND / (sigma - sigma[:, None]), 0.0)  # [before, a]
        carried = trend[..., None] * (inside * lengths * (sigma - sigma[:, None, None])).sum(-1)
        square = products.diagonal()
        chord = square[None] + square[:, None] - 2 * products
        turned = products[None] - square[:, None] - products[:, None] + products[..., None]
        self.shift = share**2 * chord - 2 * share * carried * turned + carried**2 * chord[..., None]
        self.shift = (self.shift * (moved != 0) * grown**2).clamp_min(0.0)
        self.unseen = assumed.unseen * (1 - ends / sigma[:, None])  # at the end the noise level is 0

    def of(self, plans: Tensor) -> Tensor:
        """Mean square error of the video, up to a factor, [plans].

        Args:
            plans: the computed steps of each, [plans, count].
        """
        a, b = plans[:, :-1], plans[:, 1:]
        before = torch.cat([a[:, :1], a[:, :-1]], 1)
        after = torch.cat([b[:, 1:], torch.full_like(b[:, :1], self.unseen.shape[0])], 1)
        together = self.line[a, b].sum(1)
        wrong = torch.einsum("pi,ij,pj->p", together, self.products, together) + SEPARATE_WEIGHT * self.alone[a, b].sum(
            1
        )
        return wrong + (self.shift[before, a, b] * self.unseen[b, after] ** 2).sum(1)


def _products(trace: Trace) -> Tensor | None:
    """Mean products of a run's directions, each less the first one, [steps, steps]; None where they are not known, or
    are products of no vectors, as in an edited text.
    """
    sigmas, rows = _sigmas(trace), [record.turns for record in trace.records]
    if trace.steps < FEWEST or [record.step for record in trace.records] != list(range(1, trace.steps + 1)):
        return None
    if not all(before > after > 0 for before, after in pairwise(sigmas)):
        return None
    products = torch.zeros(trace.steps, trace.steps, dtype=torch.float64)
    for step, row in enumerate(rows[1:], 1):
        if row is None or len(row) != step:
            return None
        products[step, 1 : step + 1] = products[1 : step + 1, step] = torch.tensor(row, dtype=torch.float64)
    if not products.isfinite().all():
        return None
    least, *_, most = torch.linalg.eigvalsh(products).tolist()
    return products.cumsum(0).cumsum(1) if most > 0 and least >= -ROUNDING * most else None


def _sigmas(trace: Trace) -> list[float]:
    return [record.sigma for record in trace.records]


def _alike(trace: Trace, other: Trace) -> bool:
    """Whether two runs went through the same noise levels; with another shift or scheduler they do not."""
    pairs = zip(_sigmas(trace), _sigmas(other), strict=True)
    return all(math.isclose(mine, its, rel_tol=1e-3) for mine, its in pairs)
