"""What browsers hear of a run while it goes on: websocket events to the client that queued it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ...adacache import Record, RunInfo, Trace
from . import comfy_server
from .run_store import RUNS, About, as_json

log = logging.getLogger("adacache")

VERSION = 1
"""Of the events and of the routes' answers."""

LONGEST_ABOUT = 200  # characters of what a graph says about itself


class Feed:
    """Tells of one run: `adacache.run` when it begins and when it has ended, `adacache.step` in between.

    Whatever else goes wrong in here is logged and forgotten: the run must not notice.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        # Read once: the next graph in the queue may be another client's.
        self.client = comfy_server.queueing_client()
        self.about: About = {}

    def opened(self, trace: Trace) -> str:
        """The run begins. Gives why it must not be cached, or ""."""
        self._safely(lambda: self.about.update(about(trace.info)))
        self._safely(lambda: RUNS.open(trace, self.about), logging.ERROR)
        self._send("adacache.run", lambda: {"client": self.client, "run": as_json(trace, self.about)})
        return ""

    def step(self, record: Record) -> None:
        """An evaluation is done; the number of its step may still be corrected when the run ends."""
        if comfy_server.is_held_up():  # the closing event has all steps, and a page that misses some asks
            return
        # It has the products of the directions, too, which grow with every step.
        self._send("adacache.step", lambda: {"run_id": self.run_id, "record": {**record.as_json(), "turns": None}})

    def closed(self, trace: Trace) -> None:
        """The run has ended, however it did; what cannot be kept is raised, since a run must not stay open."""
        RUNS.close(trace, self.about)
        self._send("adacache.run", lambda: {"client": self.client, "run": as_json(trace, self.about)})

    def _send(self, event: str, data: Callable[[], dict[str, Any]]) -> None:
        # Without a client there is nobody to tell; None would tell everyone.
        if client := self.client:
            self._safely(lambda: comfy_server.send(event, {"version": VERSION, **data()}, client))

    def _safely(self, ours: Callable[[], object], level: int = logging.DEBUG) -> None:
        try:
            ours()
        except Exception:
            log.log(level, "AdaCache could not tell of a run; the run goes on", exc_info=True)


def about(info: RunInfo) -> About:
    """The queue's task that samples a run, its workflow and the title of its sampler, as the queued graph has them.

    Nodes of two workflows may have the same ids; an editor that has both open must not mix their runs.
    """
    task, nodes, extra = comfy_server.queued(info.prompt_id)
    # A node made while the graph runs is named after the one that made it: "10.0.0.5" by "10".
    node = nodes.get(info.node_id) or nodes.get(info.node_id.partition(".")[0]) or {}
    workflow = (extra.get("extra_pnginfo") or {}).get("workflow") or {}
    texts = {"task": task, "workflow": workflow.get("id"), "title": (node.get("_meta") or {}).get("title")}
    return {name: text[:LONGEST_ABOUT] for name, text in texts.items() if text and isinstance(text, str)}
