"""The schedule for a chosen speed: its promise, its plan, and what may bend it."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
import torch

from adacache import MoRegSettings, PacedSchedule, Reason, Run, Settings
from adacache.sampling.sampler import Sampler
from adacache.schedules.planned import CORRECTED, CORRECTED_LATER, UNCORRECTED, Cost


def computed(schedule: PacedSchedule) -> list[int]:
    found = []
    for step in range(1, schedule.steps + 1):
        if schedule.decide().compute:
            found.append(step)
            schedule.observe(0.1)
    return found


@pytest.mark.parametrize("steps", [10, 20, 30, 50, 100])
@pytest.mark.parametrize("share", [1 / 3, 2 / 5, 1 / 2, 2 / 3])
def test_a_share_is_kept(steps: int, share: float) -> None:
    """A share of the steps is computed at any step count, within one step in twenty and at least one."""
    assert len(computed(PacedSchedule(steps, share))) == pytest.approx(share * steps, abs=max(1, steps / 20))


@pytest.mark.parametrize(
    ("share", "plan"),
    [
        (1 / 3, [1, 2, 3, 5, 7, 10, 15, 21, 27, 30]),
        (2 / 5, [1, 2, 3, 4, 5, 7, 10, 14, 19, 24, 28, 30]),
        (1 / 2, [1, 2, 3, 4, 5, 6, 7, 9, 11, 14, 17, 21, 25, 28, 30]),
    ],
)
def test_plan(share: float, plan: list[int]) -> None:
    """The first steps lie close together, the middle ones far apart, and the last is computed: those
    found best on the demo's network, see bench/README.md."""
    assert computed(PacedSchedule(30, share, cost=CORRECTED)) == plan


def test_without_a_correction_more_of_the_first_steps_are_computed() -> None:
    plain, corrected = (computed(PacedSchedule(30, 2 / 5, cost=cost)) for cost in (UNCORRECTED, CORRECTED))
    assert len(plain) == len(corrected)
    assert sum(step <= 10 for step in plain) > sum(step <= 10 for step in corrected)


def test_where_a_correction_arrives_later_the_first_steps_are_computed_in_one_piece() -> None:
    """Half of the computed ones, as UniPC wants it; measured, see the constant."""
    for share, plan in (
        (1 / 2, [1, 2, 3, 4, 5, 6, 7, 9, 11, 14, 17, 21, 25, 28, 30]),
        (1 / 3, [1, 2, 3, 4, 5, 8, 12, 18, 25, 30]),
        (2 / 5, [1, 2, 3, 4, 5, 6, 8, 11, 15, 20, 26, 30]),
    ):
        assert computed(PacedSchedule(30, share, cost=CORRECTED_LATER)) == plan


@pytest.mark.parametrize("cost", [CORRECTED, CORRECTED_LATER, UNCORRECTED], ids=["corrected", "later", "uncorrected"])
@pytest.mark.parametrize("count", [5, 6, 8])
def test_no_plan_has_a_cheaper_worst_interval(cost: Cost, count: int) -> None:
    steps = 13

    def worst(plan: tuple[int, ...]) -> float:
        def of(a: int, b: int) -> float:
            t = ((a + b) / 2 - 1) / steps
            weight = (t + 1 / 6) ** -cost.early * (1 - t) ** -cost.late
            return weight * ((b - a) ** 2 - 1)

        return max(of(a, b) for a, b in zip(plan, plan[1:], strict=False))

    plan = tuple(computed(PacedSchedule(steps, count / steps, cost=cost)))
    first = cost.first(count)
    rest = combinations(range(first + 1, steps), count - first - 1)
    others = ((*range(1, first + 1), *middle, steps) for middle in rest)
    assert len(plan) == count
    assert worst(plan) <= min(map(worst, others)) * (1 + 1e-9)


def test_sensitivity_and_cap() -> None:
    """Higher sensitivity computes more; a cap bounds the intervals."""
    counts = [len(computed(PacedSchedule(30, 0.4, sensitivity=s))) for s in (0.5, 1, 2)]
    assert counts == sorted(set(counts))
    steps = computed(PacedSchedule(30, 1 / 3, max_reuses=1))
    assert max(b - a for a, b in zip(steps, steps[1:], strict=False)) == 2


@pytest.mark.parametrize("share", [2 / 3, 1 / 2, 2 / 5, 1 / 3])
def test_motion_leaves_plans_alone(share: float) -> None:
    """With MoReg connected a preset computes the steps that it computes without, looks at no motion, and says so."""
    alone = Settings(share=share, forecast=True, reuses="answer")
    runs = [Run(alone, 30), Run(replace(alone, moreg=MoRegSettings(norm=0.01, power=2.0)), 30)]
    for run in runs:
        with run:
            for step in range(30):
                with run.evaluation(1 - step / 30) as evaluation:
                    moving = torch.arange(4.0).view(1, 1, 4, 1, 1) * (step + 1)
                    call = evaluation.answer(["prompt"], [(moving,)], frames=2)
                    if call.compute:
                        call.keep([(moving,)], True)
                    else:
                        call.reuse()
    plans = [[record.step for record in run.trace.records if record.computed] for run in runs]
    assert plans[0] == plans[1]
    assert all(record.score is None for run in runs for record in run.trace.records)
    assert ["MoReg changed nothing: this preset" in run.trace.summary() for run in runs] == [False, True]


def test_forced_and_broken_distances() -> None:
    """A caller may force a step; a distance that is no number computes the next step."""
    schedule = PacedSchedule(30, 1 / 3)
    for _ in range(4):
        schedule.decide()
        schedule.observe(0.1)
    assert schedule.decide(Reason.OUTSIDE) == (True, Reason.OUTSIDE)
    schedule.observe(float("nan"))
    assert schedule.decide().compute


@pytest.mark.parametrize(
    ("sigmas", "sums_history", "cost"),
    [(None, False, UNCORRECTED), (None, True, UNCORRECTED), (True, False, CORRECTED), (True, True, CORRECTED_LATER)],
)
def test_a_run_plans_by_what_makes_good_its_errors(sigmas: bool | None, sums_history: bool, cost: Cost) -> None:
    levels = [1 - n / 30 for n in range(31)] if sigmas else None
    settings = Settings(share=1 / 2, forecast=True, reuses="answer")
    run = Run(settings, steps=30, sampler=Sampler(sigmas=levels, sums_history=sums_history))
    assert computed(run.schedule) == computed(PacedSchedule(30, 1 / 2, cost=cost))
