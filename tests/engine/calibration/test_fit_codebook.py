"""Calibration: estimated distances, the rule run on them, the target that is met, and the text that tells of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from adacache import Calibration, CalibrationError, Codebook, MoRegSettings, Reason, Record, RunInfo, Target, Trace
from adacache.calibration.fit_codebook import VARIATIONS, moreg_of, propose
from adacache.calibration.result import COMPUTED, LARGEST_CHANGE, LONGEST_TEXT, SPEED_UP
from adacache.calibration.simulate import Measured, measured, simulate
from adacache.schedules.codebook import FAST_30
from adacache.trace.trace import ANSWER

INFO = RunInfo(family="Wan", shape=(1, 16, 9, 16, 16), sampler="euler")
# Large at the start, small in the middle, larger again at the end, as models have it.
BOWL = [1.2, *(0.03 + 0.12 * abs(step / 14 - 1) ** 2 for step in range(28))]


def run(changes: list[float], score: float | None = 0.1, curvature: float = 0.1, steps: int | None = None) -> Trace:
    """A measured run with an older probe six steps ago from step 7 on."""
    steps = len(changes) + 1
    records = [Record(1, 1, 1.0, True, Reason.MEASURING, score=score, milliseconds=100.0)]
    for step, change in enumerate(changes, 2):
        far = sum(changes[step - 7 : step - 1]) * 6**-curvature if step > 7 else None
        numbers = {"distance": change, "score": score, "milliseconds": 100.0}
        numbers |= {"far": far, "far_steps": 6 if far is not None else None}
        records.append(Record(step, step, 1 - step / 40, True, Reason.MEASURING, **numbers))
    return Trace(
        INFO,
        steps,
        {"mode": "measure", "preset": "measure only"},
        "0.08:6 1.00:1",
        records,
        3.0,
        end="done",
        probe=ANSWER,
    )


def cached(milliseconds: float) -> Trace:
    """A run that reused every second step, each in so many milliseconds."""
    trace = run(BOWL)
    records = [
        replace(r, computed=r.step % 2 == 1, milliseconds=100.0 if r.step % 2 else milliseconds) for r in trace.records
    ]
    return replace(trace, records=records, settings={"mode": "cache", "preset": "balanced"})


def flat(change: float, curvature: float = 0.0) -> Measured:
    return Measured((change,) * 29, (0.1,) * 30, curvature)


def test_change_over_several_steps() -> None:
    """A straight line adds up; one of curvature a half gets as far as the root of the steps."""
    assert flat(0.1).change(3, 7) == pytest.approx(0.4)
    assert flat(0.1, curvature=0.5).change(3, 7) == pytest.approx(0.2)
    assert flat(0.1, curvature=0.5).change(3, 4) == pytest.approx(0.1)


def test_curvature_is_read_from_the_older_probe() -> None:
    assert measured(run(BOWL, curvature=0.3)).curvature == pytest.approx(0.3)
    assert measured(run(BOWL, curvature=-0.5)).curvature == 0.0
    old = run(BOWL)  # written before there was an older probe
    assert measured(replace(old, records=[replace(r, far=None, far_steps=None) for r in old.records])).curvature == 0.0


def test_the_published_rule_decides() -> None:
    """0.2 per step is rate 4: 1 2 6 10 14 18 22 26 29 30. Wandering by a half it is 0.1 after 4 steps, rate 5."""
    assert simulate(flat(0.2), FAST_30) == (10, pytest.approx(0.8))
    slower = simulate(flat(0.2, curvature=0.5), FAST_30)  # 1 2 6 11 16 21 26 29 30
    assert slower == (9, pytest.approx(0.2 * 5**0.5))
    assert simulate(flat(0.1), FAST_30, factor=2.0) == simulate(flat(0.2), FAST_30)


def test_moreg_is_part_of_the_rule() -> None:
    """Twice the usual motion to the power of 1 doubles the distances; outside its window it does not."""
    moving = Measured((0.1,) * 29, (0.2,) * 30, 0.0)
    plain = MoRegSettings(norm=0.1, power=1.0, gradient_weight=0.0)
    assert simulate(moving, FAST_30, plain).computed > simulate(moving, FAST_30).computed


def test_protected_steps_travel_with_the_codebook() -> None:
    """0.05 per step is rate 6: 1 2 8 14 20 26 29 30. With four protected: 1 2 3 4 10 16 22 28 29 30."""
    assert simulate(flat(0.05), FAST_30).computed == 8
    protected = replace(FAST_30, protect=0.15)
    assert simulate(flat(0.05), protected) == (10, pytest.approx(0.3))
    assert protected.for_steps(100).protect == 0.15
    with pytest.raises(ValueError, match="protects 1.5"):
        replace(FAST_30, protect=1.5)


@pytest.mark.parametrize("share", [80.0, 50.0, 40.0, 33.3])
@pytest.mark.parametrize("steps", [20, 30, 50])
def test_computed_steps_are_met(steps: int, share: float) -> None:
    """The mean over videos like the measured one is the target, whatever the step count."""
    bowl = [1.2, *(0.9 / steps + 3.6 / steps * abs(2 * i / (steps - 3) - 1) ** 2 for i in range(steps - 2))]
    found = propose([run(bowl)], Target(COMPUTED, share))
    assert found.computed == pytest.approx(share / 100 * steps, rel=0.04)
    numbers = measured(run(bowl))
    each = [simulate(numbers, found.as_codebook(), factor=like).computed for like in VARIATIONS]
    assert sum(each) / len(each) == pytest.approx(found.computed, abs=1e-3)
    assert (found.fewest, found.most) == (min(each), max(each)), "videos differ, and it says by how much"
    assert f"has {found.fewest} to {found.most} steps computed" in found.report()
    assert found.as_codebook().steps == steps


def test_thresholds_are_on_the_models_own_scale() -> None:
    """A model whose changes are ten times larger gets thresholds ten times larger, and the same schedule."""
    small = propose([run(BOWL)], Target(COMPUTED, 40))
    large = propose([run([10 * change for change in BOWL])], Target(COMPUTED, 40))
    assert large.computed == small.computed
    pairs = zip(small.as_codebook().entries, large.as_codebook().entries, strict=True)
    assert all(b[0] == pytest.approx(10 * a[0], rel=0.02) and a[1] == b[1] for a, b in pairs)


def test_speed_up_counts_what_reused_steps_cost() -> None:
    """2x: 15 of 30 were reused steps free; at 20 % of a computed one it takes 11.25."""
    dear = propose([run(BOWL), cached(20.0)], Target(SPEED_UP, 2))
    assert dear.reused_cost == pytest.approx(0.2)
    assert dear.computed == pytest.approx(11.25, rel=0.04) and dear.speed_up == pytest.approx(2, rel=0.04)
    assert propose([run(BOWL)], Target(SPEED_UP, 2)).computed == pytest.approx(30 * 0.47 / 0.97, rel=0.04)
    assert propose([run(BOWL)], Target(SPEED_UP, 1)).computed == pytest.approx(30)
    with pytest.raises(CalibrationError, match=r"5\.0x and more cannot be reached"):
        propose([run(BOWL), cached(20.0)], Target(SPEED_UP, 10))


@pytest.mark.parametrize("most", [10.0, 30.0, 60.0])
def test_largest_change_is_met(most: float) -> None:
    found = propose([run(BOWL)], Target(LARGEST_CHANGE, most))
    assert 100 * found.largest_change == pytest.approx(most, rel=0.05)


def test_moreg_is_centred_on_the_runs() -> None:
    """Norm: the median. Power: at most 2, or what makes a factor of 2 between most and least motion."""
    assert moreg_of([measured(run(BOWL, score=s)) for s in (0.1, 0.4, 0.2)]) == MoRegSettings(norm=0.2, power=0.5)
    assert moreg_of([measured(run(BOWL, score=s)) for s in (0.2, 0.21)]).power == 2.0
    assert moreg_of([measured(run(BOWL, score=None))]) is None


def test_videos_that_move_get_more_steps_with_moreg() -> None:
    runs = [run(BOWL, score=score) for score in (0.1, 0.2, 0.3)]
    found = propose(runs, Target(COMPUTED, 50), with_moreg=True)
    still, usual, moving = (simulate(measured(r), found.as_codebook(), found.as_moreg()).computed for r in runs)
    assert still < usual < moving
    assert found.as_moreg().norm == 0.2
    assert propose(runs, Target(COMPUTED, 50)).as_moreg() is None
    with pytest.raises(CalibrationError, match="with_moreg: 2 measured run.*needed: 3"):
        propose(runs[:2], Target(COMPUTED, 50), with_moreg=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"end": "cancelled"}, "the run was cancelled"),
        ({"settings": {"mode": "cache", "preset": "balanced"}}, '"balanced"; allowed: "measure only"'),
        ({"note": "another cache"}, "could not have been cached: another cache"),
        ({"steps": 31}, "records of 30 of 31 steps"),
        ({"steps": 2**53}, "records of 30 of 9007199254740992 steps"),
        ({"records": [replace(r, distance=None) for r in run(BOWL).records]}, "not measured at step 2"),
        ({"records": [replace(r, distance=math.inf) for r in run(BOWL).records]}, "not measured at step 2"),
    ],
)
def test_runs_that_tell_nothing(change: dict, words: str) -> None:
    """Alone they are refused, with the reason and what to do; beside a measured run they are left out."""
    with pytest.raises(CalibrationError) as refused:
        propose([replace(run(BOWL), **change)], Target(COMPUTED, 50))
    assert words in str(refused.value) and '"measure only" and queue once' in str(refused.value)
    assert propose([replace(run(BOWL), **change), run(BOWL)], Target(COMPUTED, 50)).runs == 1


@pytest.mark.parametrize(
    ("target", "protect", "words"),
    [
        (Target("beauty", 5), 0.15, "target: 'beauty' is unknown; allowed: speed-up"),
        (Target(COMPUTED, 101), 0.15, "amount: 101; allowed for computed steps (%): 1 to 100"),
        (Target(SPEED_UP, math.nan), 0.15, "amount: nan"),
        (Target(COMPUTED, 10), 0.15, "amount: it takes 3.0 of 30 computed steps; within reach are"),
        (Target(LARGEST_CHANGE, 900), 0.15, "amount: 900%; within reach is a change of up to"),
        (Target(COMPUTED, 50), 0.95, "protect: 0.95; allowed: 0 to 0.9"),
    ],
)
def test_targets_that_cannot_be(target: Target, protect: float, words: str) -> None:
    with pytest.raises(CalibrationError) as refused:
        propose([run(BOWL)], target, protect)
    assert words in str(refused.value)


def test_runs_of_different_kinds_are_not_mixed() -> None:
    with pytest.raises(CalibrationError, match="different kinds.*30; Wan.*20|different kinds.*20; Wan.*30"):
        propose([run(BOWL), run(BOWL[:19])], Target(COMPUTED, 50))
    with pytest.raises(CalibrationError, match=r"no measured run\. Set the preset"):
        propose([], Target(COMPUTED, 50))


def test_too_many_runs() -> None:
    with pytest.raises(CalibrationError, match="400 runs of 12000 steps together; allowed: up to 10000"):
        propose([run(BOWL)] * 400, Target(COMPUTED, 50))


@pytest.mark.parametrize("value", [1e308, -1.0, 1e-308, math.inf, math.nan, 0.0])
def test_numbers_that_no_run_measures(value: float) -> None:
    """Shared runs may hold any number: a score or an older probe's change that cannot be is left out."""
    strange = run(BOWL)
    strange.records = [replace(r, score=value, far=value if r.far else None) for r in strange.records]
    still = [run(BOWL, score=score) for score in (1e-300, 1.0)]
    assert propose([strange, *still], Target(COMPUTED, 50), with_moreg=True).runs == 3


def test_several_evaluations_per_step() -> None:
    """The first evaluation of a step measures; the others say nothing."""
    plain = run(BOWL)
    more = [r for one in plain.records for r in (one, replace(one, distance=None, score=None, far=None))]
    assert measured(replace(plain, records=more)) == measured(plain)


def test_text_comes_back() -> None:
    found = propose([run(BOWL, score=s) for s in (0.1, 0.2, 0.3)], Target(COMPUTED, 40), with_moreg=True)
    again = Calibration.from_text(found.as_text())
    assert (again.as_codebook(), again.as_moreg()) == (found.as_codebook(), found.as_moreg())
    assert again.as_text() == found.as_text() and again.report() == found.report()
    assert json.loads(found.as_text())["adacache_calibration"] == 1


def test_report_says_what_it_is_from() -> None:
    one = propose([run(BOWL)], Target(SPEED_UP, 2)).report()
    assert "measured: 1 run of Wan, 1x16x9x16x16, euler, 30 steps" in one and "From 1 run only" in one
    three = propose([run(BOWL, score=s) for s in (0.1, 0.2, 0.3)], Target(COMPUTED, 40)).report()
    assert "From" not in three
    assert "Nothing was measured" in Calibration("0.1:2 1:1", 30).report()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"adacache_calibration": 2}, "version 2; this pack reads up to 1"),
        ({"adacache_calibration": None}, "with its version is missing"),
        ({"codebook": "0.5:2 0.3:1"}, "entry 2"),
        ({"codebook": "0.5:2" + " " * 2000}, "text of 2005 characters"),
        ({"codebook": 7}, "codebook: a number 7; text was expected"),
        ({"steps": 0}, "steps: 0; allowed: 1 to 10000"),
        ({"protect": None}, "protect: a number was expected"),
        ({"protect": 2.0}, "protects 2.0 of the steps"),
        ({"with_moreg": True, "norm": None}, "norm and power are missing"),
        ({"with_moreg": True, "norm": -1.0}, "norm: -1.0"),
    ],
)
def test_bad_texts(change: dict, words: str) -> None:
    plain = json.loads(propose([run(BOWL)], Target(COMPUTED, 40)).as_text()) | change
    with pytest.raises(CalibrationError) as refused:
        Calibration.from_text(json.dumps(plain))
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 5000, "{}" + " " * LONGEST_TEXT])
def test_what_is_no_calibration(text: str) -> None:
    with pytest.raises(CalibrationError):
        Calibration.from_text(text)


def test_codebook_of_a_text() -> None:
    plain = {"adacache_calibration": 1, "codebook": "0.1:3 0.2:1", "steps": 30, "protect": 0.2, "later": 1}
    text = json.dumps({**plain, "measured": ANSWER})
    assert Calibration.from_text(text).as_codebook() == Codebook(((0.1, 3), (0.2, 1)), 30, 0.2)


@pytest.mark.parametrize("measured", [None, "attention residual of block 5"])
def test_a_calibration_of_something_else_is_refused(measured: str | None) -> None:
    """Thresholds for what a block adds mean nothing for the network's answer; the text of an older version has no
    field for it."""
    plain = {"adacache_calibration": 1, "codebook": "0.1:3 0.2:1", "steps": 30}
    text = json.dumps(plain | ({"measured": measured} if measured else {}))
    on = measured or "blocks inside the network"
    with pytest.raises(CalibrationError, match=f"measured: .*{on}.*the network's answer. Measure again"):
        Calibration.from_text(text)


def test_runs_that_measured_something_else_are_refused() -> None:
    with pytest.raises(CalibrationError, match="measured on attention residual of block 5, .* queue it again"):
        propose([replace(run(BOWL), probe="attention residual of block 5")], Target(COMPUTED, 40))


def test_sensitivity_goes_on_from_the_target() -> None:
    """The knob is at 1 where the target is met: twice as sensitive computes more."""
    found = propose([run(BOWL)], Target(COMPUTED, 40))
    halved = [(threshold / 2, rate) for threshold, rate in found.as_codebook().entries]
    assert found.sensitivity == 1.0
    assert simulate(measured(run(BOWL)), replace(found.as_codebook(), entries=tuple(halved))).computed > 12
