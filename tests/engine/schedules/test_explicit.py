"""Locked schedules: their text, and runs that replay another run's decisions."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor

from adacache import (
    FrameGrid,
    LockedPlan,
    LockedSchedule,
    MoRegSettings,
    Reason,
    Run,
    Settings,
    dumps,
    loads,
    run_blocks,
)
from adacache.schedules.moreg import MoReg

TEXT = "30 steps: 1 2 7 12 18 24 29 30"


def waves(step: int) -> Tensor:
    """Four frames of three tokens that change more and more from step to step."""
    return torch.arange(1.0, 13.0).view(1, 12, 1) + 0.02 * step**1.7 * torch.tensor([1.0, 0.2, 0.1] * 4).view(1, 12, 1)


def sampled(settings: Settings, doubling: list, steps: int = 30, forced: tuple[int, ...] = ()) -> tuple[Run, list]:
    """A run over `waves`, and its outputs; `forced` are steps at which the noise goes up again."""
    outputs = []
    with Run(settings, steps) as run:
        for step in range(1, steps + 1):
            sigma = 2.0 if step in forced else 1 - step / (steps + 1)
            with run.evaluation(sigma, allowed=step > 4 or not settings.start) as evaluation:
                outputs.append(run_blocks(evaluation, doubling, waves(step), grid=FrameGrid(4, 3)))
    return run, outputs


def computed(run: Run) -> list[int]:
    return [record.step for record in run.trace.records if record.computed]


def test_text_round_trip() -> None:
    """The text says the step count and the computed steps, and reads back as the same plan."""
    plan = LockedPlan.parse(TEXT)
    assert plan == LockedPlan(30, (1, 2, 7, 12, 18, 24, 29, 30))
    assert str(plan) == TEXT
    rng = random.Random(4)
    for _ in range(50):
        steps = rng.randint(1, 200)
        some = LockedPlan(steps, (1, *sorted(rng.sample(range(2, steps + 1), rng.randint(0, steps - 1)))))
        assert LockedPlan.parse(str(some)) == some


@pytest.mark.parametrize("text", ["  30 Steps :\n1, 2\t7;12\n18,24 29 30 ", "30steps:1 2 7 12 18 24 29 30"])
def test_text_as_people_write_it(text: str) -> None:
    """Commas, line breaks and other spaces do not matter."""
    assert str(LockedPlan.parse(text)) == TEXT


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r'character 1 is ""; expected text such as "30 steps: 1 2 '),
        ("1 2 7", r'character 1 is "1 2 7"; expected text such as'),
        ("x" * 500, r'character 1 is "x{40}\.\.\."; expected'),
        ("0 steps: 1", r'character 1 is "0"; allowed: 1 to 10000 steps'),
        (" 10001 steps: 1", r'character 2 is "10001"; allowed: 1 to 10000 steps'),
        ("30 steps:", "no step is computed; step 1 must be"),
        ("30 steps: 2 3", r'entry 1 at character 11 is "2"; the first computed step must be 1'),
        ("30 steps: 1 2 31", r'entry 3 at character 15 is "31"; .* allowed: 1 to 30'),
        ("30 steps: 1 0", r'entry 2 at character 13 is "0"; .* allowed: 1 to 30'),
        ("30 steps: 1 5 5", r'entry 3 at character 15 is "5"; step 5 does not come after 5'),
        ("30 steps: 1 5 4", "must ascend"),
        ("30 steps: 1 -2", r'entry 2 at character 13 is "-2"; expected a step as a whole number'),
        ("30 steps: 1 2.5", r'"2\.5"; expected a step as a whole number'),
        ("30 steps: 1 \u0662", "expected a step as a whole number"),
        ("30 steps: 1 " + "9" * 5000, r'"9{40}\.\.\."; expected a step'),
    ],
)
def test_text_that_is_no_plan(text: str, says: str) -> None:
    """Every mistake is told with its place in the text and with what is allowed."""
    with pytest.raises(ValueError, match=r"^locked_schedule: .*" + says):
        LockedPlan.parse(text)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(sensitivity=3.0),
        Settings(max_reuses=2),
        Settings(start=0.5),
        Settings(moreg=MoRegSettings(norm=0.4)),
    ],
    ids=["plain", "sensitive", "capped", "late", "MoReg"],
)
def test_a_replay_is_the_run_again(settings: Settings, doubling) -> None:
    """A recorded run's text, locked, computes the same steps and gives the same outputs, bit for bit."""
    run, outputs = sampled(settings, doubling)
    assert run.trace.reused > 0
    again, same = sampled(Settings(locked=LockedPlan.parse(run.trace.locked_text)), doubling)
    assert computed(again) == computed(run)
    assert all(map(torch.equal, same, outputs))
    assert again.trace.locked_text == run.trace.locked_text
    assert {r.reason for r in again.trace.records} == {Reason.LOCKED, Reason.REUSED}


def test_a_replay_survives_storing(doubling) -> None:
    """The text is the same from a trace that was written and read again, and in the derived values."""
    trace = sampled(Settings(), doubling)[0].trace
    (stored,) = loads(dumps([trace]))
    assert stored.locked_text == trace.locked_text == trace.as_json()["derived"]["locked"] != ""


def test_a_replay_of_a_run_with_noise_that_rose(doubling) -> None:
    """A restart is computed in the replay too, for its own reason."""
    run, outputs = sampled(Settings(), doubling, forced=(11,))
    assert run.trace.records[10].reason is Reason.RESTARTED
    plan = LockedPlan.parse(run.trace.locked_text)
    again, same = sampled(Settings(locked=plan), doubling, forced=(11,))
    assert all(map(torch.equal, same, outputs)) and computed(again) == computed(run)
    assert again.trace.records[10].reason is Reason.RESTARTED


def test_noise_that_rises_computes_whatever_the_plan_says(doubling) -> None:
    """A locked run still computes where the noise goes up, and goes on by its plan."""
    run, _ = sampled(Settings(locked=LockedPlan.parse("30 steps: 1 20")), doubling, forced=(11,))
    assert computed(run) == [1, 11, 20]
    assert [r.reason for r in run.trace.records if r.computed][1] is Reason.RESTARTED


def test_an_input_that_is_missing_is_computed_and_not_planned(doubling, tens) -> None:
    """A stream that appears where the plan reuses is computed; that run's text is the plan."""
    plan = LockedPlan(10, (1, 5))
    with Run(Settings(locked=plan), 10) as run:
        for step in range(1, 11):
            with run.evaluation(1 - step / 10) as evaluation:
                run_blocks(evaluation, doubling, tens, key="new" if step in (3, 4) else "")
    assert run.trace.records[2].reason is Reason.MISSING
    assert run.trace.locked_text == f"{plan}  # 1 more were computed in part or whole: 3 of 10 passes"
    assert LockedPlan.parse(run.trace.locked_text) == plan


def test_another_step_count_is_refused(doubling) -> None:
    """A plan for 30 steps caches nothing in a run of 20, and the note says why."""
    run, _ = sampled(Settings(locked=LockedPlan.parse(TEXT)), doubling, steps=20)
    assert run.trace.reused == 0
    assert run.trace.note == "the locked schedule is for 30 steps, and this run has 20"
    assert {r.reason for r in run.trace.records} == {Reason.REFUSED}


def test_window_and_cap_do_not_apply(doubling) -> None:
    """start and max_reuses are for the codebook's decisions; a locked run follows its plan alone."""
    settings = Settings(locked=LockedPlan(12, (1, 12)), start=0.5, max_reuses=2)
    run, _ = sampled(settings, doubling, steps=12)
    assert computed(run) == [1, 12]


def test_a_few_steps_can_be_locked(doubling) -> None:
    """A plan of the user's own works where the published rule would have nothing to reuse."""
    run, _ = sampled(Settings(locked=LockedPlan(4, (1, 3))), doubling, steps=4)
    assert (computed(run), run.trace.note) == ([1, 3], "")


def test_measuring_comes_before_a_lock(doubling) -> None:
    """A measuring run computes every step, and does not say that it is locked."""
    run, _ = sampled(Settings(mode="measure", locked=LockedPlan.parse(TEXT)), doubling, steps=20)
    assert run.trace.reused == 0 and run.trace.note == "" and run.trace.settings["locked"] is None


def test_the_trace_says_that_it_was_locked(doubling) -> None:
    """The settings hold the text, the summary the words."""
    trace = sampled(Settings(locked=LockedPlan.parse(TEXT)), doubling)[0].trace
    assert trace.settings["locked"] == TEXT and Settings().as_json()["locked"] is None
    assert "paper fast, locked schedule" in trace.summary().splitlines()
    assert "codebook" not in trace.summary()


def test_distances_are_per_step_that_passed() -> None:
    """A change of 0.6 in the 5 steps since the last computed one is a distance of 0.12."""
    schedule = LockedSchedule(LockedPlan.parse("10 steps: 1 3 8"), sensitivity=2.0)
    seen = {}
    for step in range(1, 11):
        if schedule.decide().compute:
            seen[step] = schedule.observe(None if step == 1 else 0.6)
            assert schedule.rate == {1: 2, 3: 5, 8: 3}[step]
    assert seen[1] is None and list(seen) == [1, 3, 8]
    assert seen[3].distance == pytest.approx(0.3)
    assert (seen[8].distance, seen[8].looked_up) == (pytest.approx(0.12), pytest.approx(0.24))


def test_motion_is_recorded() -> None:
    """MoReg's numbers are in a locked run too, for people to see."""
    schedule = LockedSchedule(LockedPlan.parse("30 steps: 1 8"), MoReg(MoRegSettings(norm=0.5), 30))
    for _ in range(8):
        decision = schedule.decide()
    assert decision == (True, Reason.LOCKED)
    seen = schedule.observe(0.8, 0.5)
    assert seen.motion.motion == pytest.approx(1.0) and seen.looked_up == pytest.approx(0.1)


@pytest.mark.parametrize("end", ["", "cancelled", "failed"])
def test_no_text_for_a_run_that_did_not_end_well(end: str, doubling) -> None:
    """Decisions that are not complete cannot be locked."""
    trace = sampled(Settings(), doubling)[0].trace
    trace.end = end
    assert trace.locked_text == ""
    trace.end = "done"
    trace.records.pop()
    assert trace.locked_text == ""
