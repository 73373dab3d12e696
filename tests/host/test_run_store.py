"""The kept runs are bounded by number and by bytes, and the routes answer only what they document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from comfy_execution.utils import CurrentNodeContext
from multidict import MultiDict


@pytest.fixture
def runs(pack_module: Callable[[str], ModuleType]) -> ModuleType:
    return pack_module("nodes.server.run_store")


@pytest.fixture
def trace(pack_module: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """A trace by its id, with as many evaluations as wished."""
    engine = pack_module("adacache")

    def make(run_id: str, records: int = 1, end: str = "done") -> Any:
        info = engine.RunInfo(run_id=run_id, handle="h", prompt_id="p", node_id="7")
        made = engine.Trace(info, records, engine.Settings().as_json(), "1.00:1", end=end)
        made.records = [engine.Record(n, n, 0.5, True, engine.Reason.FIRST) for n in range(1, records + 1)]
        return made

    return make


@pytest.fixture
def routes(runs: ModuleType, pack_module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The routes over an empty store."""
    module = pack_module("nodes.server.routes")
    monkeypatch.setattr(module, "RUNS", runs.Runs())
    return module


def kept(store: Any) -> list[str]:
    return [json.loads(text)["info"]["run_id"] for text in store.texts(64)]


def add(store: Any, trace: Any) -> None:
    store.open(trace)
    store.close(trace)


def test_ids_that_clients_choose_are_cut(pack_module):
    """A run is told and kept with its ids, so they must not be of any length."""
    with CurrentNodeContext("p" * 5000, "n" * 5000):
        assert pack_module("nodes.server.comfy_server").executing() == ("p" * 200, "n" * 200)


def test_bounded_by_number(runs, trace):
    """Of more runs than are kept the oldest go."""
    store = runs.Runs(most_runs=3)
    for n in range(10):
        add(store, trace(f"r{n}"))
    assert kept(store) == ["r7", "r8", "r9"]
    assert store.get("r0") is None and len(store.ended()) == 3


def test_bounded_by_bytes(runs, trace):
    """Runs of more bytes than are kept go too, and what is left fits."""
    size = len(runs.as_text(trace("r0", 100)))
    store = runs.Runs(most_bytes=3 * size + size // 2)
    for n in range(8):
        add(store, trace(f"r{n}", 100))
    assert kept(store) == ["r5", "r6", "r7"]
    assert sum(map(len, store.texts(64))) <= store.most_bytes


def test_ten_thousand_evaluations_are_bounded(runs, trace):
    """A hundred runs of a hundred evaluations leave no more than the bounds allow."""
    store = runs.Runs(most_bytes=1 << 20)
    for n in range(100):
        add(store, trace(f"r{n}", 100))
    assert sum(map(len, store.texts(64))) <= 1 << 20 and len(store.ended()) <= 64
    assert kept(store)[-1] == "r99"


def test_a_run_that_goes_on_stays(runs, trace):
    """However many runs end meanwhile, the one that goes on is listed, with what it has so far."""
    store, running = runs.Runs(most_runs=3), trace("long", 2, end="")
    store.open(running)
    for n in range(10):
        add(store, trace(f"r{n}"))
    assert kept(store) == ["long", "r8", "r9"]
    assert running not in store.ended()
    running.records.pop()
    told = json.loads(store.get("long").as_text())
    assert len(told["records"]) == 1 and told["end"] == ""


def test_the_newest_run_stays_for_its_nodes(runs, trace):
    """A run larger than all that is kept is there for Cache Stats, though it is not listed."""
    store = runs.Runs(most_bytes=2000)
    add(store, trace("small"))
    add(store, trace("huge", 500))
    assert [t.info.run_id for t in store.find("h")] == ["huge"]
    assert store.texts(64) == []


def test_a_list_is_bounded_by_bytes_with_a_run_that_goes_on(runs, trace):
    """The newest runs that fit are listed."""
    store = runs.Runs(most_bytes=len(runs.as_text(trace("r0", 100))) + 1000)
    add(store, trace("r0", 100))
    store.open(trace("r1", 100, end=""))
    assert kept(store) == ["r1"]


def test_find_leaves_out_a_run_that_goes_on(runs, trace):
    """Cache Stats reads runs that have ended."""
    store = runs.Runs()
    store.open(trace("r0", end=""))
    assert store.find("h") == []
    add(store, trace("r1"))
    assert [t.info.run_id for t in store.find("h", "p", {"7"})] == ["r1"]


def test_find_takes_a_cached_samplers_last_run(runs, trace):
    """Of two samplers of one model, the host served one from its cache: both count, each with its newest runs."""
    store = runs.Runs()
    for run_id, prompt, node in (("a1", "p1", "7"), ("b1", "p1", "8.0.0.5"), ("b2", "p2", "8.0.0.5"), ("c", "p1", "9")):
        one = trace(run_id)
        one.info = replace(one.info, prompt_id=prompt, node_id=node)
        add(store, one)
    assert [t.info.run_id for t in store.find("h", "p2", {"7", "8"})] == ["a1", "b2"]
    assert [t.info.run_id for t in store.find("h", "p3", {"7", "8"})] == ["a1", "b2"]
    assert [t.info.run_id for t in store.find("h", "p1", {"7", "8"})] == ["a1", "b1"]
    assert [t.info.run_id for t in store.find("h", "p2")] == ["b2"]
    assert store.find("h", "p2", {"6"}) == store.find("g", "p2") == []


def test_graphs_with_one_prompt_id_are_told_apart(runs, trace, monkeypatch):
    """A client may give several graphs one id; the queue's task says which of them a run is of, and which one asks."""
    store = runs.Runs()
    for run_id, task, node in (("a1", "7", "7"), ("b1", "7", "8"), ("a2", "8", "7"), ("a3", "8", "7")):
        one = trace(run_id)
        one.info = replace(one.info, node_id=node)
        store.open(one, {"task": task})
        store.close(one, {"task": task})
    for task, found in (("7", ["a1", "b1"]), ("8", ["b1", "a2", "a3"]), ("9", ["b1", "a2", "a3"])):
        monkeypatch.setattr(runs.comfy_server, "queued", lambda _, task=task: (task, {}, {}))
        assert [t.info.run_id for t in store.find("h", "p", {"7", "8"})] == found
    assert [t.info.run_id for t in store.find("h", "p")] == ["a2", "a3"]


def test_a_run_that_cannot_be_told_does_not_stay(runs, trace, monkeypatch):
    store = runs.Runs()
    one = trace("r0")
    store.open(one)
    monkeypatch.setattr(runs, "as_text", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.close(one)
    assert store.get("r0") is None


def test_list(routes, trace):
    """The list is versioned, newest last; `limit` keeps the newest, `since` those after a run."""
    for n in range(5):
        add(routes.RUNS, trace(f"r{n}"))

    def ids(**query: str) -> list[str]:
        answer = json.loads(routes.list_runs(MultiDict(query)))
        assert answer["version"] == 1
        return [run["info"]["run_id"] for run in answer["runs"]]

    assert ids() == ["r0", "r1", "r2", "r3", "r4"]
    assert ids(limit="2") == ["r3", "r4"]
    assert ids(since="r2") == ["r3", "r4"]
    assert ids(since="r1", limit="1") == ["r4"]
    assert ids(since="r4") == []
    assert ids(since="of-another-server") == ids()


def test_one(routes, trace):
    """A run by its id, whole."""
    one = trace("r0", 3)
    add(routes.RUNS, one)
    assert json.loads(routes.one_run("r0", MultiDict())) == {
        "version": 1,
        "run": json.loads(json.dumps(one.as_json())),
    }


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ([("limit", "0")], "limit: allowed is a whole number from 1 to 64"),
        ([("limit", "65")], "limit"),
        ([("limit", "-1")], "limit"),
        ([("limit", "1.5")], "limit"),
        ([("limit", "")], "limit"),
        ([("limit", "9" * 5000)], "limit"),
        ([("limit", "\u0661")], "limit"),
        ([("since", "")], "since: allowed are 1 to 64"),
        ([("since", "a" * 65)], "since"),
        ([("since", "../../etc")], "since"),
        ([("since", "r0\n")], "since"),
        ([("colour", "red")], "unknown query; allowed: since, limit"),
        ([("limit", "1"), ("limit", "2")], "twice"),
    ],
)
def test_bad_queries(routes, query, says):
    """Whatever is not documented is refused with status 400 and what is allowed."""
    with pytest.raises(routes.Refusal, match=says) as refusal:
        routes.list_runs(MultiDict(query))
    assert refusal.value.status == 400 and len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("run_id", "query", "status"),
    [("a" * 65, {}, 400), ("a b", {}, 400), ("r1", {}, 404), ("r0", {"limit": "1"}, 400)],
)
def test_bad_single_requests(routes, trace, run_id, query, status):
    """So it is for a single run; one that is not kept is a 404."""
    add(routes.RUNS, trace("r0"))
    with pytest.raises(routes.Refusal) as refusal:
        routes.one_run(run_id, MultiDict(query))
    assert refusal.value.status == status


def test_a_run_too_large_to_send(routes, trace):
    """What exceeds the bound is refused with its size."""
    routes.RUNS.most_bytes = 2000
    add(routes.RUNS, trace("huge", 500))
    with pytest.raises(routes.Refusal, match="more than 2000") as refusal:
        routes.one_run("huge", MultiDict())
    assert refusal.value.status == 413


def test_routes_are_registered_once(routes, pack_module, monkeypatch):
    """Registering again, as a reload of the pack does, adds nothing; without a server nothing happens."""
    from aiohttp import web

    table, comfy_server = web.RouteTableDef(), pack_module("nodes.server.comfy_server")
    monkeypatch.setattr(comfy_server, "server_routes", lambda: table)
    routes.register()
    routes.register()
    paths = ["/adacache/runs", "/adacache/runs/{run_id}", "/adacache/runs/{run_id}/calibration"]
    assert [route.path for route in table] == paths
    monkeypatch.setattr(comfy_server, "server_routes", lambda: None)
    routes.register()
