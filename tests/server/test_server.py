"""The pack in a running ComfyUI: what an artist does through the browser, done through the API."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

import numpy as np
import pytest

from demo.client import Client, Failed, Graph, Interrupted, Refused
from demo.metrics import Video, decode
from demo.workflow import Caching, Shot, graph

NODE_IDS = {
    *("AdaCachePatchModel", "AdaCacheCodebook", "AdaCacheMoRegSettings", "AdaCacheStats"),
    *("AdaCacheCalibrate", "AdaCacheCalibration", "AdaCacheCompare", "AdaCacheSweep"),
}
EAGER = Caching(sensitivity=0.2)  # reuses steps whatever the network


def trace_of(outputs: dict[str, dict]) -> dict:
    return json.loads(outputs["trace"]["text"][0])


def test_nodes_are_listed(client: Client):
    infos = client.node_infos()
    assert set(infos) >= NODE_IDS
    assert {infos[name]["category"].split("/")[0] for name in NODE_IDS} == {"AdaCache"}


@pytest.mark.parametrize("caching", [EAGER, replace(EAGER, moreg=True)], ids=["adacache", "moreg"])
def test_demo_graph(client: Client, shot: Shot, caching: Caching):
    done = client.run(graph(shot, caching))
    video = client.fetch(done.outputs["save"]["images"][0])
    assert video[4:8] == b"ftyp"  # an MP4 file
    assert len(done.outputs["frames"]["images"]) == shot.frames
    (run,) = trace_of(done.outputs)["runs"]
    assert run["end"] == "done"
    assert run["derived"]["computed"] + run["derived"]["reused"] == shot.steps
    assert run["derived"]["reused"] > 0


@pytest.mark.parametrize(
    ("before", "now"), [("paper fast", "as published (fast)"), ("paper slow", "as published (slow)")]
)
def test_a_graph_with_a_preset_of_before_still_runs(client: Client, shot: Shot, before: str, now: str):
    (run,) = trace_of(client.run(graph(shot, Caching(before))).outputs)["runs"]
    assert run["settings"]["preset"] == now
    _, preset = client.node_infos()["AdaCachePatchModel"]["input"]["required"]["preset"]
    assert now in preset["options"] and before not in preset["options"]
    assert preset["renamed"][before] == now


def test_same_graph_twice(client: Client, shot: Shot):
    """The second time the host has every node's result already; what it shows must be the same."""
    work = graph(shot, EAGER)
    first, second = client.run(work), client.run(work)
    assert first.outputs == second.outputs
    assert trace_of(first.outputs)["runs"]


def test_another_seed_is_another_run(client: Client, shot: Shot):
    """The patched MODEL is the host's cached one; the run is not."""
    first = trace_of(client.run(graph(shot, EAGER)).outputs)
    second = trace_of(client.run(graph(replace(shot, seed=shot.seed + 1), EAGER)).outputs)
    assert [run["info"]["handle"] for run in first["runs"]] == [run["info"]["handle"] for run in second["runs"]]
    assert [run["info"]["run_id"] for run in first["runs"]] != [run["info"]["run_id"] for run in second["runs"]]
    assert len(second["runs"]) == 1


def test_two_graphs_with_one_prompt_id(client: Client, shot: Shot):
    """A client chooses the id, and the host takes it twice: the second graph's Cache Stats has its own run only."""
    same = str(uuid.uuid4())
    first, second = (graph(replace(shot, seed=shot.seed + n), EAGER) for n in (0, 1))
    for work in (first, second):
        assert client.queue(work, same) == same
    (one,), (two,) = (trace_of(client.follow(same).outputs)["runs"] for _ in range(2))
    assert one["info"]["prompt_id"] == two["info"]["prompt_id"] == same
    assert one["info"]["run_id"] != two["info"]["run_id"]


def test_bad_codebook_is_refused_before_it_runs(client: Client, shot: Shot):
    with pytest.raises(Refused) as refused:
        client.queue(with_codebook(shot, "0.5:2 0.3:1"))
    (error,) = refused.value.answer["node_errors"]["codebook"]["errors"]
    assert error["extra_info"]["input_name"] == "text"
    assert "AdaCache Codebook" in error["details"]
    assert "text" in error["details"]


def test_error_while_running_names_the_node(client: Client, shot: Shot):
    """A caption from a link is not known before the run; here, a word that the demo model does not know."""
    with pytest.raises((Failed, Refused)) as failed:
        client.run(graph(replace(shot, prompt="a giraffe"), EAGER))
    assert "giraffe" in str(failed.value)


def test_interrupt_then_a_clean_run(client: Client, shot: Shot):
    long = replace(shot, steps=200)
    stopped = []

    def stop_at_step_five(node: str, step: int) -> None:
        if node == "sampler" and step >= 5 and not stopped:  # later hosts leave out steps that follow fast
            stopped.append(step)
            client.interrupt()

    with pytest.raises(Interrupted):
        client.run(graph(long, Caching(preset="measure only")), stop_at_step_five)
    plain = client.run(graph(shot)).outputs
    measured = client.run(graph(shot, Caching(preset="measure only"))).outputs
    assert [run["end"] for run in trace_of(measured)["runs"]] == ["done"]
    assert np.array_equal(frames(client, plain), frames(client, measured))


def with_codebook(shot: Shot, text: str) -> Graph:
    work = graph(shot, EAGER)
    inputs = {"codebook": "my own text", "text": text, "made_for_steps": 0}
    work["codebook"] = {"class_type": "AdaCacheCodebook", "inputs": inputs}
    work["adacache"]["inputs"]["codebook"] = ["codebook", 0]
    return work


def frames(client: Client, outputs: dict[str, dict]) -> Video:
    return decode(map(client.fetch, outputs["frames"]["images"]))
