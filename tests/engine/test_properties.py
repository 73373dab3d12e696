"""The engine beside plain models of what it must do, over random graphs of calls, settings and texts.

`HYPOTHESIS_PROFILE=long` takes fifty times as many.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from dataclasses import fields
from threading import Barrier, Thread
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from adacache import (
    Calibration,
    CalibrationError,
    Codebook,
    LockedPlan,
    MoRegSettings,
    Reason,
    Record,
    Run,
    RunInfo,
    Settings,
    SettingsError,
    Trace,
    TraceError,
    dumps,
    loads,
)
from adacache.schedules.planned import CORRECTED, CORRECTED_LATER, UNCORRECTED
from adacache.trace.trace import ANSWER

# The short one takes the same examples each time: what is green stays green. The long one is to find more.
settings.register_profile(
    "short",
    max_examples=50,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("long", parent=settings.get_profile("short"), max_examples=3000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

SHAPES = ((1, 2, 3), (1, 3, 3))
STEPS = 12


class Asked(NamedTuple):
    """A call for answers: its streams, which shape they have, and whether it dies before it gives any."""

    keys: list[str]
    shape: int
    dies: bool


calls = st.builds(
    Asked,
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([False, False, False, False, True]),
)
evaluations = st.lists(
    st.tuples(st.lists(calls, min_size=1, max_size=2), st.sampled_from([0, 0, 0, 0, 1, -1])),
    min_size=STEPS,
    max_size=STEPS,
)
plans = st.sets(st.integers(2, STEPS)).map(lambda steps: LockedPlan(STEPS, (1, *sorted(steps))))


class Plain:
    """What must be computed and what is given, in a few lines and without a tensor: an answer is a number."""

    def __init__(self, plan: LockedPlan) -> None:
        self.plan = plan
        self.kept: dict[tuple[str, int], tuple[float, int]] = {}
        self.last = math.inf

    def begin(self, step: int, sigma: float) -> None:
        self.planned = step in self.plan.computed or sigma > self.last
        self.last = sigma
        self.seen: Counter[str] = Counter()
        self.asked: set[tuple[str, int]] = set()
        self.captured: set[tuple[str, int]] = set()
        self.any = False

    def call(self, asked: Asked, answers: list[float]) -> tuple[bool, list[float]]:
        streams = []
        for key in asked.keys:
            streams.append((key, self.seen[key]))
            self.seen[key] += 1
        self.asked |= set(streams)
        fits = all(stream in self.kept and self.kept[stream][1] == asked.shape for stream in streams)
        if not self.planned and fits:
            return False, [self.kept[stream][0] for stream in streams]
        self.any = True
        if not asked.dies:
            self.kept |= {stream: (answer, asked.shape) for stream, answer in zip(streams, answers, strict=True)}
            self.captured |= set(streams)
        return True, answers

    def end(self) -> None:
        if self.planned or self.any:
            stay = self.captured if self.planned else self.asked
            self.kept = {stream: kept for stream, kept in self.kept.items() if stream in stay}


@given(plans, evaluations)
def test_any_graph_of_calls(plan: LockedPlan, graph: list[tuple[list[Asked], int]]) -> None:
    """Streams come, go, change their shape, repeat and die; noise levels repeat and rise; calls are missing."""
    run, plain = Run(Settings(locked=plan, reuses="answer"), STEPS), Plain(plan)
    sigma, given_out = float(STEPS), []
    for step, (asking, up) in enumerate(graph, 1):
        sigma += 3 if up == 1 else 0 if up == -1 else -1
        with run.evaluation(sigma) as evaluation:
            plain.begin(step, sigma)
            for number, asked in enumerate(asking):
                answers = [100.0 * step + 10 * number + place for place in range(len(asked.keys))]
                made = [torch.full(SHAPES[asked.shape], answer) for answer in answers]
                call = evaluation.answer(asked.keys, [(one,) for one in made])
                computed, expected = plain.call(asked, answers)
                assert call.compute is computed
                if not computed:
                    reused = [parts[0] for parts in call.reuse()]
                    assert [float(one.flatten()[0]) for one in reused] == expected
                    given_out += reused
                elif not asked.dies:
                    call.keep([(one,) for one in made], extrapolates=False)
            plain.end()
        assert len(set(run.cache)) == len(plain.kept)
        for one in given_out:
            one.fill_(-1)  # what was given out is anybody's
        given_out.clear()
    assert not run.refused and len(run.trace.records) == STEPS
    run.close()
    assert not set(run.cache)


@given(plans, st.lists(st.sampled_from("abcd"), min_size=2, max_size=4, unique=True), st.booleans())
def test_any_number_of_threads(plan: LockedPlan, keys: list[str], forecast: bool) -> None:
    """A thread per device, as a host with several has: decisions and answers are those of one thread."""

    def film(parallel: bool) -> tuple[list[bool], list[Tensor]]:
        run = Run(Settings(locked=plan, reuses="answer", forecast=forecast), STEPS)
        given_out: dict[tuple[int, str], Tensor] = {}

        def ask(step: int, key: str, evaluation: Any, start: Barrier | None) -> None:
            if start:
                start.wait()
            answer = torch.full((1, 4), float(step**2 + ord(key)))
            call = evaluation.answer([key], [(answer,)])
            if call.compute:
                call.keep([(answer.clone(),)], forecast)
            given_out[step, key] = answer if call.compute else call.reuse()[0][0]

        for step in range(1, STEPS + 1):
            with run.evaluation(1 - step / (STEPS + 1)) as evaluation:
                start = Barrier(len(keys)) if parallel else None
                threads = [Thread(target=ask, args=(step, key, evaluation, start)) for key in keys]
                for one in threads:
                    one.start()
                    if not parallel:
                        one.join()
                for one in threads:
                    one.join()
        return [record.computed for record in run.trace.records], [given_out[one] for one in sorted(given_out)]

    (alone, expected), (decided, answers) = film(False), film(True)
    assert decided == alone and all(map(torch.equal, answers, expected))


thresholds = st.floats(1e-12, 1e6)
codebooks = st.lists(thresholds, min_size=1, max_size=12, unique=True).flatmap(
    lambda found: st.builds(
        Codebook,
        st.tuples(*(st.tuples(st.just(one), st.integers(1, 10_000)) for one in sorted(found))),
        st.none() | st.integers(1, 10_000),
        st.floats(0, 1),
    )
)


@given(codebooks, st.integers(1, 10_000), st.floats(allow_nan=True, allow_infinity=True))
def test_any_codebook(book: Codebook, steps: int, distance: float) -> None:
    """Reads back as written; is one at any step count; gives a rate for whatever is measured."""
    assert Codebook.parse(str(book), book.steps).entries == book.entries
    scaled = book.for_steps(steps)
    assert scaled.rate(distance) >= 1 and (math.isfinite(distance) or scaled.rate(distance) == 1)
    assert scaled.steps in (steps, None)


@given(st.sampled_from([CORRECTED, CORRECTED_LATER, UNCORRECTED]), st.integers(4, 200), st.data())
def test_any_plan(cost: Any, steps: int, data: st.DataObject) -> None:
    """So many different steps, in order, the first among them; as text it is the same plan."""
    count = data.draw(st.integers(1, steps))
    plan = cost.plan(steps, count)
    assert plan == sorted(set(plan)) and plan[0] == 0 and plan[-1] < steps
    assert count <= len(plan) <= max(count, min(steps, 4))
    locked = LockedPlan(steps, tuple(step + 1 for step in plan))
    assert LockedPlan.parse(str(locked)) == locked


@given(
    st.builds(
        Settings,
        mode=st.sampled_from(["cache", "measure"]),
        codebooks=st.lists(codebooks, min_size=1, max_size=3).map(tuple),
        sensitivity=st.floats(0.05, 100),
        moreg=st.none()
        | st.builds(
            MoRegSettings,
            strides=st.lists(st.integers(1, 1000), min_size=1, max_size=8).map(tuple),
            norm=st.floats(1e-3, 1),
            power=st.floats(0.01, 64),
            divisor=st.floats(1e-3, 1e3),
            gradient_weight=st.floats(0, 1e3),
        ),
        max_reuses=st.integers(0, 1000),
        share=st.none() | st.floats(0.01, 1),
        forecast=st.booleans(),
        reuses=st.sampled_from(["trunk", "answer"]),
    ),
    st.integers(1, 40),
    st.lists(st.sampled_from([0.0, 1e-30, 1.0, 1e30, math.inf, math.nan]), min_size=40, max_size=40),
)
def test_any_settings(chosen: Settings, steps: int, sizes: list[float]) -> None:
    """A run of whatever can be chosen, over whatever a network may give: it ends, and its trace is valid JSON."""
    run = Run(chosen, steps)
    for step in range(steps):
        with run.evaluation(1 - step / steps) as evaluation:
            like = torch.full((1, 2, 3, 2, 2), sizes[step])
            call = evaluation.answer(["a"], [(like,)], frames=2)
            if call.compute:
                call.keep([(like.clone(),)], chosen.forecast)
            else:
                call.reuse()
    run.close()
    assert run.trace.records[0].computed and len(run.trace.records) == steps
    (read,) = loads(dumps([run.trace]))
    assert json.loads(dumps([read])) == json.loads(dumps([run.trace]))


numbers = st.none() | st.floats(allow_nan=False)
records = st.builds(
    Record,
    st.integers(1, 10**6),
    st.integers(1, 10**6),
    st.floats(),
    st.booleans(),
    st.sampled_from(Reason),
    distance=numbers,
    looked_up=numbers,
    score=numbers,
    rate=st.none() | st.integers(1, 99),
    milliseconds=st.floats(0, 1e9),
    turns=st.none() | st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3).map(tuple),
    passes=st.none() | st.integers(0, 99),
    computed_passes=st.none() | st.integers(0, 99),
)
traces = st.builds(
    Trace,
    st.builds(RunInfo, family=st.text(max_size=9), shape=st.lists(st.integers(0, 9), max_size=5).map(tuple)),
    st.integers(1, 10**6),
    st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=5) | st.floats(allow_nan=False), max_size=4),
    st.text(max_size=9),
    st.lists(records, max_size=5),
    seconds=st.floats(0, 1e9),
    note=st.text(max_size=9),
    end=st.sampled_from(["", "done", "cancelled", "failed"]),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)


@given(traces)
def test_any_trace(trace: Trace) -> None:
    """Reads back as written, and says what it says in words."""
    text = dumps([trace])
    json.loads(text, parse_constant=pytest.fail)
    (read,) = loads(text)
    assert dumps([read]) == text and read.summary()


@given(traces, st.sampled_from([field.name for field in fields(Trace)]), json_values)
def test_any_change_of_a_trace(trace: Trace, field: str, value: Any) -> None:
    """What is put into a field is taken or refused by its name, and nothing else happens."""
    plain = json.loads(dumps([trace]))
    plain["runs"][0][field] = value
    try:
        (read,) = loads(json.dumps(plain))
    except TraceError as error:
        assert field in str(error) or "record" in str(error)
    else:
        assert read.summary() and read.locked_text is not None
        dumps([read])


calibrations = st.builds(
    Calibration,
    codebook=codebooks.map(str),
    steps=st.integers(1, 10_000),
    amount=st.floats(0, 100),
    computed=st.floats(0, 1e4),
    family=st.text(max_size=9),
    measured=st.just(ANSWER),
)


@given(calibrations, st.sampled_from([field.name for field in fields(Calibration)]), json_values)
def test_any_calibration(found: Calibration, field: str, value: Any) -> None:
    """Reads back as what it says; what is put into a field is taken or refused with words."""
    text = found.as_text()
    assert Calibration.from_text(text).as_text() == text
    try:
        read = Calibration.from_text(json.dumps(json.loads(text) | {field: value}))
    except CalibrationError as error:
        assert str(error)
    else:
        read.as_codebook().for_steps(7)
        assert read.report()


@given(st.text(max_size=60) | st.from_regex(r"[0-9.e:+\- ,]{0,60}", fullmatch=True))
def test_any_text(text: str) -> None:
    """A codebook, a plan, a trace, a calibration: whatever somebody pastes is read, or refused with words."""
    for read, refusal in (
        (Codebook.parse, SettingsError),
        (LockedPlan.parse, ValueError),
        (loads, TraceError),
        (Calibration.from_text, CalibrationError),
    ):
        try:
            read(text)
        except refusal as error:
            assert type(error) is refusal and 0 < len(str(error)) < 600
