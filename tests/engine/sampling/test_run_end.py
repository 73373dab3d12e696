"""How a run ends, what it hands on, and how long it says it took."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from adacache import Run, Settings, run_blocks
from adacache.sampling.cache import StreamKey

STEPS = 30


def evaluate(run: Run, blocks: list[nn.Module], x: Tensor, sigma: float) -> Tensor:
    with run.evaluation(sigma) as evaluation:
        return run_blocks(evaluation, blocks, x)


class Failing(nn.Module):
    """Doubles, and fails at its `at`-th call."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def forward(self, x: Tensor) -> Tensor:
        self.left -= 1
        if not self.left:
            raise RuntimeError("out of memory, say")
        return 2 * x


def test_exception_in_mid_evaluation(doubling, tens) -> None:
    """A block that fails leaves no record and nothing half captured; the cache is freed, the end is failed."""
    with pytest.raises(RuntimeError, match="out of memory"), Run(Settings(), STEPS) as run:
        blocks = [*doubling, Failing(at=2)]
        evaluate(run, blocks, tens, 1.0)
        probe = run.cache.get(StreamKey(0, "", 0)).probe.clone()
        try:
            evaluate(run, blocks, 3 * tens, 0.9)
        finally:
            (left,) = run.cache.get(StreamKey(0, "", 0)).tensors()
            assert torch.equal(left, probe), "the old residual made room, and the probe is as it was"
    assert (run.trace.end, run.trace.end_detail) == ("failed", "RuntimeError: out of memory, say")
    assert len(run.trace.records) == 1
    assert run.cache.nbytes == 0


def test_close_is_idempotent(doubling, tens, sample) -> None:
    """Closing frees the cache and marks the end; closing again changes nothing."""
    run = Run(Settings(), STEPS)
    sample(run, doubling, tens)
    assert run.cache.nbytes > 0 and run.trace.end == ""
    trace = run.close("cancelled", "by hand")
    assert run.cache.nbytes == 0
    assert run.close("done") is trace is run.trace
    assert (trace.end, trace.end_detail) == ("cancelled", "by hand")


def test_context_manager_ends_as_done(doubling, tens, sample) -> None:
    """Leaving the run's `with` block in peace ends it as done, cache freed, bytes still told."""
    with Run(Settings(), STEPS) as run:
        sample(run, doubling, tens)
    assert (run.trace.end, run.cache.nbytes) == ("done", 0)
    assert run.trace.cache_bytes > 0


def test_run_without_evaluations() -> None:
    """A run that ends without a single evaluation says so."""
    with Run(Settings(), STEPS) as run:
        pass
    assert run.trace.note == "the sampler made no evaluation that could be seen from here"


def test_on_record(doubling, tens, sample) -> None:
    """Every finished record is handed on, once, in order."""
    seen = []
    run = Run(Settings(), STEPS, on_record=seen.append)
    sample(run, doubling, tens)
    assert [id(record) for record in seen] == [id(record) for record in run.trace.records]
    assert [record.evaluation for record in seen] == list(range(1, STEPS + 1))


def clock(times: list[float]) -> Callable[[], float]:
    ticks: Iterator[float] = iter(times)
    return lambda: next(ticks)


def test_times(doubling, tens, monkeypatch: pytest.MonkeyPatch) -> None:
    """Milliseconds are the evaluation's; seconds run from the first one's start to the last one's end."""
    monkeypatch.setattr("adacache.sampling.stopwatch.time.perf_counter", clock([5.0, 5.5, 7.0, 7.25]))
    run = Run(Settings(), STEPS)
    for sigma in (1.0, 0.9):
        evaluate(run, doubling, tens, sigma)
    assert [record.milliseconds for record in run.trace.records] == [500.0, 250.0]
    assert run.trace.seconds == 2.25


def test_scaled_codebook_is_in_the_trace() -> None:
    """The trace names the codebook in force, scaled to the run's steps."""
    assert Run(Settings(), 100).trace.codebook == "0.03:12 0.05:10 0.07:8 0.09:6 0.11:4 1.00:3"
    assert Run(Settings(), 60).trace.codebook.startswith("0.05:9 ")
