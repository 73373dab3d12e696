"""The host, other nodes and the user may end or spoil a run at any point: what comes next is as on a fresh start."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import comfy.model_management
import pytest
import torch
from comfy.patcher_extension import WrappersMP
from test_families import STEPS

WAYS = {
    "answers": {"member": "Wan t2v", "moreg": {"norm": 0.3}},
    "blocks": {"member": "Wan t2v", "preset": "as published (fast)", "moreg": {"norm": 0.3}},
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


KINDS = [kind for name, kind in vars(WrappersMP).items() if name.isupper()]
CANCEL = comfy.model_management.InterruptProcessingException


def told(machine: Any, end: str) -> Any:
    run = machine.run()
    assert run.end == end and not run.note, run.note
    return run


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


def ended(machine: Any, model: Any, error: type[BaseException], known: set[str]) -> Any:
    """The run of a sampling that ends by an error, if one began; the network is as it was."""
    with pytest.raises(error, match="on purpose"):
        machine.sample(model)
    machine.check_clean()
    fresh = [run for run in machine.patched.runs() if run.info.run_id not in known]
    known.update(run.info.run_id for run in fresh)
    assert len(fresh) <= 1
    return fresh[0] if fresh else None


def raising(error: type[BaseException], at: int, after: bool = False) -> Callable[..., Any]:
    """A wrapper that raises in its so manieth call, before or after what it stands around."""
    left = [at]

    def wrapper(executor: Any, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        given = executor(*args, **kwargs) if after or left[0] else None
        if not left[0]:
            raise error("on purpose")
        return given

    return wrapper


def test_cancelled_at_every_evaluation(made: Any) -> None:
    """Above our wrapper and below it: the trace has what was done until then, and what comes next is as ever."""
    known = {run.info.run_id for run in made.patched.runs()}
    for at in range(1, STEPS + 1):
        for above in (True, False):
            wrapper = raising(CANCEL, at)
            run = ended(made, around(made.patched.model, WrappersMP.PREDICT_NOISE, wrapper, above), CANCEL, known)
            assert (run.end, run.note, len(run.records)) == ("cancelled", "", at - 1)
    assert torch.equal(made.sample(), made.cached)
    made.check_freed()


def test_an_error_in_every_kind_of_wrapper(made: Any) -> None:
    """Before and after what it stands around, above us and below: the error is the artist's, and no other."""
    calls: Counter[str] = Counter()
    model = made.patched.model
    for kind in KINDS:
        model = around(model, kind, counting(calls, kind), above=False)
    made.sample(model)
    assert set(calls) == set(KINDS)
    known = {run.info.run_id for run in made.patched.runs()}
    for kind, above, after in product(KINDS, (True, False), (True, False)):
        error = RuntimeError if above else torch.OutOfMemoryError
        wrapper = raising(error, (calls[kind] + 1) // 2, after)
        run = ended(made, around(made.patched.model, kind, wrapper, above), error, known)
        if kind != WrappersMP.OUTER_SAMPLE or not above:
            assert (run.end, run.note) == ("failed", "") and "on purpose" in run.end_detail
        else:
            assert run.end == "done" if after else run is None
    assert torch.equal(made.sample(), made.cached)
    made.check_freed()


def counting(calls: Counter[str], kind: str) -> Callable[..., Any]:
    def wrapper(executor: Any, *args: Any, **kwargs: Any) -> Any:
        calls[kind] += 1
        return executor(*args, **kwargs)

    return wrapper


def fails(*_: Any, **__: Any) -> Any:
    raise RuntimeError("on purpose")


SETTERS = {
    **{f"set_model_{name}": (fails,) for name in ("unet_function_wrapper", "sampler_cfg_function")},
    **{f"set_model_sampler_{name}": (fails,) for name in ("pre_cfg_function", "post_cfg_function")},
    "set_model_sampler_calc_cond_batch_function": (fails,),
    "set_model_patch_replace": (fails, "dit", "double_block", 1),
}


@pytest.mark.parametrize("setter", SETTERS)
def test_a_node_that_throws(made: Any, setter: str) -> None:
    """Whatever a node puts on the model fails as it does without us."""
    known = {run.info.run_id for run in made.patched.runs()}
    ends = []
    for model in (made.rig.model, made.patched.model):
        clone = model.clone()
        getattr(clone, setter)(*SETTERS[setter])
        ends.append(ended(made, clone, RuntimeError, known))
    assert ends[0] is None and (ends[1].end, ends[1].note) == ("failed", "")
    assert torch.equal(made.sample(), made.cached)


def test_a_latent_of_no_numbers(made: Any) -> None:
    """It is sampled as without us, to the end."""
    latent = {"samples": torch.full_like(made.rig.member.latent(), torch.nan)}
    given = made.rig.sample(made.patched.model, latent_image=latent)
    assert torch.isnan(given).all()
    told(made, "done")
    assert torch.equal(made.sample(), made.cached)


def between(at: int, do: Callable[[], Any]) -> Callable[..., Any]:
    """A wrapper that does something before its so manieth call."""
    left = [at]

    def wrapper(executor: Any, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            do()
        return executor(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize("at", [2, 5, STEPS])
def test_unloaded_or_moved_between_evaluations(made: Any, at: int) -> None:
    """Another node may free the memory or move the weights in mid-run: the same latent."""
    for do in (comfy.model_management.unload_all_models, lambda: made.network.double().float()):
        model = around(made.patched.model, WrappersMP.PREDICT_NOISE, between(at, do), above=True)
        assert torch.equal(made.sample(model), made.cached)
        told(made, "done")
    made.check_clean()
    assert torch.equal(made.sample(), made.cached)


@pytest.mark.parametrize("kind", [WrappersMP.PREDICT_NOISE, WrappersMP.APPLY_MODEL])
def test_a_sampling_within_a_sampling(made: Any, machine: Callable[..., Any], kind: str) -> None:
    """A pack may sample with another model in mid-run: each run is as it is alone."""
    other = machine(member="Wan t2v", preset="turbo")
    inner = []
    wrapper = between(5, lambda: inner.append(other.sample()))
    assert torch.equal(made.sample(around(made.patched.model, kind, wrapper, above=True)), made.cached)
    assert torch.equal(inner[0], other.cached)
    for each in (made, other):
        told(each, "done")
        each.check_clean()


def sampled(model: Any, sample: Callable[[Any], torch.Tensor], kind: str, restores: bool) -> Any:
    """What comes of a sampling with one of the same model in it, and of that one: latents, or the error."""

    def again() -> None:
        running = model.model.current_patcher
        inner.append(sample(model))
        if restores:
            model.model.current_patcher = running

    inner: list[torch.Tensor] = []
    try:
        return [sample(around(model, kind, between(2, again), above=True)), *inner]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("restores", [False, True], ids=["forgotten", "restored"])
@pytest.mark.parametrize("kind", [WrappersMP.PREDICT_NOISE, WrappersMP.APPLY_MODEL])
def test_a_sampling_within_one_of_the_same_model(made: Any, kind: str, restores: bool) -> None:
    """The host forgets which model runs at the end of the inner one (`ModelPatcher.cleanup`), and fails; where a pack
    sets that right, both are as alone. So it is with us."""
    known = {run.info.run_id for run in made.patched.runs()}
    without = sampled(made.rig.model, made.sample, kind, restores)
    given = sampled(made.patched.model, made.sample, kind, restores)
    runs = [run for run in made.patched.runs() if run.info.run_id not in known]
    assert len(runs) == 2 and not any(run.note for run in runs)
    if isinstance(without, str):
        assert given == without and not restores
        assert [run.end for run in runs] == ["failed", "done"]
    else:
        assert [torch.equal(one, made.plain) for one in without] == [True, True]
        assert [torch.equal(one, made.cached) for one in given] == [True, True]
        assert [run.end for run in runs] == ["done", "done"]
    made.check_clean()
    assert torch.equal(made.sample(), made.cached)
