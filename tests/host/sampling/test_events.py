"""What the client that queued a run hears of it; the server is a stand-in here, tests/server has the real one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch


class Server:
    """Notes what is sent, as JSON, and to whom."""

    def __init__(self, client_id: str | None) -> None:
        self.client_id = client_id
        self.sent: list[tuple[str, dict, str | None]] = []

    def send_sync(self, event: str, data: dict, sid: str | None = None) -> None:
        self.sent.append((event, json.loads(json.dumps(data, allow_nan=False)), sid))

    @property
    def ours(self) -> list[tuple[str, dict, str | None]]:
        return [message for message in self.sent if message[0].startswith("adacache.")]

    def runs(self) -> list[dict]:
        return [data["run"] for event, data, _ in self.ours if event == "adacache.run"]

    def records(self) -> list[dict]:
        return [data["record"] for event, data, _ in self.ours if event == "adacache.step"]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    def start(client_id: str | None = "tab-1", kind: type[Server] = Server) -> Server:
        server = kind(client_id)
        module = SimpleNamespace(PromptServer=SimpleNamespace(instance=server))
        monkeypatch.setitem(sys.modules, "server", module)
        return server

    return start


@pytest.fixture
def kept(pack_module):
    return pack_module("nodes.server.run_store").RUNS


def test_a_run_is_told_from_its_beginning_to_its_end(wan, sample, loose, serve):
    """First the run without records, then a message per evaluation in order, then the run whole."""
    server, patched = serve(), loose(wan())
    sample(patched.model, steps=16)
    (run,) = patched.runs()
    assert [event for event, _, _ in server.ours] == ["adacache.run", *["adacache.step"] * 16, "adacache.run"]
    assert {sid for _, _, sid in server.ours} == {"tab-1"}
    assert {data["version"] for _, data, _ in server.ours} == {1}
    opened, closed = server.runs()
    assert (opened["records"], opened["end"]) == ([], "")
    assert opened["info"] == closed["info"] and opened["info"]["run_id"] == run.info.run_id
    assert closed == json.loads(json.dumps(run.as_json())) and closed["end"] == "done"
    assert server.records() == closed["records"]
    assert {d["run_id"] for e, d, _ in server.ours if e == "adacache.step"} == {run.info.run_id}
    assert sum(not record["computed"] for record in server.records()) == run.reused > 0


def test_messages_are_small(wan, sample, patch, loose, serve):
    """One evaluation is told in less than half a kilobyte, also where each is compared with all before it."""
    for patched, steps in ((loose(wan(), moreg={"norm": 0.3}), 12), (patch(wan(), preset="measure only"), 40)):
        server = serve()
        sample(patched.model, steps=steps)
        told = [data for event, data, _ in server.ours if event == "adacache.step"]
        assert len(told) == steps and max(len(json.dumps(data)) for data in told) < 512
    assert len(server.runs()[-1]["records"][-1]["turns"]) == 39


def test_the_client_is_not_in_the_trace(wan, sample, loose, serve):
    """A trace that is shared does not say whose browser made it."""
    server, patched = serve("tab-secret"), loose(wan())
    sample(patched.model)
    assert {data["client"] for event, data, _ in server.ours if event == "adacache.run"} == {"tab-secret"}
    assert all("tab-secret" not in json.dumps(run) for run in server.runs())


def test_the_run_stays_with_the_client_that_queued_it(wan, sample, loose, serve):
    """A client that comes later, while it runs, gets none of its events."""
    server, patched = serve("tab-1"), loose(wan())

    def another_client(step: int) -> None:
        server.client_id = "tab-2"

    sample(patched.model, callback=another_client)
    assert {sid for _, _, sid in server.ours} == {"tab-1"}


def test_without_a_client_nobody_is_told(wan, sample, loose, serve):
    """A graph that was queued without a client sends nothing, to all least; its run is kept all the same."""
    server, patched = serve(None), loose(wan())
    sample(patched.model)
    assert server.ours == [] and len(patched.runs()) == 1


def test_a_server_that_fails_does_not_disturb_the_run(wan, sample, loose, serve):
    """An event that cannot be sent changes nothing in the result, and the trace is whole."""

    class Broken(Server):
        def send_sync(self, *args):
            raise RuntimeError("the loop is closed")

    expected = sample(loose(wan()).model)
    serve(kind=Broken)
    patched = loose(wan())
    assert torch.equal(sample(patched.model), expected)
    (run,) = patched.runs()
    assert len(run.records) == 12 and run.end == "done" and run.note == ""


def test_where_messages_pile_up_steps_are_left_out(wan, sample, loose, serve):
    """A client that does not read holds up all others; we add two messages a run, and the last has everything."""
    server, patched = serve(), loose(wan())
    server.messages = SimpleNamespace(qsize=lambda: 1000)
    sample(patched.model)
    assert [event for event, _, _ in server.ours] == ["adacache.run", "adacache.run"]
    assert len(server.runs()[-1]["records"]) == len(patched.runs()[0].records) == 12


def test_a_cancelled_run_is_told_as_such(wan, sample, loose, serve, host):
    """The last message says that the run was cancelled, and has what was done until then."""
    server = serve()

    def cancel(step: int) -> None:
        if step == 6:
            host.model_management.interrupt_current_processing()

    with pytest.raises(host.model_management.InterruptProcessingException):
        sample(loose(wan()).model, steps=16, callback=cancel)
    assert (server.runs()[-1]["end"], len(server.runs()[-1]["records"])) == ("cancelled", 7)
    assert len(server.records()) == 7


def test_the_end_corrects_the_steps(wan, sample, loose, serve):
    """Of a sampler with two evaluations per step each is told, and the last message has the right steps."""
    server, patched = serve(), loose(wan())
    sample(patched.model, steps=10, sampler="heun")
    assert len(server.records()) == 19
    assert [r["evaluation"] for r in server.records()] == list(range(1, 20))
    assert [r["step"] for r in server.runs()[-1]["records"]] == [r.step for r in patched.runs()[0].records]


def test_two_samplings_are_told_apart(wan, sample, loose, serve):
    """Each run's messages carry its own id."""
    server, patched = serve(), loose(wan())
    sample(patched.model, seed=1)
    sample(patched.model, seed=2)
    ids = [run["info"]["run_id"] for run in server.runs()]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert [d["run_id"] for e, d, _ in server.ours if e == "adacache.step"] == [ids[0]] * 12 + [ids[2]] * 12


def test_a_run_can_be_asked_for_while_it_goes_on(wan, sample, loose, kept):
    """Who joins in mid-run finds the run with the evaluations so far."""
    seen = []

    def ask(step: int) -> None:
        if step == 5:
            seen.append(json.loads(kept.texts(1)[0]))

    patched = loose(wan())
    sample(patched.model, callback=ask)
    (run,) = patched.runs()
    assert seen[0]["info"]["run_id"] == run.info.run_id
    assert (len(seen[0]["records"]), seen[0]["end"], seen[0]["derived"]["locked"]) == (5, "", "")
    assert json.loads(kept.get(run.info.run_id).as_text())["end"] == "done"
