"""The host, other nodes and the user may end or spoil a run at any point: what comes next is as on a fresh start."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import comfy.model_management
import pytest
import torch
from comfy.patcher_extension import WrappersMP

CANCEL = comfy.model_management.InterruptProcessingException
WAYS = {
    "answers": {"member": "Wan t2v", "moreg": {"norm": 0.3}},
    "blocks": {"member": "Wan t2v", "preset": "as published (fast)", "moreg": {"norm": 0.3}},
}
KINDS = {
    "the sampling": WrappersMP.OUTER_SAMPLE,
    "the sampler": WrappersMP.SAMPLER_SAMPLE,
    "an evaluation": WrappersMP.PREDICT_NOISE,
    "all prompts": WrappersMP.CALC_COND_BATCH,
    "a call of the network": WrappersMP.APPLY_MODEL,
    "the network": WrappersMP.DIFFUSION_MODEL,
}


@pytest.fixture(params=WAYS)
def made(request: pytest.FixtureRequest, machine: Callable[..., Any]) -> Any:
    return machine(**WAYS[request.param])


def around(model: Any, kind: str, wrapper: Callable[..., Any], above: bool) -> Any:
    """A clone with another pack's wrapper above ours (it runs first), or below."""
    clone = model.clone()
    clone.add_wrapper_with_key(kind, "another pack", wrapper)
    if above:
        keyed = clone.wrappers[kind]
        clone.wrappers[kind] = {"another pack": keyed.pop("another pack"), **keyed}
    return clone


def fails_at(nth: int, error: Callable[[], BaseException]) -> Callable[..., Any]:
    """A wrapper that raises at its nth call, from 1, before what it stands around."""
    calls = [0]

    def failing(executor: Any, *args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] == nth:
            raise error()
        return executor(*args, **kwargs)

    return failing


def told(machine: Any, end: str) -> Any:
    run = machine.run()
    assert run.end == end and not run.note, run.note
    return run


def test_cancelled_at_any_evaluation(made: Any) -> None:
    """Each run has as many records as evaluations came to their end, and the next one is as ever."""
    for nth in range(1, len(made.run().records) + 1):
        clone = around(made.patched.model, WrappersMP.PREDICT_NOISE, fails_at(nth, CANCEL), above=False)
        with pytest.raises(CANCEL):
            made.sample(clone)
        assert len(told(made, "cancelled").records) == nth - 1
        made.check_clean()
    assert torch.equal(made.sample(), made.cached)
    made.check_freed()


@pytest.mark.parametrize("above", [True, False], ids=["above", "below"])
def test_an_error_anywhere_in_the_host(made: Any, above: bool) -> None:
    """Another pack's wrapper raises, the user cancels, or memory runs out, in every kind of call."""
    for kind in KINDS.values():
        once = kind in (WrappersMP.OUTER_SAMPLE, WrappersMP.SAMPLER_SAMPLE)
        for error in (torch.OutOfMemoryError, CANCEL, KeyError):
            before = len(made.patched.runs())
            clone = around(made.patched.model, kind, fails_at(1 if once else 4, error), above)
            with pytest.raises(error):
                made.sample(clone)
            made.check_clean()
            if kind == WrappersMP.OUTER_SAMPLE and above:
                assert len(made.patched.runs()) == before  # the run had not begun
            else:
                told(made, "cancelled" if error is CANCEL else "failed")
    assert torch.equal(made.sample(), made.cached)
    made.check_freed()


@pytest.mark.parametrize("above", [True, False], ids=["above", "below"])
def test_a_pack_that_catches_every_exception(made: Any, above: bool) -> None:
    """It sees none of ours: nothing that we do goes by exceptions that it could swallow."""
    seen = []

    def catching(executor: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return executor(*args, **kwargs)
        except BaseException as error:
            seen.append(error)
            raise

    clone = made.patched.model
    for kind in KINDS.values():
        clone = around(clone, kind, catching, above)
    assert torch.equal(made.sample(clone), made.cached)
    assert not seen
    told(made, "done")


def test_not_a_number(made: Any, pack_module: Callable[[str], Any]) -> None:
    """The network's answer turns NaN in mid-run: no exception, valid JSON, and the next run is as ever."""

    def spoil(executor: Any, *args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        answer = executor(*args, **kwargs)
        return torch.full_like(answer, torch.nan) if calls[0] == 5 else answer

    calls = [0]
    given = made.sample(around(made.patched.model, WrappersMP.APPLY_MODEL, spoil, above=False))
    assert not torch.isfinite(given).all()
    run = told(made, "done")
    dumps = pack_module("adacache").dumps
    json.loads(dumps([run]), parse_constant=pytest.fail)
    assert torch.equal(made.sample(), made.cached)


def test_the_model_is_unloaded_in_mid_run(made: Any) -> None:
    """Another node frees all memory between two evaluations; what runs goes on as it does without us."""

    def freeing() -> Callable[..., Any]:
        calls = [0]

        def free(executor: Any, *args: Any, **kwargs: Any) -> Any:
            calls[0] += 1
            if calls[0] in (2, 4, 7):
                comfy.model_management.unload_all_models()
                comfy.model_management.soft_empty_cache()
            return executor(*args, **kwargs)

        return free

    plain = made.sample(around(made.rig.model, WrappersMP.PREDICT_NOISE, freeing(), above=True))
    assert torch.equal(plain, made.plain)
    for above in (True, False):
        clone = around(made.patched.model, WrappersMP.PREDICT_NOISE, freeing(), above)
        assert torch.equal(made.sample(clone), made.cached)
        told(made, "done")


def test_another_sampling_of_the_model_within_an_evaluation(made: Any) -> None:
    """Each is its own run, and as it is alone."""
    inner = []

    def nested(executor: Any, *args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            inner.append(made.sample())
        return executor(*args, **kwargs)

    calls = [0]
    before = len(made.patched.runs())
    outer = made.sample(around(made.patched.model, WrappersMP.PREDICT_NOISE, nested, above=False))
    assert torch.equal(inner[0], made.cached) and torch.equal(outer, made.cached)
    assert len(made.patched.runs()) == before + 2


@pytest.fixture
def forwards(machine: Callable[..., Any]) -> Any:
    """A network whose blocks are hooked by their forward."""
    return machine(member="Lumina 2", preset="as published (fast)")


def generic(function: Callable[..., Any]) -> Callable[..., Any]:
    """What another pack may put around a function, without its name and its signature."""
    return lambda *args, **kwargs: function(*args, **kwargs)


def test_forwards_wrapped_by_anything(forwards: Any) -> None:
    """Blocks are called as their class says, whatever stands in front of it."""
    blocks = list(forwards.network.layers)
    for block in blocks:
        block.forward = generic(block.forward)
    try:
        assert torch.equal(forwards.sample(), forwards.cached)
        told(forwards, "done")
    finally:
        for block in blocks:
            del block.forward


def test_classes_that_tell_nothing(forwards: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the class itself takes anything by any name, the network is computed, and why is said."""
    kind = type(forwards.network.layers[0])
    monkeypatch.setattr(kind, "forward", generic(kind.forward))
    assert torch.equal(forwards.sample(), forwards.plain)
    run = forwards.run()
    assert run.end == "done" and "another node put its own in their place" in run.note and not run.reused
