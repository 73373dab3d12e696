"""AdaCache Patch Ray Actors: several processes that sample one video decide, and end, as one would.

Ray is real, and so is the process group; its workers are those of `tests/raylight`, since Raylight's need CUDA.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist

from demo import host

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="needs gloo")

STEPS = 14
MODES = ("", "sequence", "prompts")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import raylight

    raylight.start(str(host.HOST))
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def workers(cluster: None) -> list[Any]:
    import raylight

    return raylight.actors(torch.get_num_threads())["workers"]


@pytest.fixture(scope="module")
def rig(
    workers: list[Any],
    pack_module: Callable[[str], Any],
    call: Callable[..., tuple],
    text: Callable[[str], list],
    latent: Callable[..., dict],
) -> SimpleNamespace:
    """The node's function without a queue, Raylight's sampler, and what this process knows of the runs."""
    from raylight.in_worker import differing, kept

    node, runs = pack_module("nodes.patch_ray"), pack_module("nodes.server.run_store").RUNS
    conds = (text("one red circle on a navy background, moving fast"), text(""))

    def patch(preset: str, to: list[Any] = workers, **linked: Any) -> str:
        cls = node.AdaCachePatchRayActors.PREPARE_CLASS_CLONE({})
        widgets = {"sensitivity": 1.0, "start_percent": 0.0, "end_percent": 1.0, "max_reuses": 0}
        given = {"ray_actors": {"workers": to}, "preset": preset, "cache_location": "auto", **widgets, **linked}
        _, handle = cls.EXECUTE_NORMALIZED(**given).args
        return handle

    def sample(seed: int = 1, to: list[Any] = workers) -> list[torch.Tensor]:
        given = (seed, STEPS, 3.0, "euler", "simple", *conds, latent())
        return [one[0]["samples"] for one in ray.get([one.common_ksampler.remote(*given) for one in to])]

    def mode(name: str) -> None:
        ray.get([one.set_mode.remote(name) for one in workers])
        ray.get([one.load_unet.remote(str(host.MODELS / host.NETWORK), {}) for one in workers])
        ray.get([one.model_function_runner.remote(differing, name, rank) for rank, one in enumerate(workers)])

    def of(handle: str) -> list[Any]:
        return [trace for trace in runs.ended() if trace.info.handle == handle]

    def second(handle: str) -> Any:
        """The run as the second worker has it, which tells nobody."""
        return pack_module("adacache").loads(ask(workers[1], kept, node.ray_workers.PACK, handle))[-1]

    return SimpleNamespace(
        **{one.__name__: one for one in (patch, sample, mode, of, second)}, workers=workers, runs=runs, node=node
    )


def ask(worker: Any, function: Callable[..., Any], *given: Any) -> Any:
    return ray.get(worker.model_function_runner_get_values.remote(function, *given))


def decided(trace: Any) -> list[tuple]:
    return [(r.computed, r.reason, r.rate) for r in trace.records]


def measured(trace: Any) -> list[float]:
    return [value for r in trace.records for value in (r.distance, r.error, r.gain) if value is not None]


@pytest.fixture(scope="module")
def alone(wan: Callable[..., Any], patch: Callable[..., Any], sample: Callable[..., torch.Tensor]) -> Callable:
    """The same in one process, with Patch Model."""

    def run(**settings: Any) -> tuple[torch.Tensor, Any]:
        patched = patch(wan(trained=True), **settings)
        video = sample(patched.model, steps=STEPS, prompt="one red circle on a navy background, moving fast")
        return video, patched.runs()[-1]

    return run


@pytest.mark.parametrize("mode", MODES)
def test_they_sample_as_one_process_does(rig: SimpleNamespace, alone: Callable, mode: str) -> None:
    """Picture and trace; what a worker measures otherwise does not count."""
    rig.mode(mode)
    expected, run = alone(preset="balanced")
    rig.patch("turbo")
    handle = rig.patch("balanced")  # takes the other's place
    videos = rig.sample()
    if mode != "prompts":  # else networks see one prompt at a time, whose sums come out otherwise in float32
        assert torch.equal(videos[0], expected)
    torch.testing.assert_close(videos, [expected, expected], rtol=1e-3, atol=1e-3)
    traces = rig.of(handle)
    assert len(traces) == (1 if mode else 2)  # without a group, each has a video of its own
    for trace in traces:
        assert decided(trace) == decided(run)
        assert measured(trace) == (measured(run) if mode != "prompts" else pytest.approx(measured(run), rel=1e-3))
        assert (trace.end, trace.note, trace.info.workers) == ("done", "", 2 if mode else 1)
        assert 0 < trace.reused == run.reused
        assert trace.cache_bytes == run.cache_bytes
    if mode:
        other = rig.second(handle)
        assert (decided(other), measured(other)) == (decided(traces[0]), measured(traces[0]))


def test_off_takes_all_of_it_off(rig: SimpleNamespace) -> None:
    """Also after it was put on twice."""
    from raylight.in_worker import wrappers_of

    rig.mode("sequence")
    before = [ask(one, wrappers_of) for one in rig.workers]
    plain = rig.sample()
    for preset in ("balanced", "balanced"):
        rig.patch(preset)
    assert not torch.equal(rig.sample()[0], plain[0])
    handle = rig.patch("off")
    assert all(map(torch.equal, rig.sample(), plain))
    assert [ask(one, wrappers_of) for one in rig.workers] == before and not rig.of(handle)


PUBLISHED = "as published (fast)"


def test_presets_as_published_need_both_prompts_on_a_gpu(rig: SimpleNamespace) -> None:
    rig.mode("prompts")
    plain = rig.sample()
    handle = rig.patch(PUBLISHED)
    assert all(map(torch.equal, rig.sample(), plain))
    (run,) = rig.of(handle)
    assert (run.reused, run.end) == (0, "done") and "CFG parallelism" in run.note


def test_pipefusion_is_left_alone(rig: SimpleNamespace) -> None:
    from raylight.in_worker import marked

    rig.mode("sequence")
    plain = rig.sample()
    ray.get([one.model_function_runner.remote(marked) for one in rig.workers])
    handle = rig.patch("balanced")
    assert all(map(torch.equal, rig.sample(), plain))
    (run,) = rig.of(handle)
    assert (run.reused, run.end) == (0, "done") and run.note.startswith("PipeFusion")


@pytest.mark.parametrize("place", ["session.Session.begin", "answers.Answers.__init__", "answers.Answers.keep"])
def test_where_one_cannot_cache_none_does(rig: SimpleNamespace, place: str) -> None:
    """With CFG parallelism a worker that asks the network waits for the other: both ask from then on, or both hang."""
    from raylight.in_worker import break_in

    rig.mode("prompts")
    handle = rig.patch("turbo")
    ask(rig.workers[1], break_in, rig.node.ray_workers.PACK, place, 4)
    rig.sample()
    (first,), second = rig.of(handle), rig.second(handle)
    assert first.end == second.end == "done"
    assert first.note == "another of the workers cannot cache" and "no memory" in second.note
    assert len(first.records) == STEPS
    for run in (first, second):
        reasons = [r.reason for r in run.records]
        after = run.records[reasons.index("refused") :]
        assert after and all(r.computed and r.reason == "refused" for r in after)


def test_what_is_not_in_the_graph_is_not_cached(rig: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bypassed node takes nothing off the workers, so they ask what runs."""
    place = {"now": None}
    monkeypatch.setattr(rig.node.desk(), "where", lambda _: place["now"])
    rig.mode("prompts")
    plain = rig.sample()
    handle = rig.patch("balanced")
    assert all(map(torch.equal, rig.sample(), plain)) and not rig.of(handle)
    place["now"] = rig.node.Place("prompt", "7", "because")
    assert all(map(torch.equal, rig.sample(), plain))
    (run,) = rig.of(handle)
    assert (run.note, run.info.prompt_id, run.info.node_id) == ("because", "prompt", "7")


def test_a_stranger_is_told_nothing(rig: SimpleNamespace) -> None:
    address = rig.node.desk().address
    for line in (b"\n", b"0" * 64 + b"\n", b"x" * 10_000):
        with socket.create_connection((address.host, address.port), 5) as knocking:
            knocking.sendall(line)
            assert knocking.recv(100) == b""


def test_a_worker_that_dies_gives_rays_own_error(rig: SimpleNamespace) -> None:
    """And leaves a run behind that is marked as failed; the last test, since the worker is gone."""
    from raylight.in_worker import dying

    rig.mode("")
    handle = rig.patch("balanced")
    ray.get(rig.workers[0].model_function_runner.remote(dying, 3))
    with pytest.raises(ray.exceptions.ActorDiedError):
        rig.sample(to=rig.workers[:1])
    until(lambda: rig.of(handle))
    (run,) = rig.of(handle)
    assert run.end == "failed" and 0 < len(run.records) < STEPS
    with pytest.raises(ray.exceptions.ActorDiedError):
        rig.patch("balanced")
    until(lambda: not [one for one in threading.enumerate() if "process_request_thread" in one.name])


def until(true: Callable[[], Any]) -> None:
    for _ in range(100):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come")
