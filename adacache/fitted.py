"""A plan for one's own model: computed steps where its measured runs say that a reused one would cost most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from .locked import LockedPlan
from .paced import CORRECTED, CORRECTED_LATER, START
from .plan import Planner
from .trace import Trace

GROWTH = 2.25
"""An error made at t, 0 to 1 through the steps, comes out of the sampling (t + START) ** -GROWTH times as large.

With it two networks that disagree about where computed steps belong each get about the plan that a search by hand had
found for it (`bench/README.md`).
"""

OTHERS = 1  # runs that what is known of other models counts as
FEWEST = 4  # the first three steps and the last
LEAST = 1e-6  # of the largest bend: a step that is free would make every plan equal


def fitted_plan(traces: Sequence[Trace], computed: float, sums_history: bool = False) -> LockedPlan | None:
    """The plan of so many computed steps, made of the measured runs among the traces.

    Args:
        traces: of one model, sampler and step count; what they measured is averaged.
        computed: how many steps to compute; rounded, and at least the first three and the last are.
        sums_history: the sampler makes a step of several denoised latents.

    Returns:
        None where no run knows how its direction bends: samplers that add noise, and runs of older versions.
    """
    known = [bends for trace in traces if (bends := _bends(trace))]
    if not known:
        return None
    steps = len(known[0])
    logs = _smooth([fmean(math.log(bend) for bend in at) for at in zip(*known, strict=True)])
    general = CORRECTED_LATER if sums_history else CORRECTED
    middles = [ends / 2 for ends in range(2 * steps - 1)]  # an interval's middle lies on a step or between two
    own = [(logs[int(m)] + logs[math.ceil(m)]) / 2 - GROWTH * math.log(m / steps + START) for m in middles]
    usual = [math.log(weight) for weight in general.weights(steps)]
    # Videos differ, so a few runs tell of the model only in part; for the rest it is taken to be as others are.
    trust = len(known) / (len(known) + OTHERS)
    level = fmean(own) - fmean(usual)
    weights = [math.exp(trust * (mine - level) + (1 - trust) * theirs) for mine, theirs in zip(own, usual, strict=True)]
    count = min(steps, max(FEWEST, round(computed)))
    first = general.first(count)
    placed = Planner(weights).placed(first - 1, count - first)
    return LockedPlan(steps, (*range(1, first + 1), *(step + 1 for step in placed)))


def _smooth(values: list[float]) -> list[float]:
    """Twice the mean with both neighbours, which count half: what one step measures is mostly its video's own."""
    for _ in range(2):
        padded = [values[0], *values, values[-1]]
        values = [(a + 2 * b + c) / 4 for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)]
    return values


def _bends(trace: Trace) -> list[float]:
    """By step, what reusing it would have got wrong; empty where that is not known of every step."""
    after = {record.step: record.bend for record in trace.records}
    inner = [after.get(step + 1) for step in range(2, trace.steps)]
    if len(inner) < 2 or not all(bend is not None and 0 <= bend < math.inf for bend in inner) or not any(inner):
        return []
    floor = LEAST * max(inner)
    inner = [max(floor, bend) for bend in inner]
    return [inner[0], *inner, inner[-1]]  # the first and the last step are always computed
