"""Runs that cover a part of a model's schedule: planned as that part of a whole run."""

from __future__ import annotations

from itertools import pairwise

import pytest

from adacache import PacedSchedule, Run, Settings
from adacache.sampling.sampler import Sampler
from adacache.schedules.part import Part
from adacache.schedules.planned import CORRECTED, CORRECTED_LATER, UNCORRECTED, Cost

SHARES = {"near-lossless": 2 / 3, "balanced": 1 / 2, "fast": 2 / 5, "turbo": 1 / 3}
PAIRS = [(10, 10), (8, 12), (7, 13), (12, 8)]


def computed(part: Part, share: float, cost: Cost = CORRECTED) -> list[int]:
    """Steps of the whole schedule, from 1."""
    schedule, found = PacedSchedule(part.steps, share, cost=cost, part=part), []
    for step in range(1, part.steps + 1):
        if schedule.decide().compute:
            found.append(part.before + step)
            schedule.observe(0.1)
    return found


def pair(first: int, second: int) -> tuple[Part, Part]:
    whole = first + second
    return Part.between(0, first / whole, first), Part.between(first / whole, 1, second)


@pytest.mark.parametrize(
    ("begin", "end", "steps", "part"),
    [
        (0, 1, 30, Part(0, 30, 30)),
        (0, 1 - 1e-9, 30, Part(0, 30, 30)),
        (0, 0.5, 10, Part(0, 10, 20)),
        (0.35, 1, 13, Part(7, 13, 20)),
        (46 / 66, 1, 20, Part(46, 20, 66)),  # KSampler with denoise 0.3
        (0.5, 0.75, 5, Part(10, 5, 20)),
        (1, 0, 20, Part(0, 20, 20)),  # from a video to noise
        (0.4, 0.4, 20, Part(0, 20, 20)),
        (0.9999, 1, 20, Part(980, 20, 1000)),
        (-1.0, float("nan"), 20, Part(0, 20, 20)),
    ],
)
def test_which_part(begin: float, end: float, steps: int, part: Part) -> None:
    assert Part.between(begin, end, steps) == part


@pytest.mark.parametrize(
    ("preset", "first", "second"),
    [
        ("balanced", [1, 2, 3, 4, 5, 7, 10], [11, 14, 17, 20]),
        ("fast", [1, 2, 3, 5, 8, 10], [11, 16, 20]),
        ("turbo", [1, 2, 3, 6, 10], [11, 16, 20]),
    ],
)
def test_ten_and_ten(preset: str, first: list[int], second: list[int]) -> None:
    """Most of the budget lies in the first part; the second one does not begin as a whole run would."""
    assert [computed(part, SHARES[preset]) for part in pair(10, 10)] == [first, second]


@pytest.mark.parametrize("cost", [CORRECTED, CORRECTED_LATER, UNCORRECTED], ids=["corrected", "later", "uncorrected"])
@pytest.mark.parametrize("ends", PAIRS, ids=str)
def test_pairs(ends: tuple[int, int], cost: Cost) -> None:
    """Of the two parts together, about the preset's share is computed; both have their first and last step."""
    for share in SHARES.values():
        parts = pair(*ends)
        plans = [computed(part, share, cost) for part in parts]
        assert abs(sum(map(len, plans)) - share * 20) <= 2
        for part, plan in zip(parts, plans, strict=True):
            assert {part.before + 1, part.before + part.steps} <= set(plan)


@pytest.mark.parametrize("ends", PAIRS, ids=str)
def test_every_part_is_cached_and_presets_differ(ends: tuple[int, int]) -> None:
    plans = {name: [computed(part, share) for part in pair(*ends)] for name, share in SHARES.items()}
    for first, second in plans.values():
        assert len(first) < ends[0] and len(second) < ends[1]
    assert plans["fast"] != plans["turbo"]
    assert len(sum(plans["fast"], [])) > len(sum(plans["turbo"], []))


@pytest.mark.parametrize("cost", [CORRECTED, CORRECTED_LATER, UNCORRECTED], ids=["corrected", "later", "uncorrected"])
@pytest.mark.parametrize("part", [Part(0, 15, 30), Part(15, 15, 30), Part(20, 20, 40), Part(46, 20, 66)], ids=str)
def test_the_worst_interval_costs_what_the_whole_run_s_does(part: Part, cost: Cost) -> None:
    """As near to it as one computed step more or less can come."""

    def worst(steps: list[int]) -> float:
        def of(a: int, b: int) -> float:
            t = ((a + b) / 2 - 1) / part.whole
            return (t + 1 / 6) ** -cost.early * (1 - t) ** -cost.late * ((b - a) ** 2 - 1)

        return max(of(a, b) for a, b in pairwise(steps))

    for share in SHARES.values():
        allowed = worst(computed(Part.all(part.whole), share, cost))
        assert allowed / 2.5 < worst(computed(part, share, cost)) < allowed * 2.5


def test_a_part_has_no_floor_of_nine_steps() -> None:
    """Published thresholds keep theirs."""
    late = Sampler(part=(0.6, 1.0))
    assert Run(Settings(share=1 / 2), 8, sampler=late).trace.note == ""
    assert computed(Part.between(*late.part, 8), 1 / 2) == [13, 17, 20]
    assert Run(Settings(), 8, sampler=late).trace.note == "8 steps leave nothing to reuse; it takes at least 9"
    of_four = Run(Settings(share=1 / 2), 2, sampler=Sampler(part=(0.5, 1.0)))
    assert of_four.trace.note == "4 steps leave nothing to reuse; it takes at least 9"


def test_a_part_that_the_whole_run_computes() -> None:
    run = Run(Settings(share=1 / 2), 3, sampler=Sampler(part=(0.0, 0.15)))
    assert run.trace.note == "3 steps leave nothing to reuse; it takes at least 5"


SHORT = {
    ("near-lossless", 8): "1 2 3 4 5 7 8",
    ("near-lossless", 6): "1 2 3 4 6",
    ("balanced", 8): "1 2 3 4 6 8",
    ("balanced", 7): "1 2 3 4 5 7",
    ("balanced", 5): "1 2 3 5",
    ("turbo", 8): "1 2 3 4 6 8",
    ("turbo", 5): "1 2 3 5",
}


@pytest.mark.parametrize("cost", [CORRECTED, CORRECTED_LATER], ids=["corrected", "later"])
@pytest.mark.parametrize("preset, steps", SHORT, ids=str)
def test_short_schedules(preset: str, steps: int, cost: Cost) -> None:
    """Of a distilled model's steps one or two are reused, never two in a row."""
    plan = computed(Part.all(steps), SHARES[preset], cost)
    assert " ".join(map(str, plan)) == SHORT[preset, steps]


def test_a_short_schedule_is_reused_with_a_caution_where_it_is_corrected() -> None:
    corrected = Sampler(sigmas=tuple(1 - n / 8 for n in range(9)))
    trace = Run(Settings(share=1 / 2, forecast=True), 8, sampler=corrected).trace
    assert trace.note == "" and trace.caution.startswith("with so few steps each changes much")
    uncorrected = Run(Settings(share=1 / 2), 8).trace
    assert uncorrected.note == "8 steps leave nothing to reuse; it takes at least 9" and uncorrected.caution == ""


@pytest.mark.parametrize("preset, steps, least", [("balanced", 4, 5), ("near-lossless", 5, 6), ("turbo", 1, 5)])
def test_too_short_a_schedule(preset: str, steps: int, least: int) -> None:
    """Which is the shortest of which any step is reused is told by preset."""
    schedule = PacedSchedule(steps, SHARES[preset], cost=CORRECTED)
    assert schedule.caution == ""
    assert schedule.idle == f"{steps} steps leave nothing to reuse; it takes at least {least}"


def test_nine_steps_need_no_caution() -> None:
    assert PacedSchedule(9, 1 / 2, cost=CORRECTED).caution == ""
