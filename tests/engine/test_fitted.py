"""A plan of one's own: what a measuring run records of the direction, and where the computed steps then lie."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from adacache import Calibration, CalibrationError, LockedPlan, Reason, Record, Run, RunInfo, Settings, Target, Trace
from adacache.bend import Bend
from adacache.calibrate import propose
from adacache.calibration import COMPUTED
from adacache.fitted import fitted_plan

STEPS = 20
SIGMAS = [1 - step / STEPS for step in range(STEPS)] + [0.0]


def bends(direction) -> list[float | None]:
    """What is recorded of a latent that moves along a direction by noise level."""
    bend, x, found = Bend(SIGMAS), torch.zeros(4), []
    for step, sigma in enumerate(SIGMAS[:-1]):
        now = direction(sigma)
        found.append(bend(step, x, x - sigma * now))
        x = x + now * (SIGMAS[step + 1] - sigma)
    return found


def test_a_direction_that_turns_evenly_in_log_snr_does_not_bend() -> None:
    """Both its neighbours tell the step between them exactly; the first two steps have no neighbours."""
    level, slope = torch.randn(2, 4, generator=torch.Generator().manual_seed(1)).unbind()
    found = bends(lambda sigma: level + slope * math.log(max(1 - sigma, 1e-3) / sigma))
    assert found[:2] == [None, None]
    assert max(found[2:]) < 1e-5


def test_a_corner_is_seen_one_step_later() -> None:
    corner = bends(lambda sigma: torch.full((4,), 1.0 + max(0.0, 0.52 - sigma)))  # from step 10 on, counted from 0
    assert max(range(2, STEPS), key=lambda step: corner[step]) - 1 in (9, 10)


def trace(profile, steps: int = 30, **changes) -> Trace:
    """A measured run; `profile` by 1-based step."""
    records = [
        Record(n, n, 1 - n / (steps + 1), True, Reason.MEASURING, distance=0.1, bend=profile(n - 1) if n > 2 else None)
        for n in range(1, steps + 1)
    ]
    info = RunInfo(family="Wan", shape=(1, 16, 9, 16, 16), sampler="euler")
    return replace(Trace(info, steps, {"mode": "measure"}, "0.08:6 1.00:1", records, 3.0, end="done"), **changes)


def within(plan: LockedPlan, first: int, last: int) -> int:
    return sum(first <= step <= last for step in plan.computed)


def test_computed_steps_go_where_it_bends() -> None:
    flat = fitted_plan([trace(lambda n: 1e-3)], 12)
    late = fitted_plan([trace(lambda n: 1e-3 * (30 if n > 22 else 1))], 12)
    middle = fitted_plan([trace(lambda n: 1e-3 * (30 if 10 < n < 18 else 1))], 12)
    assert [len(plan.computed) for plan in (flat, late, middle)] == [12, 12, 12]
    assert within(late, 22, 30) > within(flat, 22, 30)
    assert within(middle, 10, 18) > within(flat, 10, 18)
    for plan in (flat, late, middle):
        assert plan.computed[:3] == (1, 2, 3) and plan.computed[-1] == 30


def test_early_errors_weigh_more_where_a_correction_arrives_later() -> None:
    one = [trace(lambda n: 1e-3)]
    now, later = fitted_plan(one, 12), fitted_plan(one, 12, sums_history=True)
    assert sum(later.computed) < sum(now.computed)
    assert propose(one, Target(COMPUTED, 40)).plan == str(now)
    assert propose(one, Target(COMPUTED, 40), sums_history={"euler": True}.get).plan == str(later)


def test_runs_are_averaged_and_counts_have_bounds() -> None:
    """Of two runs the geometric mean counts, so neither their order nor one's scale does."""
    one, other, flat = trace(lambda n: 1e-3 * n), trace(lambda n: 1e-4 / n), trace(lambda n: 1.0)
    assert fitted_plan([one, other], 12) == fitted_plan([other, one], 12) == fitted_plan([flat, flat], 12)
    assert fitted_plan([one], 1).computed == (1, 2, 3, 30)
    assert fitted_plan([one], 99).computed == tuple(range(1, 31))


def test_the_more_runs_the_less_it_is_the_general_plan() -> None:
    late = trace(lambda n: 1e-3 * (30 if n > 22 else 1))
    shares = [within(fitted_plan([late] * runs, 12), 22, 30) for runs in (1, 30)]
    assert shares[0] < shares[1]


def test_runs_that_do_not_tell_give_no_plan() -> None:
    """Of samplers that add noise, of older versions, or broken ones; a run that tells is used without them."""
    silent = trace(lambda n: None)
    broken = [trace(lambda n: math.nan), trace(lambda n: -1.0), trace(lambda n: 0.0)]
    assert fitted_plan([silent, *broken], 12) is None
    good = trace(lambda n: 1e-3)
    assert fitted_plan([silent, good, *broken], 12) == fitted_plan([good], 12)


def test_it_travels_with_the_calibration() -> None:
    """As many steps as were asked for. A text that somebody spoilt is refused, one without a plan is not."""
    found = propose([trace(lambda n: 1e-3)], Target(COMPUTED, 40))
    assert len(LockedPlan.parse(found.plan).computed) == 12 and found.plan in found.report()
    assert Calibration.from_text(found.as_text()).plan == found.plan
    with pytest.raises(CalibrationError, match="plan: entry 3 .* steps must ascend"):
        Calibration.from_text(found.as_text().replace(": 1 2 3 ", ": 1 3 2 "))
    with pytest.raises(CalibrationError, match="plan: made for 30 steps, and the calibration for 20"):
        replace(found, steps=20)
    old = replace(found, plan="")
    assert "plan: none" in Calibration.from_text(old.as_text()).report()


def test_only_measuring_runs_record_it() -> None:
    assert Run(Settings(mode="measure"), STEPS, sigmas=SIGMAS).bend is not None
    assert Run(Settings(mode="measure"), STEPS).bend is None
    assert Run(Settings(forecast=True), STEPS, sigmas=SIGMAS).bend is None
    assert Run(Settings(mode="measure"), STEPS, sigmas=SIGMAS, evaluations_per_step=2).bend is None
