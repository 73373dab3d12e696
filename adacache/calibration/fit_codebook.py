"""From measured runs to the codebook that meets a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean, median
from typing import NamedTuple

from ..schedules.codebook import FAST_30, RATE_POWER, Codebook
from ..schedules.moreg import MoRegSettings
from ..trace.trace import Trace
from .fit_plan import fitted_plan
from .result import CALIBRATED, COMPUTED, SPEED_UP, Calibration, CalibrationError
from .simulate import Measured, measured, simulate

# Chosen on the demo's network; bench/README.md has what was tried.
# What a reused step costs, relative to a computed one, where no cached run of the model tells it.
REUSED_COST = 0.03

# Videos of one model differ: every measured run also stands for videos whose changes are this much smaller or larger.
# It also makes a smooth function of the counts of whole steps, which a target can be met on.
VARIATIONS = tuple(math.exp(0.15 * place / 4) for place in range(-4, 5))

# How much longer than published intervals may become where a target is out of reach without.
STRETCHES = (1.0, 1.5, 2.0, 3.0)

# In all measured runs together.
MOST_MEASURED_STEPS = 10_000

# MoReg is proposed far gentler than published, since a few runs tell little of how motion is spread: the largest ratio
# of the factors of the run of most motion and that of least, the largest power, and the fewest runs.
MOTION_RATIO = 2.0
STEEPEST = 2.0
FEWEST_WITH_MOREG = 3

# The proposed thresholds lie further apart than the published ones, by this power.
THRESHOLD_SPREAD = 1.5


class Target(NamedTuple):
    """What to meet; `kind` is one of `calibration.CALIBRATED`, which says what the amount is."""

    kind: str
    amount: float


def propose(
    traces: Sequence[Trace],
    target: Target,
    protect: float = 0.15,
    with_moreg: bool = False,
    sums_history: Callable[[str], bool] = lambda _: False,
) -> Calibration:
    """The codebook that meets the target on the measured runs among the traces, and a plan of as many computed steps.

    Args:
        traces: of one model, shape, sampler and step count; cached runs only tell what a reused step costs.
        protect: the part of the steps, from the first, that is all computed.
        with_moreg: whether it is meant to work together with the MoReg settings that it proposes.
        sums_history: whether a sampler, by its name, makes a step of several denoised latents.

    Raises:
        CalibrationError: no run was measured, runs of different kinds, or a target out of reach.
    """
    _check(target, protect)
    runs, used = _usable(traces)
    moreg = moreg_of(runs)
    if with_moreg and (moreg is None or len(runs) < FEWEST_WITH_MOREG):
        why = "they have no motion score" if moreg is None else "so few do not tell how motion is spread"
        raise CalibrationError(
            f"with_moreg: {len(runs)} measured run(s), and {why}; needed: {FEWEST_WITH_MOREG} that differ in motion"
        )
    counted = moreg if with_moreg else None
    steps = used[0].steps
    cost = reused_cost(traces)
    wanted = _steps_for(target, steps, cost)
    of = "largest" if wanted is None else "computed"
    aim = target.amount / 100 if wanted is None else wanted
    codebook = _meeting(runs, of, aim, protect, counted)
    counts = [simulate(run, codebook, counted, factor).computed for run in runs for factor in VARIATIONS]
    info = used[0].info
    computed = fmean(counts)
    plan = fitted_plan(used, computed if wanted is None else wanted, sums_history(info.sampler))
    return Calibration(
        codebook=str(codebook),
        steps=steps,
        protect=protect,
        with_moreg=with_moreg,
        norm=moreg.norm if moreg else None,
        power=moreg.power if moreg else None,
        target=target.kind,
        amount=float(target.amount),
        computed=computed,
        fewest=min(counts),
        most=max(counts),
        largest_change=_mean("largest", runs, codebook, counted),
        reused_cost=cost,
        runs=len(runs),
        family=info.family,
        shape=info.shape,
        sampler=info.sampler,
        plan=str(plan) if plan else "",
        measured=used[0].probe,
    )


def moreg_of(runs: Sequence[Measured]) -> MoRegSettings | None:
    """MoReg on the model's own scale: the norm is the median score; the power is as gentle as `MOTION_RATIO` asks."""
    scores = [run.score for run in runs if run.score]
    if not scores:
        return None
    spread = max(scores) / min(scores)
    power = max(0.01, min(STEEPEST, math.log(MOTION_RATIO) / math.log(spread))) if spread > 1 else STEEPEST
    return MoRegSettings(norm=float(f"{min(1.0, max(1e-3, median(scores))):.4g}"), power=float(f"{power:.3g}"))


def reused_cost(traces: Sequence[Trace]) -> float:
    """What a reused step takes, relative to a computed one, from the cached runs among the traces."""
    records = [record for trace in traces if trace.reused for record in trace.records]
    times = {
        kind: [r.milliseconds for r in records if r.computed is kind and 0 < r.milliseconds < math.inf]
        for kind in (True, False)
    }
    return min(0.9, median(times[False]) / median(times[True])) if all(times.values()) else REUSED_COST


def _check(target: Target, protect: float) -> None:
    if target.kind not in list(CALIBRATED):  # a list, since what comes over the API need not be hashable
        raise CalibrationError(f"target: {target.kind!r} is unknown; allowed: {', '.join(CALIBRATED)}")
    low, high = CALIBRATED[target.kind]
    if not low <= target.amount <= high:
        raise CalibrationError(f"amount: {target.amount:g}; allowed for {target.kind}: {low:g} to {high:g}")
    if not 0.0 <= protect <= 0.9:
        raise CalibrationError(f"protect: {protect:g}; allowed: 0 to 0.9")


def _usable(traces: Sequence[Trace]) -> tuple[list[Measured], list[Trace]]:
    """The measured ones among the traces, and their traces. Raises: CalibrationError."""
    runs, used, why = [], [], ""
    for trace in traces:
        try:
            runs.append(measured(trace))
            used.append(trace)
        except CalibrationError as error:
            why = str(error)
    if not runs:
        raise CalibrationError(
            f"no measured run{f' ({why})' if why else ''}. "
            'Set the preset of AdaCache Patch Model to "measure only" and queue once'
        )
    steps = sum(run.steps for run in runs)
    if steps > MOST_MEASURED_STEPS:  # it would take minutes
        raise CalibrationError(
            f"{len(runs)} runs of {steps} steps together; allowed: up to {MOST_MEASURED_STEPS} steps"
        )
    kinds = {kind_of(trace) for trace in used}
    if len(kinds) > 1:
        found = "; ".join(sorted(", ".join(map(str, kind)) for kind in kinds))
        raise CalibrationError(
            f"the runs are of different kinds ({found}); allowed: one model, shape, sampler and steps"
        )
    return runs, used


def kind_of(trace: Trace) -> tuple[str, str, str, int]:
    """What runs must have in common: model family, latent shape, sampler, steps."""
    info = trace.info
    return info.family, "x".join(map(str, info.shape)), info.sampler, trace.steps


def _steps_for(target: Target, steps: int, cost: float) -> float | None:
    """The target as computed steps, None where it is not about them."""
    if target.kind == COMPUTED:
        return target.amount / 100 * steps
    if target.kind == SPEED_UP:
        wanted = steps * (1 / target.amount - cost) / (1 - cost)
        if wanted < 1:
            raise CalibrationError(
                f"amount: {target.amount:g}x; a reused step takes {cost:.1%} of a computed one, so {1 / cost:.1f}x and "
                "more cannot be reached"
            )
        return min(wanted, float(steps))
    return None


def _mean(of: str, runs: Sequence[Measured], codebook: Codebook, moreg: MoRegSettings | None) -> float:
    """Mean of a field of `Simulated` over the runs and their variations."""
    return fmean(getattr(simulate(run, codebook, moreg, factor), of) for run in runs for factor in VARIATIONS)


def _meeting(runs: Sequence[Measured], of: str, aim: float, protect: float, moreg: MoRegSettings | None) -> Codebook:
    """The codebook whose mean is the aim. Raises: CalibrationError."""
    steps = runs[0].steps
    rising = of == "largest"
    for stretch in STRETCHES:
        make = partial(_codebook, steps, stretch=stretch, protect=protect)
        ends = [_mean(of, runs, make(scale), moreg) for scale in (1e-6, 1e6)]
        # A little room, or most videos would sit at the very end of what the rates allow.
        if rising and ends[1] >= aim or not rising and ends[1] <= 0.93 * aim:
            break
    if not rising and not ends[1] <= aim <= ends[0]:
        raise CalibrationError(
            f"amount: it takes {aim:.1f} of {steps} computed steps; within reach are {ends[1]:.1f} to {ends[0]:.1f}"
            f" with {protect:.0%} of the steps protected"
        )
    if rising and ends[1] < aim:
        raise CalibrationError(f"amount: {aim:.0%}; within reach is a change of up to {ends[1]:.1%}")
    low, high = math.log(1e-6), math.log(1e6)
    for _ in range(48):
        middle = (low + high) / 2
        beyond = _mean(of, runs, make(math.exp(middle)), moreg) > aim
        low, high = (low, middle) if beyond is rising else (middle, high)
    return make(math.exp((low + high) / 2), rounded=True)


def _codebook(steps: int, scale: float, stretch: float, protect: float, rounded: bool = False) -> Codebook:
    """Rates as published, 6 to 1 at 30 steps, with more reused in a row by `stretch` and at more steps.

    Args:
        scale: the threshold of rate 4.
    """
    longer = stretch * max(1.0, (steps / 30) ** RATE_POWER)
    middle = FAST_30.entries[2][0]
    entries = [
        ((t / middle) ** THRESHOLD_SPREAD * scale, 1 + math.floor((rate - 1) * longer + 0.5))
        for t, rate in FAST_30.entries
    ]
    if rounded:
        entries = [(float(f"{threshold:.4g}"), rate) for threshold, rate in entries]
    return replace(FAST_30, entries=tuple(entries), steps=steps, protect=protect)
