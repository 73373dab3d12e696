"""What browsers hear and can ask: events to the client that queued the graph, and the routes to the kept runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from listening import Listener, ask

from demo.client import Interrupted, Refused
from demo.workflow import Caching, Shot, graph

EAGER = Caching(sensitivity=0.2)  # reuses steps whatever the network


@pytest.fixture
def listener(server: str) -> Iterator[Listener]:
    with Listener(server) as listener:
        yield listener


def traced(run: dict[str, Any]) -> dict[str, Any]:
    """A run as Cache Stats has it."""
    return {name: value for name, value in run.items() if name != "about"}


def stats(outputs: dict[str, dict]) -> dict[str, Any]:
    (run,) = json.loads(outputs["trace"]["text"][0])["runs"]
    return run


def test_the_client_that_queued_hears_every_evaluation(listener: Listener, server: str, shot: Shot):
    """Run, a step each, run, in this order; the counts are those of Cache Stats and of the routes."""
    run = stats(listener.run(graph(shot, EAGER)).outputs)
    assert [kind for kind, _ in listener.heard] == [
        "adacache.run",
        *["adacache.step"] * shot.steps,
        "adacache.run",
    ]
    opened, closed = listener.told("adacache.run")
    assert opened["run"]["records"] == [] and opened["run"]["end"] == ""
    assert traced(closed["run"]) == run and closed["client"] == listener.id and closed["version"] == 1
    records = [data["record"] for data in listener.told("adacache.step")]
    assert records == run["records"]
    assert sum(not record["computed"] for record in records) == run["derived"]["reused"] > 0
    assert run["info"]["node_id"] == "sampler"
    run_id = run["info"]["run_id"]
    assert ask(server, f"/adacache/runs/{run_id}") == (200, {"version": 1, "run": closed["run"]})
    assert ask(server, "/api/adacache/runs?limit=1") == (200, {"version": 1, "runs": [closed["run"]]})
    assert ask(server, f"/adacache/runs?since={run_id}") == (200, {"version": 1, "runs": []})


def test_another_client_hears_nothing_of_it(listener: Listener, server: str, shot: Shot):
    """Two browser tabs queue at once, graphs of equal node ids: each hears its own run alone, and can ask for both."""
    with Listener(server) as other:
        mine = listener.queue(graph(shot, EAGER))
        theirs = other.queue(graph(replace(shot, seed=shot.seed + 1), EAGER))
        mine, theirs = stats(listener.follow(mine).outputs), stats(other.follow(theirs).outputs)
    for tab, run in ((listener, mine), (other, theirs)):
        assert {data["run"]["info"]["run_id"] for data in tab.told("adacache.run")} == {run["info"]["run_id"]}
        assert len(tab.told("adacache.step")) == shot.steps
    kept = [run["info"]["run_id"] for run in ask(server, "/adacache/runs")[1]["runs"]]
    assert kept[-2:] == [mine["info"]["run_id"], theirs["info"]["run_id"]]


def test_who_joins_in_mid_run_finds_it(listener: Listener, server: str, shot: Shot):
    """A run that goes on is listed with its evaluations so far; cancelled, it is marked so."""
    found = []

    def join(node: str, step: int) -> None:
        if node == "sampler" and step >= 5 and not found:  # later hosts leave out steps that follow fast
            found.append(ask(server, "/adacache/runs?limit=1")[1]["runs"][0])
            listener.interrupt()

    with pytest.raises(Interrupted):
        listener.run(graph(replace(shot, steps=200), Caching(preset="measure only")), join)
    assert found[0]["end"] == "" and found[0]["steps"] == 200 and 4 <= len(found[0]["records"]) < 200
    assert listener.told("adacache.run")[-1]["run"]["end"] == "cancelled"
    _, answer = ask(server, f"/adacache/runs/{found[0]['info']['run_id']}")
    assert answer["run"]["end"] == "cancelled"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("?limit=65", 400),
        ("?limit=two", 400),
        ("?limit=1&limit=2", 400),
        ("?since=" + "a" * 65, 400),
        ("?since=%2e%2e%2f", 400),
        ("?colour=red", 400),
        ("/" + "a" * 65, 400),
        ("/a%20b", 400),
        ("/0123?limit=1", 400),
        ("/0123", 404),
    ],
)
def test_bad_requests_have_a_reason(server: str, path: str, status: int):
    """What is not documented is refused, as JSON."""
    code, answer = ask(server, f"/adacache/runs{path}")
    assert code == status
    assert set(answer) == {"error"} and answer["error"]


def test_a_schedule_is_locked_by_a_link(listener: Listener, shot: Shot):
    """Cache Stats of a draft feeds the locked_schedule of another sampler's model in the same graph."""
    work = graph(shot, EAGER)
    final = {"patch": "adacache", "sample": "sampler", "tell": "stats", "show": "trace"}
    for name, source in final.items():
        work[name] = {**work[source], "inputs": dict(work[source]["inputs"])}
    work["patch"]["inputs"]["locked_schedule"] = ["stats", 7]
    work["sample"]["inputs"] |= {"model": ["patch", 0], "seed": shot.seed + 9}
    work["tell"]["inputs"] |= {"handle": ["patch", 1], "value": ["sample", 0]}
    work["show"]["inputs"]["source"] = ["tell", 5]
    outputs = listener.run(work).outputs
    draft, locked = stats(outputs), stats({"trace": outputs["show"]})
    assert locked["settings"]["locked"] == draft["derived"]["locked"] == locked["derived"]["locked"]
    assert [r["computed"] for r in locked["records"]] == [r["computed"] for r in draft["records"]]
    assert {r["reason"] for r in locked["records"]} == {"locked", "reused"}


def test_a_bad_schedule_is_refused_before_it_runs(listener: Listener, shot: Shot):
    """The graph is not queued, and the answer names node, field, position and what is allowed."""
    work = graph(shot, EAGER)
    work["adacache"]["inputs"]["locked_schedule"] = "12 steps: 1 2 13"
    with pytest.raises(Refused) as refused:
        listener.queue(work)
    (error,) = refused.value.answer["node_errors"]["adacache"]["errors"]  # not of start_percent, too
    details = error["details"]
    assert error["extra_info"]["input_name"] == "locked_schedule"
    assert 'AdaCache Patch Model: locked_schedule: entry 3 at character 15 is "13"' in details
    assert "allowed: 1 to 12" in details


def test_a_run_tells_its_workflow_and_the_title_of_its_sampler(listener: Listener, server: str, shot: Shot):
    """Two open workflows may have nodes of equal ids; what a graph says about itself is bounded."""
    work = graph(shot, EAGER)
    work["sampler"]["_meta"] = {"title": "High noise " + "x" * 1000}
    request = {"prompt": work, "client_id": listener.id, "extra_data": {"extra_pnginfo": {"workflow": {"id": "abc-1"}}}}
    listener.follow(listener._post("/prompt", request)["prompt_id"])
    for run in (listener.told("adacache.run")[0]["run"], ask(server, "/adacache/runs?limit=1")[1]["runs"][0]):
        assert run["about"]["workflow"] == "abc-1"
        assert run["about"]["title"].startswith("High noise x") and len(run["about"]["title"]) == 200
