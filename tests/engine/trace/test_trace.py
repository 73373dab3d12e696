"""The record of a run: counts and estimates by hand, words for people, JSON that lasts."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest

from adacache import LockedPlan, MoRegSettings, Reason, Record, Run, RunInfo, Settings, Trace, TraceError, dumps, loads

INFO = RunInfo("Wan", (1, 16, 21, 60, 104), "euler", "run-1", "handle-1", "prompt-1", "7", "2026-11-22T10:00")


def record(number: int, computed: bool, milliseconds: float = 100.0, **more: Any) -> Record:
    reason = Reason.SCHEDULED if computed else Reason.REUSED
    return Record(number, number, 1 - number / 10, computed, reason, milliseconds=milliseconds, **more)


def trace(**changed: Any) -> Trace:
    """Four evaluations, two of them reused: 300 and 100 ms computed, 10 and 30 ms reused."""
    records = [
        record(1, True, 300.0, rate=1),
        record(2, True, 100.0, distance=0.25, looked_up=0.5, score=0.4, motion=1.5, gradient=-0.5, rate=3),
        record(3, False, 10.0),
        record(4, False, 30.0),
    ]
    values: dict[str, Any] = {
        "info": INFO,
        "steps": 4,
        "settings": Settings().as_json(),
        "codebook": "0.10:2 1.00:1",
        "records": records,
        "seconds": 0.5,
        "end": "done",
    }
    return Trace(**{**values, **changed})


def real_trace(doubling: Any, tens: Any, sample: Any, settings: Settings) -> Trace:
    with Run(settings, 30, INFO) as run:
        sample(run, doubling, lambda step: tens * 1.01**step)
    return run.trace


def test_counts_and_estimates() -> None:
    """Two of four reused, each 180 ms quicker than the median of those computed: 0.86 s uncached in place of 0.5."""
    one = trace()
    assert (one.computed, one.reused, one.in_part) == (2, 2, 0)
    assert one.estimated_seconds == pytest.approx(0.86)
    assert one.speed_up == pytest.approx(1.72)


def test_one_slow_step_does_not_move_the_estimate() -> None:
    """15 of 30 steps of 3 s, the first of 60 s for it compiles: 147 s uncached, 102 taken, and not twice as fast."""
    records = [record(n, n % 2 == 1, 3000.0 if n % 2 else 0.0) for n in range(1, 31)]
    records[0].milliseconds = 60_000.0
    one = trace(records=records, seconds=102.0)
    assert one.estimated_seconds == pytest.approx(147)
    assert one.speed_up == pytest.approx(147 / 102)


def windows(*computed: int, of: int = 4) -> list[Record]:
    """Evaluations of so many passes, of which so many were computed."""
    return [record(n, done > 0, 100.0 * done, passes=of, computed_passes=done) for n, done in enumerate(computed, 1)]


def test_steps_that_are_computed_in_part() -> None:
    """Context windows that move: a step counts as computed, and the passes tell what was saved."""
    one = trace(records=windows(4, 4, 1, 2, 0), seconds=1.1, steps=5)
    assert (one.computed, one.reused, one.in_part, one.passes) == (4, 1, 2, (11, 20))
    assert one.estimated_seconds == pytest.approx(2.0)
    lines = one.summary().splitlines()
    assert lines[0] == "4 of 5 steps computed, 2 of them in part: 11 of 20 passes, 1 reused"
    assert lines[1].startswith("about 1.82x faster, 0.9 s saved")
    assert any("standard_static" in line for line in lines)
    assert loads(dumps([one])) == [one]


def test_the_locked_text_tells_of_what_was_computed_besides() -> None:
    """It holds what was planned, and a remark about the rest, which a locked schedule does not read."""
    records = windows(4, 4, 1, 4, 0)
    records[2].reason = Reason.MISSING
    text = trace(records=records, steps=5).locked_text
    assert text == "5 steps: 1 2 4  # 1 more were computed in part or whole: 13 of 20 passes"
    assert LockedPlan.parse(text) == LockedPlan(5, (1, 2, 4))


def test_no_speed_up_without_reuse() -> None:
    """A run that reused nothing, or has no evaluations, is exactly as fast as it was."""
    assert trace(records=[record(1, True), record(2, True)]).speed_up == 1.0
    empty = trace(records=[], seconds=0.0)
    assert (empty.speed_up, empty.estimated_seconds, empty.computed, empty.reused) == (1.0, 0.0, 0, 0)
    assert trace(records=[record(1, False)]).estimated_seconds == 0.0


def test_summary_of_a_finished_run() -> None:
    """The summary of a run that was cached says what was computed, gained, measured and kept."""
    lines = trace(cache_bytes=3 * 2**19, cache_place="system").summary().splitlines()
    assert lines == [
        "2 of 4 steps computed, 2 reused",
        "about 1.72x faster, 0.4 s saved (estimated from the computed steps)",
        "Wan, 1x16x21x60x104, euler, 4 steps, 0.5 s",
        "paper fast, sensitivity 1",
        "codebook 0.10:2 1.00:1",
        "motion score 0.400",
        "cache 1.5 MiB in system memory",
    ]


def test_summary_of_other_ends() -> None:
    """The summary says how a run ended, and why it was not cached."""
    assert trace(end="cancelled").summary().startswith("2 of 4 steps computed, 2 reused (cancelled)\n")
    assert trace(end="").summary().startswith("2 of 4 steps computed, 2 reused (still running)\n")
    failed = trace(end="failed", end_detail="RuntimeError: no memory").summary().splitlines()
    assert failed[0].endswith("(failed)") and "RuntimeError: no memory" in failed
    refused = trace(records=[record(1, True), record(2, True)], note="4 steps are too few").summary().splitlines()
    assert refused[:2] == ["2 of 2 steps computed, 0 reused", "Not cached: 4 steps are too few"]
    assert "Caching stopped: half way" in trace(note="half way").summary().splitlines()
    moreg = Settings(moreg=MoRegSettings(), preset="own", sensitivity=2.5).as_json()
    assert "own + MoReg, sensitivity 2.5" in trace(settings=moreg).summary().splitlines()
    still = [replace(record, score=None) for record in trace().records]
    assert "MoReg changed nothing" not in trace(settings=moreg).summary()
    assert "MoReg changed nothing" in trace(settings=moreg, records=still).summary()
    assert "MoReg changed nothing" not in trace(settings=moreg, records=still, note="refused").summary()


def test_summary_counts_evaluations_where_steps_have_several() -> None:
    """Where steps have several evaluations the summary does not call them steps."""
    twice = [replace(record(n, True), step=(n + 1) // 2) for n in range(1, 5)]
    assert trace(records=twice).summary().startswith("4 of 4 evaluations computed, 0 reused\n")


def test_summary_of_every_real_run(doubling, tens, sample) -> None:
    """Runs of every kind have a summary."""
    for settings in (Settings(), Settings(mode="measure"), Settings(moreg=MoRegSettings())):
        assert "of 30 steps computed" in real_trace(doubling, tens, sample, settings).summary()


def test_round_trip() -> None:
    """A trace reads back as the same, enum, tuple and all."""
    one = trace()
    assert loads(dumps([one])) == [one]
    assert isinstance(loads(dumps([one]))[0].records[0].reason, Reason)
    assert loads(dumps([one, trace(end="failed")]))[1].end == "failed"
    assert loads(dumps([])) == []


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(moreg=MoRegSettings(strides=(1, 2))), Settings(mode="measure")],
    ids=["plain", "MoReg", "measure"],
)
def test_round_trip_of_a_real_run(settings: Settings, doubling, tens, sample) -> None:
    """The trace of a real run reads back as the same, and prints the same text again."""
    one = real_trace(doubling, tens, sample, settings)
    text = dumps([one])
    assert loads(text) == [one]
    assert dumps(loads(text)) == text


def test_json_form() -> None:
    """The text carries the version, every field by its name, and derived counts for other readers."""
    plain = json.loads(dumps([trace()]))
    assert plain["version"] == 1
    (run,) = plain["runs"]
    assert set(run) == {field.name for field in fields(Trace)} | {"derived"}
    assert run["records"][2]["reason"] == "reused" and run["records"][2]["distance"] is None
    assert set(run["records"][0]) == {field.name for field in fields(Record)}
    assert run["derived"].pop("locked") == "4 steps: 1 2"
    counts = {"computed": 2, "reused": 2, "in_part": 0, "computed_passes": 0, "passes": 0}
    assert run["derived"] == pytest.approx({**counts, "estimated_seconds": 0.86, "speed_up": 1.72})


def test_numbers_that_json_has_not() -> None:
    """NaN and infinities become null, so any JSON reader can read the text."""
    odd = record(1, True, distance=math.nan, looked_up=math.inf, score=-math.inf)
    text = dumps([trace(records=[odd])])

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    plain = json.loads(text, parse_constant=refuse)["runs"][0]["records"][0]
    assert (plain["distance"], plain["looked_up"], plain["score"]) == (None, None, None)
    assert loads(text)[0].records[0].distance is None


def test_unknown_fields_are_ignored() -> None:
    """Fields that a later pack adds do not hinder reading."""
    plain = json.loads(dumps([trace()]))
    plain["comment"] = plain["runs"][0]["colour"] = plain["runs"][0]["info"]["author"] = "someone"
    plain["runs"][0]["records"][0]["weather"] = {"rain": True}
    assert loads(json.dumps(plain)) == [trace()]


def test_missing_fields_have_defaults() -> None:
    """A trace that lacks what has a default reads as if it had it."""
    plain = json.loads(dumps([trace()]))
    for name in ("probe", "note", "end_detail", "cache_bytes"):
        del plain["runs"][0][name]
    assert loads(json.dumps(plain)) == [trace()]


def changed(**values: Any) -> str:
    plain = json.loads(dumps([trace()]))
    plain["runs"][0] |= values
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("a latent", "not JSON"),
        ("[]", "not a trace"),
        ("{}", "not a trace"),
        ("null", "not a trace"),
        ('{"version": 1}', "not a trace"),
        ('{"version": "1", "runs": []}', "not a trace"),
        ('{"version": 1, "runs": null}', "not a trace"),
        ('{"version": 1, "runs": 5}', "not a trace"),
        ('{"version": 1, "runs": {}}', "not a trace"),
        ('{"version": 1, "runs": [5]}', "not a trace"),
        ('{"version": 1, "runs": [{}]}', "not a trace"),
        ('{"version": 2, "runs": []}', "version 2; this pack reads up to 1: update"),
        (changed(records=[{"evaluation": 1}]), "not a trace"),
        (changed(records=None), "not a trace"),
        (changed(info=None), "not a trace"),
        (changed(records=[{**record(1, True).__dict__, "reason": "whim"}]), "'whim'"),
    ],
)
def test_text_that_is_no_trace(text: str, says: str) -> None:
    """What is not JSON, not a trace, or of a newer version is refused in plain words."""
    with pytest.raises(TraceError, match=says):
        loads(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("milliseconds", "fast"),
        ("milliseconds", True),
        ("milliseconds", 10**400),
        ("evaluation", 1.5),
        ("evaluation", None),
        ("evaluation", 2**60),
        ("computed", 1),
        ("rate", "6"),
        ("distance", [1]),
        ("reason", None),
        ("reason", ["first"]),
    ],
)
def test_a_record_of_a_wrong_type_is_named(field: str, value: Any) -> None:
    """A record whose value has another type is refused, with its number and the field."""
    with pytest.raises(TraceError, match=rf"records: record 2, {field}: .*(expected|allowed|hold)"):
        loads(changed(records=[record(1, True).as_json(), {**record(2, True).as_json(), field: value}]))


@pytest.mark.parametrize("field", ["evaluation", "step", "sigma", "computed", "reason"])
def test_a_record_without_a_field_is_named(field: str) -> None:
    """A record that lacks what it cannot do without is refused, with its number and the field."""
    plain = record(1, True).as_json()
    del plain[field]
    with pytest.raises(TraceError, match=f"records: record 1 has no {field}"):
        loads(changed(records=[plain]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", "30"),
        ("settings", []),
        ("settings", None),
        ("codebook", 5),
        ("records", {}),
        ("records", [[]]),
        ("seconds", "1"),
        ("cache_bytes", 0.5),
        ("note", None),
        ("end", 1),
        ("info", {"shape": "1x2"}),
        ("info", {"shape": [1, None]}),
        ("info", {"node_id": 7}),
    ],
)
def test_a_run_of_a_wrong_type_is_named(field: str, value: Any) -> None:
    """So is a value of the run itself."""
    with pytest.raises(TraceError, match=f"this is not a trace: the run, {field}: "):
        loads(changed(**{field: value}))


def test_errors_are_short() -> None:
    """An import's text does not flood the message about it."""
    with pytest.raises(TraceError) as error:
        loads(changed(codebook=["x" * 100_000]))
    assert len(str(error.value)) < 200
    with pytest.raises(TraceError) as error:
        loads(changed(records=[{**record(1, True).as_json(), "reason": "y" * 100_000}]))
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("text", ["[" * 100_000, '{"version": ' + "1" * 5000 + "}", '{"version": true, "runs": []}'])
def test_text_that_would_break_a_reader(text: str) -> None:
    """Deep nesting and endless numbers are refused as other nonsense is."""
    with pytest.raises(TraceError):
        loads(text)


def test_times_that_are_no_numbers() -> None:
    """NaN and infinite times neither break the text, nor the estimates, nor the summary."""
    odd = trace(records=[record(1, True, math.nan), record(2, True, 100.0), record(3, False, math.inf)])
    assert odd.estimated_seconds == pytest.approx(0.6)
    (stored,) = loads(dumps([odd]))
    assert stored.estimated_seconds == odd.estimated_seconds and stored.summary() == odd.summary()
    assert dumps([stored]) == dumps([odd])
    endless = trace(seconds=math.nan, settings={**Settings().as_json(), "sensitivity": math.inf})
    assert endless.speed_up == 1.0
    assert json.loads(dumps([endless]))["runs"][0]["seconds"] is None
    assert "nan" not in loads(dumps([endless]))[0].summary()


def test_summary_of_an_odd_import() -> None:
    """A trace of another hand has a summary, whatever its settings are."""
    for settings in ({}, {"sensitivity": "high", "preset": None}, {"locked": True}):
        assert "2 of 4 steps computed" in trace(settings=settings, cache_bytes=5, cache_place="moon").summary()


def test_a_trace_from_before_schedules_could_be_locked() -> None:
    """Settings without "locked" are those of a run that was not."""
    settings = Settings().as_json()
    del settings["locked"]
    assert "sensitivity 1" in loads(changed(settings=settings))[0].summary()
