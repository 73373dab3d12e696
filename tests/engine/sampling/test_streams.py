"""Streams: cond and uncond keep their own residuals, however rows arrive and wherever residuals live."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from adacache import Codebook, FrameGrid, MoRegSettings, Reason, Run, Settings, run_blocks
from adacache.sampling.cache import StreamKey
from adacache.sampling.evaluation import Evaluation

STEPS = 30


class Bend(nn.Module):
    """A block whose every element depends on itself only, so that batching cannot change a bit."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.3 * x / (1 + x * x)


def computed_steps(run: Run) -> list[int]:
    return [record.step for record in run.trace.records if record.computed]


def network(
    evaluation: Evaluation,
    blocks: Sequence[nn.Module],
    rows: dict[str, Tensor],
    batched: bool = True,
    grid: FrameGrid | None = None,
) -> dict[str, Tensor]:
    """What a host does: all keys in one call or one call per key; probes the middle block's residual."""
    outputs = {}
    for keys in [list(rows)] if batched else [[key] for key in rows]:
        x = torch.cat([rows[key] for key in keys])
        call = evaluation.trunk(keys, grid)
        call.enter(x)
        if call.compute:
            for index, block in enumerate(blocks):
                before, x = x, block(x)
                if index == len(blocks) // 2:
                    call.measure(x - before)
            call.leave(x)
            call.commit()
        else:
            (x,) = call.reuse(x)
        outputs |= zip(keys, x.chunk(len(keys)), strict=True)
    return outputs


def drift(key: str, step: int) -> Tensor:
    """Two rows of a video of four frames of three tokens, slow in the middle of the run."""
    torch.manual_seed({"cond": 1, "uncond": 2}[key])
    start, way = torch.randn(2, 2, 12, 4)
    return start + way * (step - 15) ** 3 / 300


@pytest.mark.parametrize("moreg", [None, MoRegSettings(norm=0.6)])
@pytest.mark.parametrize("place", ["auto", "model", "system"])
def test_batched_equals_split(place: str, moreg: MoRegSettings | None) -> None:
    """Cond and uncond in one call or two give the same decisions, distances and outputs, wherever R lives."""
    runs, outputs = [], []
    for batched in (True, False):
        run = Run(Settings(location=place, moreg=moreg), STEPS)
        out = []
        for step in range(1, STEPS + 1):
            with run.evaluation(1 - step / 99) as evaluation:
                rows = {key: drift(key, step) for key in ("cond", "uncond")}
                out.append(network(evaluation, [Bend(), Bend(), Bend()], rows, batched, FrameGrid(4, 3)))
        runs.append(run)
        outputs.append(out)
    one, two = (run.trace.records for run in runs)
    assert computed_steps(runs[0]) == computed_steps(runs[1])
    assert 8 < runs[0].trace.computed < STEPS
    assert [r.rate for r in one] == [r.rate for r in two]
    for name in ("distance", "motion", "score"):
        pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(one, two, strict=True)]
        assert [a for a, _ in pairs] == [b if b is None else pytest.approx(b, rel=1e-5) for _, b in pairs]
    for a, b in zip(*outputs, strict=True):
        assert all(torch.equal(a[key], b[key]) for key in a)


def test_same_key_twice_is_two_streams(doubling) -> None:
    """The same key twice in an evaluation keeps two residuals, told apart by their order."""
    run = Run(Settings(), STEPS)
    for sigma in (1.0, 0.9, 0.8):
        with run.evaluation(sigma) as evaluation:
            outputs = [run_blocks(evaluation, doubling, torch.full((1, 3, 2), v), key="cond") for v in (1.0, 5.0)]
        assert [output.unique().item() for output in outputs] == [4.0, 20.0]
    assert not run.trace.records[2].computed


@pytest.mark.parametrize("batched", [True, False])
def test_new_stream_in_a_reuse_step(batched: bool, doubling, tens) -> None:
    """A stream that was never computed is computed in a step that would reuse, and the record says so."""
    run = Run(Settings(), STEPS)
    for sigma, keys in ((1.0, "a"), (0.9, "a"), (0.8, "a"), (0.7, "ab"), (0.6, "ab")):
        with run.evaluation(sigma) as evaluation:
            outputs = network(evaluation, doubling, dict.fromkeys(keys, tens), batched)
        assert {output.unique().item() for output in outputs.values()} == {40.0}
    reasons = [record.reason for record in run.trace.records]
    assert reasons[2:] == [Reason.REUSED, Reason.MISSING, Reason.REUSED]
    assert computed_steps(run) == [1, 2, 4]


@pytest.mark.parametrize("batched", [True, False])
def test_stream_that_was_left_out(batched: bool, doubling) -> None:
    """A stream that comes back after a computed step without it is computed, not reused from before."""
    run = Run(Settings(), STEPS)
    for step in range(1, 13):
        keys = ("a", "b") if step in (1, 2, 10, 11) else ("b",)
        with run.evaluation(1 - step / 40) as evaluation:
            outputs = network(evaluation, doubling, {key: torch.full((1, 3, 2), 10.0 + step) for key in keys}, batched)
        if step in (10, 11):
            assert outputs["a"].unique().item() == {10: 80.0, 11: 81.0}[step]
    assert computed_steps(run) == [1, 2, 7, 10, 12]
    assert run.trace.records[9].reason is Reason.MISSING


def test_new_stream_does_not_move_the_others() -> None:
    """A stream that appears in a reuse step leaves the same decisions, whether batched or on its own."""
    rows = []
    for batched in (True, False):
        run = Run(Settings(codebooks=(Codebook.parse("0.02:6 0.03:4 0.05:3 1:2"),)), STEPS)
        for step in range(1, STEPS + 1):
            x = torch.full((1, 3, 2), 10.0 + step)
            with run.evaluation(1 - step / 40) as evaluation:
                network(evaluation, [Bend(), Bend()], dict.fromkeys("a" if step < 9 else "ab", x), batched)
        rows.append([(r.step, r.reason, r.rate, r.distance and round(r.distance, 6)) for r in run.trace.records])
    assert rows[0] == rows[1]
    assert rows[0][8][1] is Reason.MISSING


def test_streams_that_move_on_do_not_pile_up(doubling, tens) -> None:
    """Context windows that are others at every step: each is computed, and only the last ones are kept."""
    run = Run(Settings(share=0.4, forecast=True), STEPS)
    for step in range(STEPS):
        with run.evaluation(1 - step / 40) as evaluation:
            for window in range(3):
                run_blocks(evaluation, doubling, tens, key=(step, window))
        assert len(list(run.cache)) == 3
    assert {record.reason for record in run.trace.records} >= {Reason.MISSING}
    assert run.trace.reused == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_system_memory_gives_the_same() -> None:
    """On a GPU, residuals in system memory give the same decisions and bit-identical outputs."""
    results = []
    for place in ("model", "system"):
        run, outputs = Run(Settings(location=place), STEPS), []
        for step in range(1, STEPS + 1):
            rows = {key: drift(key, step).cuda() for key in ("cond", "uncond")}
            with run.evaluation(1 - step / 99) as evaluation:
                outputs.append(torch.cat([*network(evaluation, [Bend(), Bend(), Bend()], rows).values()]))
            kept = run.cache.get(StreamKey(0, "cond", 0)).tensors()
            assert {tensor.is_cuda for tensor in kept} == {place == "model"}
        results.append((computed_steps(run), torch.stack(outputs)))
    assert results[0][0] == results[1][0]
    assert torch.equal(results[0][1], results[1][1])
