"""A plan of one's own: what a measuring run records of its directions, and the plan that goes least wrong by them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from adacache import Calibration, CalibrationError, LockedPlan, Reason, Record, Run, RunInfo, Settings, Target, Trace
from adacache.calibration.fit_codebook import propose
from adacache.calibration.fit_plan import AT_ONCE, SEPARATE_WEIGHT, TREND, Errors, _improved, fitted_plan
from adacache.calibration.result import COMPUTED
from adacache.sampling.direction_increments import MOST_STEPS, SAMPLED, DirectionIncrements
from adacache.sampling.log_snr import log_snr
from adacache.sampling.sampler import Sampler
from adacache.schedules.part import Part
from adacache.schedules.planned import CORRECTED, Planner
from adacache.trace.trace import ANSWER

STEPS = 30


def levels(steps: int = STEPS, shift: float = 3.0) -> list[float]:
    """A flow model's noise levels."""
    even = [1 - step / steps for step in range(steps + 1)]
    return [shift * t / (1 + (shift - 1) * t) for t in even]


def walk(seed: int = 0, steps: int = STEPS, late: float = 0.0, size: float = 1.0) -> Tensor:
    """Smooth directions at each step, [steps, 64]; where the noise is less than half they bend by `late` besides."""
    parts = torch.randn(4, 64, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    at = [log_snr(sigma, 1.0) for sigma in levels(steps)[:-1]]
    along = [[1.0, a / 5, math.sin(a / 2), late * max(0.0, a) ** 2] for a in at]
    return size * torch.tensor(along, dtype=torch.float64) @ parts


def recorded(directions: Tensor, sigmas: list[float]) -> list[tuple[float, ...] | None]:
    """What is recorded of a latent that moves along them."""
    turns, x, found = DirectionIncrements(sigmas), torch.zeros(directions.shape[1], dtype=torch.float64), []
    for step, direction in enumerate(directions):
        found.append(turns(step, x, x - sigmas[step] * direction))
        x = x + direction * (sigmas[step + 1] - sigmas[step])
    return found


def trace(directions: Tensor | None = None, **changes) -> Trace:
    """A measured run along directions, or one that does not know them."""
    steps = STEPS if directions is None else len(directions)
    turns = [None] * steps if directions is None else recorded(directions, levels(steps))
    sigmas = levels(steps)
    records = [
        Record(n + 1, n + 1, sigmas[n], True, Reason.MEASURING, distance=0.1, turns=turns[n]) for n in range(steps)
    ]
    info = RunInfo(family="Wan", shape=(1, 16, 9, 16, 16), sampler="euler")
    return replace(
        Trace(info, steps, {"mode": "measure"}, "0.08:6 1.00:1", records, 3.0, end="done", probe=ANSWER), **changes
    )


def errors(directions: Tensor) -> Errors:
    away = directions - directions[0]
    return Errors(levels(len(directions))[:-1], 1.0, away @ away.T / directions.shape[1])


def by_hand(directions: Tensor, plan: list[int]) -> float:
    """The error of a plan, counted from 0, from the directions themselves."""
    sigmas = levels(len(directions))
    together, wrong = torch.zeros(64, dtype=torch.float64), 0.0
    for number, (a, b) in enumerate(pairwise(plan)):
        off, shift = torch.zeros_like(together), torch.zeros_like(together)
        for t in range(a + 1, b):
            length = sigmas[t + 1] - sigmas[t]
            way = (log_snr(sigmas[t], 1) - log_snr(sigmas[a], 1)) / (log_snr(sigmas[b], 1) - log_snr(sigmas[a], 1))
            line = torch.lerp(directions[a], directions[b], way)
            forecast = directions[a]
            if number:
                before = plan[number - 1]
                trend = (directions[a] - directions[before]) / (sigmas[a] - sigmas[before])
                forecast = forecast + TREND * trend * (sigmas[t] - sigmas[a])
            off, shift = off + length * (line - directions[t]), shift + length * (line - forecast)
        grown = (1 - sigmas[b]) ** -AT_ONCE.growth
        following = sigmas[plan[number + 2]] if number + 2 < len(plan) else 0.0
        unseen = AT_ONCE.unseen * (sigmas[b] - following) / sigmas[b]
        together += grown * off
        wrong += grown**2 * (SEPARATE_WEIGHT * off.square().mean() + unseen**2 * shift.square().mean())
    return float(wrong + together.square().mean())


def usual(count: int) -> list[int]:
    """The preset's plan, counted from 0."""
    return [0, 1, 2, *Planner(CORRECTED.weights(Part.all(STEPS))).placed(2, count - 3)]


def found(*traces: Trace, count: int = 12) -> list[int]:
    """The fitted plan, counted from 0."""
    return [step - 1 for step in fitted_plan(traces, count).computed]


def test_turns_are_recorded_as_products() -> None:
    """Of every turn with all before it; the first step has none."""
    directions = walk()
    rows, turns = recorded(directions, levels()), directions.diff(dim=0)
    assert rows[0] is None and [len(row) for row in rows[1:]] == list(range(1, STEPS))
    for step, row in enumerate(rows[1:]):
        assert list(row) == pytest.approx((turns[: step + 1] @ turns[step] / 64).tolist(), rel=1e-4, abs=1e-9)


def test_of_large_latents_some_places_are_seen_the_same_at_every_step() -> None:
    latents = torch.randn(3, 4 * SAMPLED, generator=torch.Generator().manual_seed(1))
    turns = DirectionIncrements([0.5, 0.4, 0.3, 0.0])
    rows = [turns(step, x, torch.zeros_like(x)) for step, x in enumerate(latents)]
    first, second = latents[1] / 0.4 - latents[0] / 0.5, latents[2] / 0.3 - latents[1] / 0.4
    assert rows[2] == pytest.approx([float((first * second).mean()), float(second.square().mean())], rel=0.02)


def test_the_error_of_a_plan_is_that_of_its_directions() -> None:
    """Any plan's, without sampling it: the same as with the directions at hand."""
    directions = walk(late=0.3)
    plans = [[0, 1, 2, 5, 6, 12, 20, 29], [0, 1, 2, 3, 9, 10, 28, 29], [0, 2, 4, 8, 16, 17, 26, 29]]
    assert errors(directions).of(torch.tensor(plans)).tolist() == pytest.approx(
        [by_hand(directions, plan) for plan in plans]
    )
    assert float(errors(directions).of(torch.arange(STEPS)[None])) == 0.0
    even = torch.tensor([[log_snr(sigma, 1.0)] * 64 for sigma in levels()[:-1]], dtype=torch.float64)
    assert float((errors(even).line[0, 9] @ even).norm()) < 1e-3, "a line of its own kind gets nothing wrong"


def test_no_single_move_is_better() -> None:
    """Than the plan found; and it is better than the usual one where the run is unlike others."""
    run = walk(late=2.0)
    plan, wrong = found(trace(run)), errors(run)
    least = float(wrong.of(torch.tensor([plan])))
    kept = [step for step in usual(12) if step < AT_ONCE.kept * STEPS]
    inner = range(kept[-1] + 1, STEPS - 1)
    moved = [step for step in plan if step in inner]
    moves = torch.tensor([sorted({*plan} - {old} | {new}) for old in moved for new in inner if new not in plan])
    longest = max(later - earlier for earlier, later in pairwise(usual(12))) + 1
    moves = moves[moves.diff().amax(1) <= longest]
    assert len(moves) > 10 and float(wrong.of(moves).min()) >= least * (1 - 1e-9)
    before = float(wrong.of(torch.tensor([usual(12)])))
    assert least < 0.8 * before


def test_computed_steps_go_where_directions_turn() -> None:
    straight, late = found(trace(walk())), found(trace(walk(late=2.0)))
    assert len(straight) == len(late) == 12
    assert sum(late) > sum(straight)
    for plan in (straight, late):
        assert plan[:7] == usual(12)[:7] and plan[-1] == 29, "the first third and the last step are as usual"


def test_half_lies_in_one_piece_where_corrections_arrive_later() -> None:
    one = [trace(walk())]
    now, later = fitted_plan(one, 12), fitted_plan(one, 12, sums_history=True)
    assert later.computed[:6] == (1, 2, 3, 4, 5, 6) and now != later
    assert propose(one, Target(COMPUTED, 40)).plan == str(now)
    assert propose(one, Target(COMPUTED, 40), sums_history={"euler": True}.get).plan == str(later)


def test_runs_are_averaged_and_counts_have_bounds() -> None:
    """Neither their order counts nor the scale of one."""
    one, other = trace(walk(1, late=1.0)), trace(walk(2))
    large = trace(walk(2, size=100.0))
    assert found(one, other) == found(other, one) == found(one, large)
    assert fitted_plan([one], 1).computed == (1, 2, 3, 30)
    assert fitted_plan([one], 99).computed == tuple(range(1, 31))


def test_runs_of_other_noise_levels_do_not_count() -> None:
    """With another shift, the same step is another one; the last run decides."""
    mine, other = trace(walk(1, late=1.0)), trace(walk(2, late=0.1))
    records = [replace(r, sigma=r.sigma**2) for r in other.records]
    assert found(replace(other, records=records), mine) == found(mine) != found(other, mine)


def test_runs_that_do_not_tell_give_no_plan() -> None:
    """Of samplers that add noise, of older versions, or broken ones; a run that tells is used without them."""
    silent, good = trace(), trace(walk())
    broken = []
    for spoilt in (
        lambda row: (math.nan, *row[1:]),
        lambda row: (*row[:-1], -1.0),
        lambda row: row[1:],
        lambda row: (*(1e3 * one for one in row[:-1]), row[-1]),  # products of no vectors
    ):
        records = [replace(r, turns=spoilt(r.turns) if r.step == 9 else r.turns) for r in good.records]
        broken.append(replace(good, records=records))
    for sigma in (0.0, math.nan, good.records[7].sigma):
        records = [replace(r, sigma=sigma) if r.step == 9 else r for r in good.records]
        broken.append(replace(good, records=records))
    broken.append(replace(good, records=good.records[::-1]))
    assert fitted_plan([silent, *broken], 12) is None
    assert fitted_plan([silent, good, *broken], 12) == fitted_plan([good], 12)


def test_a_search_ends_whatever_the_error_is() -> None:
    """Products that an edited text may hold make errors below 0, which no move may count as better for ever."""
    products = -torch.eye(STEPS, dtype=torch.float64) + 1e-3 * torch.ones(STEPS, STEPS, dtype=torch.float64)
    plan = _improved(CORRECTED.plan(STEPS, 12), 4, Errors(levels()[:-1], 1.0, products, AT_ONCE))
    assert len(plan) == 12 and plan == sorted(set(plan))


def test_a_run_that_never_turns_has_the_usual_plan() -> None:
    still, turning = trace(walk()), walk(late=2.0)
    records = [replace(r, turns=(*[0.0] * (r.step - 2), 1e-40) if r.turns else None) for r in still.records]
    hardly = replace(still, records=records)
    assert found(hardly) == usual(12)
    assert found(hardly, trace(turning)) != usual(12), "one that turns decides"


def test_any_noise_levels_do() -> None:
    """Without any signal in the first steps, and of models to whose signal noise is added."""
    many = trace(walk(steps=40))
    flat = replace(many, records=[replace(r, sigma=1 - 1e-6 * r.step if r.step < 4 else r.sigma) for r in many.records])
    added = replace(many, highest_sigma=14.6, records=[replace(r, sigma=14 * r.sigma) for r in many.records])
    for one in (flat, added):
        plan = fitted_plan([one], 16)
        assert len(plan.computed) == 16 and plan.computed[-1] == 40


def test_it_travels_with_the_calibration() -> None:
    """As many steps as were asked for. A text that somebody spoilt is refused, one without a plan is not."""
    one = propose([trace(walk())], Target(COMPUTED, 40))
    plan = LockedPlan.parse(one.plan)
    assert len(plan.computed) == 12 and one.plan in one.report()
    assert Calibration.from_text(one.as_text()).plan == one.plan
    with pytest.raises(CalibrationError, match="plan: entry 3 .* steps must ascend"):
        Calibration.from_text(one.as_text().replace(": 1 2 3 ", ": 1 3 2 "))
    with pytest.raises(CalibrationError, match="plan: made for 30 steps, and the calibration for 20"):
        replace(one, steps=20)
    promised = one.as_text().replace('"plan":', '"plan_gain": 3.2,\n "plan":')
    assert Calibration.from_text(promised).plan == one.plan, "a gain that an older version told"
    old = replace(one, plan="")
    assert "plan: none" in Calibration.from_text(old.as_text()).report()


def test_only_measuring_runs_record_it() -> None:
    """And only where the sampler's noise levels are known, one evaluation a step, and steps are not too many."""

    def recorded(settings: Settings, steps: int = 20, **told: Any) -> bool:
        run = Run(settings, steps, sampler=Sampler(**told))
        for step in range(3):
            with run.evaluation(levels(steps)[step]) as evaluation:
                call = evaluation.answer([""], [(torch.ones(1, 4),)])
                x = torch.randn(1, 4)
                run.corrected(evaluation, x, x / (2 + step))
                call.keep([(torch.ones(1, 4),)], False)
        return run.trace.records[2].turns is not None

    measure = Settings(mode="measure")
    assert recorded(measure, sigmas=levels(20))
    assert not recorded(measure)
    assert not recorded(Settings(), sigmas=levels(20))
    assert not recorded(measure, sigmas=levels(20), evaluations=2)
    assert not recorded(measure, MOST_STEPS + 1, sigmas=levels(MOST_STEPS + 1))
