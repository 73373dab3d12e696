"""A run from its first evaluation to its last: what is computed, for which reason."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from adacache import FEWEST_STEPS, FrameGrid, MoRegSettings, Reason, Run, Settings, run_blocks

STEPS = 30
COMPUTED = [Reason.FIRST, *[Reason.SCHEDULED] * 27, Reason.LAST, Reason.LAST]


def reasons(run: Run) -> list[Reason]:
    return [record.reason for record in run.trace.records]


def evaluate(run: Run, blocks: list[nn.Module], x: Tensor, sigma: float, allowed: bool = True) -> Tensor:
    with run.evaluation(sigma, allowed) as evaluation:
        return run_blocks(evaluation, blocks, x)


def test_two_runs_in_a_row_are_equal(doubling, sample) -> None:
    """Nothing carries over: the same video twice gives the same decisions, distances and motion scores."""

    def rows() -> list[tuple[object, ...]]:
        run = Run(Settings(moreg=MoRegSettings(norm=0.4)), STEPS)
        for step in range(1, STEPS + 1):
            x = torch.arange(1.0, 13.0).view(1, 12, 1) + step * torch.tensor([1.0, 0.2, 0.1]).repeat(4).view(1, 12, 1)
            with run.evaluation(1 - step / 40) as evaluation:
                run_blocks(evaluation, doubling, x, grid=FrameGrid(4, 3))
        return [(r.computed, r.reason, r.distance, r.score, r.motion, r.gradient, r.rate) for r in run.trace.records]

    first = rows()
    assert first == rows()
    assert any(row[3] for row in first)


@pytest.mark.parametrize("steps", range(1, FEWEST_STEPS))
def test_too_few_steps(steps: int, doubling, tens, sample) -> None:
    """With fewer than nine steps every step is computed, nothing is kept, and the note says why."""
    run = Run(Settings(), steps)
    outputs = sample(run, doubling, tens)
    assert reasons(run) == [Reason.REFUSED] * steps
    assert all(output.unique().item() == 40.0 for output in outputs)
    assert run.trace.note == f"{steps} steps leave nothing to reuse; it takes at least 9"
    assert run.cache.peak_bytes == 0


def test_nine_steps_are_enough(doubling, tens, sample) -> None:
    """With nine steps something is reused."""
    run = Run(Settings(), FEWEST_STEPS)
    sample(run, doubling, tens)
    assert run.trace.reused > 0 and run.trace.note == ""


def test_one_evaluation_per_step(doubling, tens) -> None:
    """Where the sampler reports each step after its one evaluation, all goes as without reports."""
    run = Run(Settings(), STEPS)
    run.report_steps()
    for step in range(STEPS):
        evaluate(run, doubling, tens, 1 - step / STEPS)
        run.step_done(step)
    trace = run.close()
    assert [record.step for record in trace.records] == list(range(1, STEPS + 1))
    assert trace.reused == 22 and trace.note == ""


def test_noise_that_rises_restarts(doubling, tens, sample) -> None:
    """When the noise goes up again the step is computed, and so is the one after; then reuse goes on."""
    sigmas = [1 - i / STEPS for i in range(10)] + [1 - i / STEPS for i in range(20)]
    run = Run(Settings(), STEPS)
    sample(run, doubling, tens, sigmas)
    assert reasons(run)[10] is Reason.RESTARTED
    assert run.trace.records[10].distance is None
    assert reasons(run)[11:14] == [Reason.SCHEDULED, Reason.REUSED, Reason.REUSED]
    assert reasons(run).count(Reason.RESTARTED) == 1


def test_another_network_restarts(doubling, tens) -> None:
    """What comes from another network is computed, measured against nothing, and so is the one after it."""
    run = Run(Settings(), STEPS)
    for step in range(STEPS):
        evaluation = run.begin(1 - step / STEPS, network=("LoRA", step >= 9))
        run_blocks(evaluation, doubling, tens)
        run.finish(evaluation)
    assert reasons(run)[8:13] == [Reason.REUSED, Reason.RESTARTED, Reason.SCHEDULED, Reason.REUSED, Reason.REUSED]
    assert run.trace.records[9].distance is None
    assert reasons(run).count(Reason.RESTARTED) == 1


def test_equal_noise_does_not_restart(doubling, tens, sample) -> None:
    """The same noise level twice in a row is no restart."""
    run = Run(Settings(), STEPS)
    sample(run, doubling, tens, [1.0] * STEPS)
    assert Reason.RESTARTED not in reasons(run)


def test_outside_start_and_end(doubling, tens) -> None:
    """Where the host does not allow reuse every step is computed, and reuse begins where it does."""
    run = Run(Settings(), STEPS)
    for step in range(1, STEPS + 1):
        evaluate(run, doubling, tens, 1 - step / 40, allowed=6 <= step <= 20)
    found = reasons(run)
    assert found[0] is Reason.FIRST and found[-2:] == [Reason.LAST] * 2
    assert set(found[1:5]) == {Reason.OUTSIDE} == set(found[20:28])
    assert Reason.OUTSIDE not in found[5:20] and found[5:20].count(Reason.REUSED) >= 10
    assert all(record.distance == 0.0 for record in run.trace.records[1:5])


def test_measure_mode(doubling, tens, sample) -> None:
    """Measuring computes every step and records the distance that one step makes."""
    run = Run(Settings(mode="measure"), STEPS)
    outputs = sample(run, doubling, lambda step: torch.full((1, 3, 2), 10.0 * step))
    assert reasons(run) == [Reason.FIRST, *[Reason.MEASURING] * 27, Reason.LAST, Reason.LAST]
    distances = [record.distance for record in run.trace.records]
    assert distances[0] is None
    assert distances[1:] == [pytest.approx(1 / step) for step in range(1, STEPS)]
    assert [output.unique().item() for output in outputs] == [40.0 * step for step in range(1, STEPS + 1)]


def test_measure_mode_scores_motion(doubling) -> None:
    """Measuring records a motion score, of stride 1, even without MoReg, and does not let it count."""
    run = Run(Settings(mode="measure"), STEPS)
    for sigma in (1.0, 0.9):
        with run.evaluation(sigma) as evaluation:
            run_blocks(evaluation, doubling, torch.tensor([[[1.0], [2.0], [5.0]]]), grid=FrameGrid(3, 1))
    assert run.trace.records[1].score == pytest.approx(0.4)
    assert run.trace.records[1].motion is None


def test_sensitivity_and_cap(doubling, tens, sample) -> None:
    """The run hands sensitivity and the cap on reuses to its schedule."""
    run = Run(Settings(max_reuses=2), STEPS)
    sample(run, doubling, tens)
    assert [record.step for record in run.trace.records if record.computed][:4] == [1, 2, 5, 8]
    run = Run(Settings(sensitivity=1e9), STEPS)
    sample(run, doubling, lambda step: tens * 1.001**step)
    assert reasons(run) == COMPUTED
    assert run.trace.records[5].looked_up == pytest.approx(1e9 * run.trace.records[5].distance)


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0])
def test_probe_that_cannot_be_measured(value: float, doubling, tens, sample) -> None:
    """A hidden state of NaN, infinity or zeros has no distance: every step is computed, without an error."""
    run = Run(Settings(), STEPS)
    sample(run, doubling, torch.full_like(tens, value))
    assert reasons(run) == COMPUTED
    assert not run.refused


def test_no_probe(doubling, tens) -> None:
    """A call that was not measured is followed by a computed step."""
    run = Run(Settings(), STEPS)
    for sigma in (1.0, 0.9, 0.8):
        with run.evaluation(sigma) as evaluation:
            call = evaluation.trunk(["x"])
            call.enter(tens)
            assert call.compute
            call.leave(4 * tens)
            call.commit()
    assert [record.rate for record in run.trace.records] == [1, 1, 1]


def test_network_that_was_not_asked(doubling, tens) -> None:
    """An evaluation in which nobody called the network ends caching, with a reason."""
    run = Run(Settings(), STEPS)
    with run.evaluation(1.0):
        pass
    assert run.trace.note == "another node answered in place of the network"
    assert evaluate(run, doubling, tens, 0.9).unique().item() == 40.0
    assert reasons(run) == [Reason.REFUSED] * 2


def test_refusing_in_mid_run(doubling, tens) -> None:
    """From a refusal on everything is computed and nothing is kept; the first reason stays."""
    run = Run(Settings(), STEPS)
    for i in range(4):
        evaluate(run, doubling, tens, 1 - i / STEPS)
    assert reasons(run)[-1] is Reason.REUSED
    run.refuse("first")
    run.refuse("second")
    assert run.cache.nbytes == 0
    for i in range(4, 8):
        assert evaluate(run, doubling, tens, 1 - i / STEPS).unique().item() == 40.0
    assert reasons(run)[4:] == [Reason.REFUSED] * 4
    assert (run.trace.note, run.cache.nbytes) == ("first", 0)


def test_a_reused_step_is_told_though_writing_it_down_fails(doubling, tens, monkeypatch) -> None:
    """Not to tell of it would say that nothing was reused, of a picture in which something was."""

    def failing() -> None:
        raise RuntimeError("on purpose")

    run, begun = Run(Settings(), STEPS), 0
    with pytest.raises(RuntimeError, match="on purpose"):
        while not begun or run.trace.records[-1].computed:
            with run.evaluation(1 - begun / 40) as evaluation:
                run_blocks(evaluation, doubling, tens)
                if not evaluation.decision.compute:
                    monkeypatch.setattr(evaluation, "outcome", failing)
            begun += 1
    assert run.trace.reused == 1 and len(run.trace.records) == begun + 1


def test_measuring_looks_far_back(doubling, tens, sample) -> None:
    """Besides the step before, a probe is compared with that of step 1, 7, 13 ...: from 10 to 40 is a change of 3."""
    run = Run(Settings(mode="measure"), steps=12)
    sample(run, doubling, lambda step: step * tens)
    far = [(record.step, record.far_steps, record.far) for record in run.trace.records if record.far is not None]
    assert far[:3] == [(2, 1, 1.0), (3, 2, 2.0), (4, 3, 3.0)]
    assert far[5:7] == [(7, 6, 6.0), (8, 1, pytest.approx(1 / 7))]
    assert run.trace.records[3].distance == pytest.approx(1 / 3)
    assert run.trace.cache_bytes == 4 * tens.nbytes
    older = run.observer._older
    assert older.nbytes == tens.nbytes
    run.close()
    assert run.cache.nbytes == older.nbytes == 0


def test_only_measuring_looks_far_back(doubling, tens, sample) -> None:
    run = Run(Settings(), steps=12)
    sample(run, doubling, lambda step: step * tens)
    assert all(record.far is None and record.far_steps is None for record in run.trace.records)
    assert run.trace.cache_bytes == 3 * tens.nbytes


def test_noise_that_goes_up_forgets_the_older_probe(doubling, tens, sample) -> None:
    run = Run(Settings(mode="measure"), steps=12)
    sample(run, doubling, lambda step: step * tens, sigmas=[0.9, 0.8, 0.7, 0.6, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    assert [record.step for record in run.trace.records if record.far is None] == [1, 5, 6, 7]
