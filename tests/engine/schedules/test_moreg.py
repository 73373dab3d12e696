"""Motion regularisation: the step window, the factor, and a fresh start in every run."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
import torch
from reference import MotionRule, ReferenceSchedule, drifting, schedule_of

from adacache import Codebook, FrameGrid, MoRegSettings, PublishedSchedule, Run, Settings, run_blocks
from adacache.schedules.moreg import MoReg, Motion, usual_score


@pytest.mark.parametrize(
    ("steps", "first", "last"),
    [(30, 4, 26), (100, 10, 90), (20, 3, 17), (15, 2, 13), (50, 7, 43), (200, 20, 180), (2, 1, 2)],
)
def test_default_window(steps: int, first: int, last: int) -> None:
    """The window is the published one at 30 and 100 steps, and that of the nearer one, scaled, elsewhere."""
    assert MoRegSettings().window(steps) == (first, last)


def test_window_of_ones_own() -> None:
    """A first or last step that is set counts as it is, whatever the step count."""
    assert MoRegSettings(first_step=0, last_step=7).window(100) == (0, 7)
    assert MoRegSettings(first_step=2).window(30) == (2, 26)
    assert MoRegSettings(last_step=12).window(30) == (4, 12)


@pytest.mark.parametrize("computed", [range(1, 31), (1, 2, 3, 4, 5, 8, 12, 17, 23, 30), (5, 30)])
def test_the_score_to_set_the_norm_by_is_of_the_video(computed: Iterable[int]) -> None:
    """Not of which steps were computed: it rises by 0.01 a step, and steps 4 to 26 have 0.15 in the middle."""
    assert usual_score({step: step / 100 for step in computed}, 30) == pytest.approx(0.15)
    assert usual_score(dict.fromkeys(computed, 0.3), 4) == 0.3 and usual_score({}, 30) is None


def test_outside_the_window() -> None:
    """Outside the window motion is 1; both ends belong to it."""
    moreg = MoReg(MoRegSettings(first_step=4, last_step=6, gradient_weight=0.0), 30)
    seen = [moreg.regularise(step, 0.5, 1) for step in range(3, 8)]
    assert [s.motion == 1.0 for s in seen] == [True, False, False, False, True]
    assert all(s.factor == s.motion for s in seen)


def test_factor_by_hand() -> None:
    """A score of twice the norm, squared and halved, is a motion of 2; the gradient compares it with 1."""
    moreg = MoReg(MoRegSettings(norm=0.25, power=2.0, divisor=2.0, gradient_weight=3.0, first_step=1, last_step=30), 30)
    assert moreg.regularise(5, 0.5, rate=2) == Motion(motion=2.0, gradient=1.5, factor=3.5)
    assert moreg.previous == 2.0


def test_gradient_counts_whichever_way_it_points() -> None:
    """Growing and shrinking motion both add to the factor."""
    moreg = MoReg(MoRegSettings(norm=0.5, power=1.0, first_step=1, last_step=30), 30)
    up, down = moreg.regularise(5, 1.0, 5), moreg.regularise(10, 0.5, 5)
    assert (up.motion, up.gradient, up.factor) == (2.0, 2.0, 4.0)
    assert (down.motion, down.gradient, down.factor) == (1.0, -2.0, 3.0)


def test_leaving_the_window() -> None:
    """The first computed step after the window compares a motion of 1 with the last one inside."""
    moreg = MoReg(MoRegSettings(norm=0.5, power=1.0, first_step=1, last_step=9), 30)
    moreg.regularise(9, 0.25, 1)
    after = moreg.regularise(10, 0.25, 5)
    assert (after.motion, after.gradient, after.factor) == (1.0, 1.0, 2.0)


@pytest.mark.parametrize("strides", [(4,), (9, 1000)])
def test_strides_beyond_the_video_change_nothing(strides: tuple[int, ...], doubling: list) -> None:
    """No two of its four frames are so far apart: steps are computed and reused as without MoReg."""

    def decided(moreg: MoRegSettings | None) -> list[bool]:
        run = Run(Settings(moreg=moreg), 30)
        for step in range(30):
            x = torch.arange(1.0, 13.0).view(1, 12, 1) + 0.02 * step
            with run.evaluation(1 - step / 31) as evaluation:
                run_blocks(evaluation, doubling, x, grid=FrameGrid(4, 3))
        return [record.computed for record in run.close().records]

    assert decided(MoRegSettings(strides=strides)) == decided(None) != decided(MoRegSettings(norm=0.05))
    assert sum(decided(None)) < 15


def test_every_run_starts_neutral() -> None:
    """Two videos in a row get equal rates, where the published code lets the second inherit motion."""
    steps, tokens = 30, 3
    residuals = drifting(steps, seed=5)
    entries = [(0.02, 6), (0.04, 5), (0.08, 4), (0.2, 3), (0.5, 2), (1.0, 1)]
    rule = MotionRule(1, steps, norm=0.5)
    reference = ReferenceSchedule(steps, entries, rule)
    published = [schedule_of(reference, lambda step: residuals[step - 1], tokens) for _ in range(2)]
    assert published[0] != published[1]

    settings = Settings(codebooks=(Codebook(tuple(entries)),), moreg=MoRegSettings(**vars(rule)))
    for _ in range(2):
        schedule = PublishedSchedule(steps, settings.codebooks[0], MoReg(settings.moreg, steps))
        rates = []
        for row in published[0]:
            while not schedule.decide().compute:
                pass
            change = None if row.distance is None else row.distance * row.prev_rate
            score = None if row.motion is None else rule.norm * row.motion ** (1 / rule.power)
            schedule.observe(change, score)
            rates.append((schedule.step, schedule.rate))
        assert rates == [(row.step, row.next_rate) for row in published[0]]


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"strides": ()}, ["strides", '""', "1 to 8 whole numbers"]),
        ({"strides": (1, 0)}, ["strides", '"1 0"', "from 1"]),
        ({"strides": (1,) * 9}, ["strides", "1 to 8 whole numbers"]),
        ({"strides": (1, 1001)}, ["strides", '"1 1001"', "to 1000"]),
        ({"norm": 0.0}, ["norm", "0.0", "0.001 to 1000"]),
        ({"norm": math.nan}, ["norm", "nan"]),
        ({"power": 65.0}, ["power", "65.0", "0.01 to 64"]),
        ({"divisor": -1.0}, ["divisor", "-1.0"]),
        ({"gradient_weight": -0.1}, ["gradient_weight", "-0.1", "from 0"]),
        ({"gradient_weight": math.inf}, ["gradient_weight", "inf"]),
        ({"first_step": -1}, ["first_step", "-1"]),
        ({"first_step": 9, "last_step": 8}, ["last_step", "9 and 8", "first <= last"]),
        ({"last_step": -1}, ["last_step", "-1"]),
    ],
)
def test_bad_settings(changed: dict[str, object], parts: list[str]) -> None:
    """A MoReg setting that cannot work is refused by name, with its value and what is allowed."""
    with pytest.raises(ValueError) as caught:
        MoRegSettings(**changed)
    for part in parts:
        assert part in str(caught.value)


def test_no_setting_overflows() -> None:
    """At the ends of what is allowed a score from 0 to 1 gives a finite factor."""
    for norm, power, divisor in ((1e-3, 64.0, 1e-3), (1e3, 64.0, 1e3), (1e3, 0.01, 1e-3)):
        moreg = MoReg(MoRegSettings(norm=norm, power=power, divisor=divisor, first_step=0, last_step=9), 9)
        assert all(math.isfinite(moreg.regularise(5, score, 1).factor) for score in (0.0, 1e-30, 1.0))
