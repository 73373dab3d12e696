"""A run in another process, told as if it were made here: over a connection of this machine's own.

A worker asks first whether its run is wanted: it keeps a patched model for as long as it lives, but the graph that
runs now may have AdaCache bypassed, or may take another model than the one that the worker has. Then it tells of every
step. Each line is answered, so that a node behind the sampler finds the run complete.
"""

from __future__ import annotations

import json
import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, NamedTuple

from ...adacache import Record, Trace
from ...adacache.trace.record import records_from_json
from .events import Feed

log = logging.getLogger("adacache")

PATIENCE = 20.0  # seconds that a worker waits for an answer


class Address(NamedTuple):
    """Where a Desk is, and what to show there; it goes to workers only."""

    host: str
    port: int
    key: str


class Place(NamedTuple):
    """The sampler node whose run this is, and why it must not be cached, or ""."""

    prompt_id: str = ""
    node_id: str = ""
    refusal: str = ""


Where = Callable[[str], Place | None]
"""What runs now, for the id of the node that patched a worker's model; None where that node has no part in it."""


class WorkerFeed(Feed):
    """Tells the Desk of one run; in the worker.

    Args:
        node_id: the node that patched the worker's model.
    """

    def __init__(self, run_id: str, address: Address, node_id: str) -> None:
        super().__init__(run_id)
        self._address, self._node_id = address, node_id
        self._lines: Any = None

    def opened(self, trace: Trace) -> str:
        try:
            place = (self._address.host, self._address.port)
            self._lines = socket.create_connection(place, PATIENCE).makefile("rwb")
            self._lines.write(self._address.key.encode() + b"\n")
            answer = self._tell({"node_id": self._node_id, "run": trace.as_json()})
        except (OSError, ValueError) as error:
            log.warning("AdaCache: ComfyUI could not be asked whether it is in the graph; nothing is cached: %s", error)
            return str(error)
        if answer is None:
            self._lines = None
            return "AdaCache is not in this graph"
        return str(answer)

    def step(self, record: Record) -> None:
        self._safely(lambda: self._tell({"record": record.as_json()}), logging.WARNING)

    def closed(self, trace: Trace) -> None:
        self._safely(lambda: self._tell({"run": trace.as_json()}), logging.WARNING)
        self._lines = None

    def _tell(self, what: dict[str, Any]) -> Any:
        """What is answered; None where nobody listens."""
        if (lines := self._lines) is None:
            return None
        self._lines = None  # where this fails, once is enough to wait in vain
        lines.write(json.dumps(what).encode() + b"\n")
        lines.flush()
        answer = json.loads(lines.readline())
        self._lines = lines
        return answer


class Desk:
    """Takes what workers tell, in the process that has the graph; listens to this machine only.

    Args:
        where: asked once per run.
    """

    def __init__(self, where: Where) -> None:
        self.key = secrets.token_hex(32)
        self.where = where
        desk = self

        class Talk(StreamRequestHandler):
            def handle(self) -> None:
                desk.talk(self.rfile, self.wfile)

        self._server = ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, name="adacache-desk", daemon=True).start()

    @property
    def address(self) -> Address:
        host, port = self._server.server_address[:2]
        return Address(str(host), port, self.key)

    def talk(self, lines: Any, answers: Any) -> None:
        """One worker's run, from its first line to its last: told on as if it were made here."""
        if not secrets.compare_digest(lines.readline(len(self.key) + 1).strip(), self.key.encode()):
            return
        trace: Trace | None = None
        try:
            for line in lines:
                told, answer = json.loads(line), ""
                if trace is None:
                    if (found := self.where(told["node_id"])) is None:
                        answers.write(b"null\n")
                        return
                    place, answer = found, found.refusal
                    opened = placed(Trace.from_json(told["run"]), place)
                    feed = Feed(opened.info.run_id)
                    feed.opened(opened)
                    trace = opened
                elif "record" in told:
                    trace.records += records_from_json([told["record"]])
                    feed.step(trace.records[-1])
                else:
                    vars(trace).update(vars(placed(Trace.from_json(told["run"]), place)))  # others have it already
                    feed.closed(trace)
                answers.write(json.dumps(answer).encode() + b"\n")
                answers.flush()
        except Exception:
            log.exception("AdaCache does not understand what a worker tells")
        finally:
            if trace is not None and not trace.end:
                trace.end, trace.end_detail = "failed", "the worker that sampled it has ended"
                feed.closed(trace)


def placed(trace: Trace, place: Place) -> Trace:
    """A worker's run, as one of the sampler node that waits for it."""
    trace.info = replace(trace.info, prompt_id=place.prompt_id, node_id=place.node_id)
    return trace
