"""The engine's schedule against the published rule: printed figures, and random cases on a restatement."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
import torch
from reference import MotionRule, ReferenceSchedule, Row, drifting, frame_score, relative_l1, schedule_of
from torch import Tensor

from adacache import PUBLISHED, Codebook, FrameGrid, MoRegSettings, PublishedSchedule
from adacache.sampling.measures import change_sums, motion_score, motion_sums, relative_change
from adacache.schedules.moreg import MoReg

TOKENS = 4


def video(*frames: Callable[[int], float]) -> Callable[[int], Tensor]:
    """Residuals (2, frames * 4, 3), constant within a frame, float64."""

    def residual(step: int) -> Tensor:
        values = torch.tensor([frame(step) for frame in frames], dtype=torch.float64)
        return values.repeat_interleave(TOKENS)[None, :, None].expand(2, -1, 3).clone()

    return residual


growing = video(lambda t: 1 + 0.1 * t, lambda t: 2 * (1 + 0.1 * t), lambda t: 5 * (1 + 0.1 * t))
waving = video(lambda t: 1, lambda t: 2 + 0.3 * math.sin(0.2 * t), lambda t: 4.5 + 0.6 * math.cos(0.15 * t))

# The cases that the published class printed: residuals, steps, codebook, window of motion, computed steps.
CASES = {
    "G1": (growing, 30, "fast 30", None, [1, 2, 7, 12, 18, 24, 29, 30]),
    "G2": (growing, 30, "fast 30", (4, 26), [1, 2, 7, 11, 17, 23, 29, 30]),
    "G3": (waving, 100, "fast 100", None, [1, 2, 14, 26, 38, 50, 62, 74, 86, 98, 99, 100]),
    "G4": (waving, 100, "fast 100", (10, 90), [1, 2, 14, 26, 38, 50, 62, 74, 86, 96, 99, 100]),
}
Measure = Callable[[Tensor, Tensor, tuple[int, ...]], tuple[float, float]]


def in_float64(new: Tensor, old: Tensor, strides: tuple[int, ...]) -> tuple[float, float]:
    return relative_l1(new, old), frame_score(new, TOKENS, strides)


def by_engine(new: Tensor, old: Tensor, strides: tuple[int, ...]) -> tuple[float, float]:
    grid = FrameGrid(new.shape[1] // TOKENS, TOKENS)
    change = relative_change(change_sums(new, old).tolist())
    return change, motion_score(motion_sums(grid.cut(new), strides).tolist())


def engine_rows(
    schedule: PublishedSchedule, residual: Callable[[int], Tensor], measure: Measure = in_float64
) -> list[Row]:
    """The computed steps of the engine's schedule, in the reference's form."""
    rows, old = [], None
    strides = schedule.moreg.settings.strides if schedule.moreg else (1,)
    for step in range(1, schedule.steps + 1):
        if not schedule.decide().compute:
            continue
        new, in_force = residual(step), schedule.rate
        if old is None:
            schedule.observe(None)
            rows.append(Row(step, in_force, schedule.rate))
        else:
            change, score = measure(new, old, strides)
            seen = schedule.observe(change, score if schedule.moreg else None)
            row = Row(step, in_force, seen.rate, distance=seen.distance, final=seen.looked_up)
            if seen.motion:
                row.motion, row.gradient, row.factor = (
                    seen.motion.motion,
                    seen.motion.gradient,
                    seen.motion.factor,
                )
            rows.append(row)
        old = new
    return rows


def rows_of(case: str, how: str) -> dict[int, Row]:
    residual, steps, book, window, _ = CASES[case]
    if how == "reference":
        motion = MotionRule(*window) if window else None
        rows = schedule_of(ReferenceSchedule(steps, PUBLISHED[book].entries, motion), residual, TOKENS)
    else:
        moreg = MoReg(MoRegSettings(), steps) if window else None
        measure = in_float64 if how == "engine, float64 sums" else by_engine
        rows = engine_rows(PublishedSchedule(steps, PUBLISHED[book], moreg), residual, measure)
    return {row.step: row for row in rows}


HOW = pytest.mark.parametrize("how", ["reference", "engine, float64 sums", "engine, own sums"])


@HOW
@pytest.mark.parametrize("case", CASES)
def test_published_case_steps(case: str, how: str) -> None:
    """Each published case computes exactly the printed steps."""
    assert list(rows_of(case, how)) == CASES[case][-1]


@HOW
def test_g1_figures(how: str) -> None:
    """G1 gives the printed rates in force, distances and new rates."""
    printed = [
        (2, 1, 0.090909, 5),
        (7, 5, 0.083333, 5),
        (12, 5, 0.058824, 6),
        (18, 6, 0.045455, 6),
        (24, 6, 0.035714, 6),
        (29, 6, 0.02451, 6),
        (30, 6, 0.004274, 6),
    ]
    rows = rows_of("G1", how)
    assert (rows.pop(1).prev_rate, printed[0][0]) == (1, 2)
    for (step, prev_rate, distance, rate), row in zip(printed, rows.values(), strict=True):
        assert (row.step, row.prev_rate, row.next_rate) == (step, prev_rate, rate)
        assert row.distance == pytest.approx(distance, abs=5.1e-7)
        assert row.final == row.distance


@HOW
def test_g2_figures(how: str) -> None:
    """G2 gives the printed distances, factors and gradients; step 11 lies just below a threshold."""
    printed = [
        (2, 0.091, 1.000, 0),
        (7, 0.173, 2.073, 0.715),
        (11, 0.080, 1.358, 0),
        (17, 0.065, 1.358, 0),
        (23, 0.050, 1.358, 0),
        (29, 0.048, 1.596, -0.596),
        (30, 0.004, 1, 0),
    ]
    rows = rows_of("G2", how)
    assert rows.pop(1).motion is None
    for (step, final, factor, gradient), row in zip(printed, rows.values(), strict=True):
        assert row.step == step
        assert row.final == pytest.approx(final, abs=5.1e-4)
        assert row.factor == pytest.approx(factor, abs=5.1e-4)
        assert row.gradient == pytest.approx(gradient, abs=5.1e-4)
    assert rows[11].final == pytest.approx(0.4 / 1.7 / 4 * (0.4 / 0.385) ** 8)
    assert rows[11].final < 0.08 and rows[11].next_rate == 6


@HOW
def test_g4_figures(how: str) -> None:
    """G4 gives the printed figures at step 86 and, outside the window, at step 96."""
    rows = rows_of("G4", how)
    assert rows[86].distance == pytest.approx(0.011112, abs=5.1e-7)
    assert rows[86].factor == pytest.approx(3.963, abs=5.1e-4)
    assert rows[86].final == pytest.approx(0.044, abs=5.1e-4)
    assert rows[86].next_rate == 10
    assert (rows[96].motion, rows[96].prev_rate) == (1.0, 10)
    assert rows[96].factor == pytest.approx(2.399, abs=5.1e-4)
    assert rows[96].final == pytest.approx(0.035, abs=5.1e-4)


@pytest.mark.parametrize("seed", range(150))
def test_random_case_equals_reference(seed: int) -> None:
    """On random codebooks, step counts and motion settings, steps and rates are exactly the reference's."""
    dice = random.Random(seed)
    steps, frames = dice.randint(1, 120), dice.randint(4, 6)
    residuals = drifting(steps, seed, batch=dice.randint(1, 2), frames=frames, tokens=TOKENS)
    thresholds = sorted(10 ** dice.uniform(-3.5, 0) for _ in range(dice.randint(1, 8)))
    entries = [(threshold, dice.randint(1, 14)) for threshold in thresholds]
    rule = moreg = None
    if dice.random() < 0.6:
        rule = MotionRule(
            first_step=(first := dice.randint(0, steps)),
            last_step=dice.randint(first, steps + 5),
            strides=tuple(dice.sample((1, 2, 3), dice.randint(1, 3))),
            norm=dice.uniform(0.4, 0.8),
            power=dice.uniform(0.5, 9),
            divisor=dice.choice([1.0, 1.2, 3.0]),
            gradient_weight=dice.choice([0.0, 1.0, 10.0]),
        )
        moreg = MoReg(MoRegSettings(**vars(rule)), steps)
    expected = schedule_of(ReferenceSchedule(steps, entries, rule), lambda step: residuals[step - 1], TOKENS)
    schedule = PublishedSchedule(steps, Codebook(tuple(entries)), moreg)
    assert engine_rows(schedule, lambda step: residuals[step - 1]) == expected


def test_reference_pools_measuring_blocks() -> None:
    """The reference averages the distance over measuring blocks; the last block's motion factor counts."""
    schedule = ReferenceSchedule(30, [(0.5, 4), (1.0, 1)])
    schedule.begin(), schedule.end(), schedule.begin()
    ones = torch.ones(1, 4, 1)
    first = schedule.measure("a", ones, 3 * ones, 1)
    second = schedule.measure("b", ones, 1.5 * ones, 1)
    assert (first.distance, first.next_rate) == (2.0, 1)
    assert (second.distance, schedule.next_rate) == (1.25, 1)
