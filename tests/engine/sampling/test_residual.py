"""Residuals: added once, never shared with anybody, and the same however the rows of an evaluation arrive."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest
import torch
from torch import Tensor, nn

from adacache import PUBLISHED, Reason, Run, Settings, run_blocks
from adacache.sampling.cache import Cache, Stream, StreamKey
from adacache.sampling.calls import TrunkCall

STEPS = 30
# What the published fast codebook computes of 30 steps when nothing changes.
STILL = [1, 2, 8, 14, 20, 26, 29, 30]


class DoubleInPlace(nn.Module):
    """Writes into its input and returns it."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(2)


def computed_steps(run: Run) -> list[int]:
    return [record.step for record in run.trace.records if record.computed]


def storages(*tensors: Tensor) -> set[int]:
    return {tensor.untyped_storage().data_ptr() for tensor in tensors}


def test_residual_is_added_once(doubling, sample) -> None:
    """Ten through two doubling blocks is 40, so R is 30; reused on 11 it gives 41, without any block."""
    run = Run(Settings(), STEPS)
    outputs = sample(run, doubling, lambda step: torch.full((1, 3, 2), 10.0 if step <= 2 else 11.0))
    values = [output.unique().item() for output in outputs]
    assert computed_steps(run)[:2] == [1, 2] and not run.trace.records[2].computed
    for record, value in zip(run.trace.records, values, strict=True):
        before_first_eleven = record.step < computed_steps(run)[2]
        expected = 40.0 if record.step <= 2 else 41.0 if before_first_eleven else 44.0
        assert value == expected
    assert [block.calls for block in doubling] == [run.trace.computed] * 2


def test_reuse_keeps_nothing_of_the_caller(doubling, tens) -> None:
    """What is cached shares no memory with the hidden state, the output or the middle block's tensors."""
    run, seen = Run(Settings(), STEPS), [tens]

    def probe(block: nn.Module, before: Tensor, after: Tensor) -> Tensor:
        seen.extend((before, after))
        return after - before

    for sigma in (1.0, 0.9):
        with run.evaluation(sigma) as evaluation:
            seen.append(run_blocks(evaluation, doubling, tens, probe=probe))
        kept = run.cache.get(StreamKey(0, "", 0)).tensors()
        assert len(kept) == 2
        assert not storages(*kept) & storages(*seen)


def test_caller_may_write_into_everything(doubling, tens) -> None:
    """Overwriting the input and output of a computed or reused step does not change what is reused later."""
    run = Run(Settings(), STEPS)
    for sigma in (1.0, 0.9, 0.8, 0.7, 0.6):
        x = tens.clone()
        with run.evaluation(sigma) as evaluation:
            output = run_blocks(evaluation, doubling, x)
        assert torch.equal(x, tens), "the engine wrote into the host's tensor"
        assert output.unique().item() == 40.0
        output.fill_(-1)
        x.fill_(-2)
    assert computed_steps(run) == [1, 2]


def test_reuse_returns_a_fresh_tensor(doubling, tens) -> None:
    """Each reused step returns a tensor of its own."""
    run, outputs = Run(Settings(), STEPS), []
    for sigma in (1.0, 0.9, 0.8, 0.7):
        with run.evaluation(sigma) as evaluation:
            outputs.append(run_blocks(evaluation, doubling, tens))
    kept = run.cache.get(StreamKey(0, "", 0)).tensors()
    assert len(storages(*outputs, tens, *kept)) == 5 + len(kept)


def test_probe_handed_in_is_not_written(doubling, tens) -> None:
    """A probe of the caller's own is read, never written, while it is kept."""
    run, probes = Run(Settings(), STEPS), []

    def probe(block: nn.Module, before: Tensor, after: Tensor) -> Tensor:
        probes.append(torch.full_like(before, 1 + len(probes)))
        return probes[-1]

    for sigma in [1 - i / STEPS for i in range(STEPS)]:
        with run.evaluation(sigma) as evaluation:
            run_blocks(evaluation, doubling, tens, probe=probe)
    assert [p.unique().item() for p in probes] == list(range(1, len(probes) + 1))


def test_blocks_that_write_in_place(sample) -> None:
    """Blocks that write into their input give the same decisions and outputs as those that do not."""
    run = Run(Settings(), STEPS)
    outputs = sample(run, [DoubleInPlace() for _ in range(2)], lambda step: torch.full((1, 3, 2), 10.0))
    assert [output.unique().item() for output in outputs] == [40.0] * STEPS
    assert computed_steps(run) == STILL
    assert all(record.distance == 0.0 for record in run.trace.records if record.computed and record.step > 1)


CHANGES = {
    "more tokens": lambda x: torch.full((1, 5, 2), 10.0),
    "fewer rows": lambda x: torch.full((2, 3, 2), 10.0),
    "dtype": lambda x: x.to(torch.float64),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("at", [3, 8], ids=["in a reuse step", "in a computed step"])
def test_shape_or_dtype_change(change: Callable[[Tensor], Tensor], at: int, doubling, tens, sample) -> None:
    """A hidden state of another shape or dtype is computed, is no error, and caching goes on from there."""
    run = Run(Settings(), STEPS)
    outputs = sample(run, doubling, lambda step: tens if step < at else change(tens))
    assert all(output.unique().item() == 40.0 for output in outputs)
    assert outputs[-1].dtype == change(tens).dtype and outputs[-1].shape == change(tens).shape
    assert at in computed_steps(run) and not run.refused
    if at == 3:
        assert run.trace.records[2].reason is Reason.MISSING
    assert run.trace.reused > 10


def test_output_that_cannot_be_compared(tens) -> None:
    """A trunk whose output has another shape than its input is computed at every step, without an error."""
    run = Run(Settings(), STEPS)
    for sigma in (1.0, 0.9, 0.8, 0.7):
        with run.evaluation(sigma) as evaluation:
            call = evaluation.trunk(["x"])
            call.enter(tens)
            assert call.compute
            call.measure(tens.clone())
            assert not call.leave(torch.cat([tens, tens], 1))
            call.commit()
    assert run.trace.computed == 4 and run.cache.nbytes == 0


def test_gradients_stay_out(doubling, tens) -> None:
    """Under autograd nothing that is cached or reused carries a graph of earlier steps."""
    run = Run(Settings(), STEPS)
    for sigma in (1.0, 0.9, 0.8):
        with run.evaluation(sigma) as evaluation:
            run_blocks(evaluation, doubling, tens.clone().requires_grad_())
        assert not any(tensor.requires_grad for tensor in run.cache.get(StreamKey(0, "", 0)).tensors())
    assert computed_steps(run) == [1, 2]


def test_the_trace_says_where_the_cache_is(doubling, tens, sample) -> None:
    run = Run(Settings(), STEPS)
    sample(run, doubling, tens)
    assert run.trace.cache_place == "model"


def test_most_bytes_are_those_alive_at_once(doubling, tens, monkeypatch: pytest.MonkeyPatch) -> None:
    """A residual and a probe per stream, and while a computed call is kept, the new probe beside the old one."""
    alive, add = [], TrunkCall._add

    def looking(call: TrunkCall, name: str, sums: Tensor) -> None:
        if name == "change":
            new = [*(part for parts in call._base for part in parts), call._probe]
            alive.append(run.cache.nbytes + sum(one.nbytes for one in new))
        add(call, name, sums)

    monkeypatch.setattr(TrunkCall, "_add", looking)
    run = Run(Settings(), STEPS)
    for sigma in (1.0, 0.9):
        with run.evaluation(sigma) as evaluation:
            run_blocks(evaluation, doubling, tens)
    assert run.trace.cache_bytes == max(alive) == 3 * tens.nbytes > run.cache.nbytes


def test_views_of_one_batch_count_by_their_storage() -> None:
    """A batch that two streams share counts once, and whole for as long as one of them keeps its part."""
    cache, batch = Cache("model"), torch.empty(2, 64)
    for number, part in enumerate(batch.split(1)):
        cache.keep(StreamKey(0, number, 0), Stream((part,)))
    assert cache.nbytes == batch.nbytes
    cache.drop({StreamKey(0, 0, 0)})
    assert cache.nbytes == batch.nbytes
    cache.drop({StreamKey(0, 1, 0)})
    assert cache.nbytes == 0


@pytest.mark.parametrize(("change", "left"), [("keep", [0, 1, 2]), ("drop", [1]), ("clear", [])])
def test_threads_wait_for_each_other(change: str, left: list[int]) -> None:
    """A thread per device: what one changes while another counts the bytes would end that one's caching."""
    cache, keys = Cache("model"), [StreamKey(0, number, 0) for number in range(3)]
    changes = {
        "keep": lambda: cache.keep(keys[2], Stream((torch.empty(64),))),
        "drop": lambda: cache.drop({keys[0]}),
        "clear": cache.clear,
    }
    other = Thread(target=changes[change])

    class Counted(Stream):
        def tensors(self) -> tuple[Tensor, ...]:
            if not other.ident:
                other.start()
                other.join(0.2)  # in vain: it waits for us
            return super().tensors()

    cache.keep(keys[1], Stream((torch.empty(64),)))
    cache.keep(keys[0], Counted((torch.empty(64),)))
    other.join()
    assert set(cache) == {keys[number] for number in left}


def test_auto_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "auto" keeps with the model what takes a quarter of its free memory at most, and the rest in host memory."""
    monkeypatch.setattr(torch.Tensor, "copy_", lambda host, device, non_blocking: host)
    monkeypatch.setattr("adacache.sampling.cache._bytes", lambda tensors: sum(tensor.nbytes for tensor in tensors))
    cache = Cache("auto", lambda device: 8 * 256)
    for number, location in enumerate(["model", "model", "system", "system"]):
        cache.keep(StreamKey(0, number, 0), Stream((torch.empty(64, device="meta"),)))
        assert cache.location == location
    devices = [cache.get(StreamKey(0, number, 0)).value[0].device.type for number in range(4)]
    assert devices == ["meta", "meta", "cpu", "cpu"]
    cache.keep(StreamKey(0, 0, 0), Stream((torch.empty(64, device="meta"),)))  # what is replaced makes room
    assert cache.get(StreamKey(0, 0, 0)).value[0].device.type == "meta"


def test_a_cpu_has_one_memory() -> None:
    cache = Cache("auto", lambda device: 0)
    cache.keep(StreamKey(0, "", 0), Stream((torch.empty(64),)))
    assert cache.location == "model"


def test_published_steps_of_a_still_video(doubling, tens, sample) -> None:
    """Where nothing changes, the published fast codebook computes 8 of 30 steps."""
    run = Run(Settings(codebooks=(PUBLISHED["fast 30"],)), STEPS)
    sample(run, doubling, tens)
    assert computed_steps(run) == STILL
