"""Samplers of higher order: one decision per step, a residual per evaluation; and hidden states of several parts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from adacache import Reason, Run, RunInfo, Settings, run_blocks
from adacache.sampling.sampler import Sampler
from adacache.sampling.step_clock import StepClock

STEPS = 12


def sample(run: Run, blocks, per_step: int, short_tail: bool = True) -> list[tuple[int, int, Tensor]]:
    """Like the host's samplers: `per_step` evaluations, one in the last step; reports after a step's first.

    The hidden state is 10 at place 0, 20 at place 1 and so on, so that each place's residual is known by its size.
    """
    run.report_steps()
    outputs = []
    for step in range(STEPS):
        for place in range(1 if short_tail and step == STEPS - 1 else per_step):
            with run.evaluation(1 - (step + place / per_step) / STEPS) as evaluation:
                x = torch.full((1, 3, 2), 10.0 * (place + 1))
                outputs.append((step, place, run_blocks(evaluation, blocks, x)))
            if place == 0:
                run.step_done(step)
    run.close()
    return outputs


@pytest.mark.parametrize("per_step", [2, 3])
def test_one_decision_per_step_and_a_residual_per_place(per_step: int, doubling) -> None:
    """All evaluations of a step are computed or all reused, each with the residual of its own place."""
    run = Run(Settings(), STEPS, sampler=Sampler(per_step))
    outputs = sample(run, doubling, per_step)
    assert not run.trace.note
    by_step: dict[int, set[bool]] = {}
    for record in run.trace.records:
        by_step.setdefault(record.step, set()).add(record.computed)
    assert list(by_step) == list(range(1, STEPS + 1))
    assert all(len(kinds) == 1 for kinds in by_step.values())
    assert sum(kinds == {False} for kinds in by_step.values()) >= 5
    assert all(output.unique().item() == 40.0 * (place + 1) for _, place, output in outputs)


def test_steps_are_decided_as_with_one_evaluation(doubling, tens) -> None:
    """A further evaluation per step changes nothing in the distances and decisions of the first."""
    single = Run(Settings(), STEPS)
    for step in range(STEPS):
        with single.evaluation(1 - step / STEPS) as evaluation:
            run_blocks(evaluation, doubling, tens)
    double = Run(Settings(), STEPS, sampler=Sampler(2))
    sample(double, doubling, 2)
    first = [r for n, r in enumerate(double.trace.records) if not n or double.trace.records[n - 1].step != r.step]
    rows = [[(r.step, r.computed, r.distance, r.rate) for r in records] for records in (single.trace.records, first)]
    assert rows[0] == rows[1]


def test_noise_that_rises_within_a_step_is_no_restart(doubling, tens) -> None:
    """A second evaluation looks ahead; the next step then begins at a higher noise level than it saw."""
    run = Run(Settings(), STEPS, sampler=Sampler(2))
    for step in range(STEPS):
        for sigma in (1 - step / STEPS, 1 - (step + 2) / STEPS):
            with run.evaluation(sigma) as evaluation:
                run_blocks(evaluation, doubling, tens)
    assert Reason.RESTARTED not in {record.reason for record in run.trace.records}


def stepped(run: Run, blocks, counts: list[int], at_end: bool = False) -> list[str]:
    """A sampler of so many evaluations per step; what became of each step, such as "CC" or ".."."""
    run.report_steps()
    for step, count in enumerate(counts):
        for place in range(count):
            with run.evaluation(1 - (step + place / count) / len(counts)) as evaluation:
                run_blocks(evaluation, blocks, torch.full((1, 3, 2), 10.0))
            if place == (count - 1 if at_end else 0):
                run.step_done(step)
    if at_end:
        run.step_done(len(counts))  # RES4LYF reports its last step a second time
    by_step = dict.fromkeys(range(1, len(counts) + 1), "")
    for record in run.close().records:
        by_step[record.step] += "C" if record.computed else "."
    return list(by_step.values())


IRREGULAR = [[2] + [1] * 11, [2, 2] + [1] * 10, [3, 2] + [1] * 10, [3, 3, 3] + [1] * 8 + [3]]


@pytest.mark.parametrize(
    ("counts", "at_end"), [*((c, end) for c in IRREGULAR for end in (False, True)), ([1] * 6 + [2] * 6, False)]
)
def test_a_count_that_changes(counts: list[int], at_end: bool, doubling) -> None:
    """Multistep samplers evaluate more often in their first steps; caching goes on, and steps are the sampler's."""
    run = Run(Settings(share=0.5), len(counts))
    steps = stepped(run, doubling, counts, at_end)
    assert [len(step) for step in steps] == counts
    assert steps[-1] == "C" * counts[-1] and not run.trace.note
    assert sum(set(step) == {"."} for step in steps) >= 4


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("per_step", [1, 2, 3, 5])
def test_a_constant_count_is_learnt(per_step: int, at_end: bool, doubling) -> None:
    """Nobody said how often the sampler evaluates: whole steps are reused all the same."""
    run = Run(Settings(share=0.5), STEPS)
    steps = stepped(run, doubling, [per_step] * STEPS, at_end)
    assert {len(step) for step in steps} == {per_step}
    assert all(len(set(step)) == 1 for step in steps)
    assert sum(set(step) == {"."} for step in steps) >= 4


def test_fewer_evaluations_than_were_expected(doubling) -> None:
    """One evaluation per step where two were expected: what was kept for the second is let go, and caching goes on."""
    kept: list[int] = []
    run = Run(Settings(share=0.5), STEPS, None, Sampler(2), on_record=lambda _: kept.append(len(list(run.cache))))
    steps = stepped(run, doubling, [2, 2] + [1] * 10)
    assert sum(step == "." for step in steps) >= 4 and not run.trace.note
    assert max(kept) == 2 and kept[-1] == 1


def test_a_sampler_that_never_reports(doubling, tens) -> None:
    """What its steps are cannot be told: all is computed, nothing piles up, and the note says why."""
    run = Run(Settings(), STEPS, RunInfo(sampler="silent"))
    run.report_steps()
    for evaluation in range(60):
        with run.evaluation(1 - evaluation / 60) as asked:
            assert run_blocks(asked, doubling, tens).unique().item() == 40.0
    held = run.cache.nbytes
    trace = run.close()
    assert trace.note == "the sampler silent does not tell when a step ends"
    assert trace.reused == 0 and held == 0


def test_a_step_that_is_iterated(doubling, tens) -> None:
    """Its report comes again with the same number: its evaluations are of one step."""
    run = Run(Settings(), STEPS)
    run.report_steps()
    for step in (0, 1, 1, 1, 2):
        with run.evaluation(1 - step / STEPS) as evaluation:
            run_blocks(evaluation, doubling, tens)
        run.step_done(step)
    assert [record.step for record in run.close().records] == [1, 2, 2, 2, 3]


def test_clock_allows_a_shorter_end() -> None:
    """Three evaluations per step, two in the last but one and one in the last, as heunpp2 makes them."""
    clock = StepClock(per_step=3)
    clock.reports = 0
    places = []
    for step, count in enumerate((3, 3, 2, 1)):
        for place in range(count):
            places.append(clock.advance())
            if place == 0:
                clock.report(step)
    assert places[:8] == [0, 1, 2, 0, 1, 2, 0, 1] and clock.begun == 4


def test_hidden_states_of_several_parts(tens) -> None:
    """Video and sound, say: each part gets its own residual, and a part of another shape means computing."""
    run = Run(Settings(), 30)
    video, sound = tens, torch.full((1, 5, 1), 2.0)
    for sigma in (1.0, 0.9, 0.8):
        with run.evaluation(sigma) as evaluation:
            call = evaluation.trunk([""])
            call.enter(video, sound)
            if call.compute:
                call.measure(video)
                assert call.leave(video + 3, sound * 4)
                call.commit()
            else:
                outputs = call.reuse(video, sound)
    assert [record.computed for record in run.trace.records] == [True, True, False]
    assert [part.unique().item() for part in outputs] == [13.0, 8.0]
    with run.evaluation(0.7) as evaluation:
        call = evaluation.trunk([""])
        call.enter(video, sound[:, :4])
        assert call.compute
