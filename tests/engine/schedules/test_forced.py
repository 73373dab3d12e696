"""What the schedule adds to the published rule: reasons, sensitivity, a cap, steps forced by the caller."""

from __future__ import annotations

import pytest

from adacache import PUBLISHED, Codebook, MoRegSettings, PublishedSchedule, Reason
from adacache.schedules.moreg import MoReg


def decisions(schedule: PublishedSchedule, change: float, forced: dict[int, Reason] | None = None) -> list[Reason]:
    """The reasons of a run in which the probe changes by `change` at every computed step."""
    reasons = []
    for step in range(1, schedule.steps + 1):
        decision = schedule.decide((forced or {}).get(step))
        reasons.append(decision.reason)
        if decision.compute:
            schedule.observe(None if step == 1 else change)
    return reasons


def test_reasons() -> None:
    """Steps are computed as the first, the last two, or as planned by the codebook; the rest is reused."""
    reasons = decisions(PublishedSchedule(12, Codebook.parse("1:4")), 0.0)
    scheduled, reused = Reason.SCHEDULED, Reason.REUSED
    middle = [scheduled, reused, reused, reused, scheduled, reused, reused, reused, scheduled]
    assert reasons == [Reason.FIRST, *middle, Reason.LAST, Reason.LAST]


@pytest.mark.parametrize("change", [float("nan"), float("inf"), -float("inf")])
def test_distance_that_is_not_finite_computes(change: float) -> None:
    """After a distance that is NaN or infinite the next step is computed."""
    schedule = PublishedSchedule(30, Codebook.parse("0.1:6 1:5"))
    assert Reason.REUSED not in decisions(schedule, change)


def test_motion_that_is_not_finite_computes() -> None:
    """A NaN motion score computes the next step and leaves the earlier motion alone."""
    moreg = MoReg(MoRegSettings(first_step=1, last_step=30), 30)
    schedule = PublishedSchedule(30, Codebook.parse("0.1:6 1:5"), moreg)
    schedule.decide(), schedule.observe(None), schedule.decide()
    assert schedule.observe(0.0, float("nan")).rate == 1
    assert moreg.previous == 1.0
    assert schedule.decide() == (True, Reason.SCHEDULED)


def test_sensitivity_multiplies_the_distance() -> None:
    """Higher sensitivity never gives a higher rate for an observation, and a huge one computes everything."""
    for change in (0.0, 0.01, 0.05, 0.1, 0.3, 2.0):
        rates = []
        for sensitivity in (0.5, 1, 2, 4, 1e6):
            schedule = PublishedSchedule(30, PUBLISHED["fast 30"], sensitivity=sensitivity)
            schedule.decide(), schedule.observe(None), schedule.decide()
            seen = schedule.observe(change)
            assert (seen.distance, seen.looked_up) == (change, change * sensitivity)
            rates.append(seen.rate)
        assert rates == sorted(rates, reverse=True)
    everything = PublishedSchedule(30, PUBLISHED["fast 30"], sensitivity=1e6)
    assert Reason.REUSED not in decisions(everything, 0.1)


@pytest.mark.parametrize("cap", [1, 2, 3, 4])
def test_max_reuses_caps_reuses_in_a_row(cap: int) -> None:
    """With rates of 6 and a cap, exactly `cap` steps in a row are reused, never more."""
    reasons = decisions(PublishedSchedule(60, PUBLISHED["fast 30"], max_reuses=cap), 0.0)
    in_a_row = "".join("r" if reason is Reason.REUSED else " " for reason in reasons).split()
    assert max(map(len, in_a_row)) == cap


@pytest.mark.parametrize("reason", [Reason.OUTSIDE, Reason.RESTARTED, Reason.MEASURING])
def test_forced_step_is_divided_by_what_elapsed(reason: Reason) -> None:
    """A step forced before its time divides the distance by the steps that passed, not the planned rate."""
    schedule = PublishedSchedule(30, Codebook.parse("1:6"))
    for step in (1, 2):
        schedule.decide()
        schedule.observe(None if step == 1 else 0.0)
    assert [schedule.decide().reason for _ in range(2)] == [Reason.REUSED] * 2
    assert schedule.decide(reason) == (True, reason)
    assert schedule.observe(0.6).distance == pytest.approx(0.6 / 3)
    assert [schedule.decide().compute for _ in range(6)] == [False] * 5 + [True]


def test_forced_last_steps_are_divided_by_the_planned_rate() -> None:
    """At the last two steps the distance is divided by the rate in force, as published."""
    schedule = PublishedSchedule(10, Codebook.parse("1:6"))
    for _ in range(8):
        if schedule.decide().compute:
            schedule.observe(0.6)
    assert schedule.decide() == (True, Reason.LAST)
    assert schedule.observe(0.6).distance == pytest.approx(0.6 / 6)


def test_last_step_forced_for_another_reason() -> None:
    """A last step that the caller forces anyway is divided by what elapsed, so measuring measures it too."""
    schedule = PublishedSchedule(10, Codebook.parse("1:6"))
    for step in range(1, 9):
        schedule.decide(Reason.MEASURING)
        schedule.observe(None if step == 1 else 0.6)
    assert schedule.decide(Reason.MEASURING) == (True, Reason.LAST)
    assert schedule.observe(0.6).distance == 0.6
