"""The traces of this process's runs, for the nodes and the browsers that ask; bounded, and gone with the process."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock
from typing import Any

from ...adacache import RunInfo, Trace
from . import comfy_server

log = logging.getLogger("adacache")

# A trace takes about a third of a kilobyte per evaluation; of a measured run, more with every step, up to 128 of them
# (`adacache/sampling/direction_increments.py`).
MOST_RUNS = 64
MOST_BYTES = 8 << 20


About = dict[str, str]
"""What the queue says of a run: "task" is the one that samples it, "workflow" the queued workflow's id, "title" that of
the sampler node; each may be missing."""


@dataclass(eq=False)
class Kept:
    """A run; `text` is its JSON, made once when it has ended, "" while it runs."""

    trace: Trace
    about: About
    text: str = ""

    @property
    def graph(self) -> tuple[str, str]:
        """The queued graph: its prompt id, which several may share, and its task."""
        return self.trace.info.prompt_id, self.about.get("task", "")

    def as_text(self) -> str:
        return self.text or as_text(self.trace, self.about)


def as_json(trace: Trace, about: About) -> dict[str, Any]:
    return trace.as_json() | ({"about": about} if about else {})


def as_text(trace: Trace, about: About | None = None) -> str:
    # ASCII, so that a character is a byte.
    return json.dumps(as_json(trace, about or {}), allow_nan=False, separators=(",", ":"), default=str)


def makers(node_id: str) -> set[str]:
    """A node and those that made it: one made while the graph runs is named after its maker, "10.0.0.5" by "10"."""
    parts = node_id.split(".")
    return {".".join(parts[:n]) for n in range(1, len(parts) + 1)}


class Runs:
    """The newest runs by their id, in the order in which they began.

    What exceeds the bounds goes, the oldest first; but never a run that goes on, nor the newest.
    """

    def __init__(self, most_runs: int = MOST_RUNS, most_bytes: int = MOST_BYTES) -> None:
        self.most_runs = most_runs
        self.most_bytes = most_bytes
        self._kept: dict[str, Kept] = {}
        self._lock = Lock()

    def open(self, trace: Trace, about: About | None = None) -> None:
        """Keep the trace of a run that begins; it grows while it is here."""
        with self._lock:
            self._kept[trace.info.run_id] = Kept(trace, about or {})
            self._trim()

    def close(self, trace: Trace, about: About | None = None) -> None:
        """Keep the trace of a run that ended, and log it in a line."""
        try:
            text = as_text(trace, about)
        except BaseException:
            with self._lock:  # or it would count as one that goes on, for good
                self._kept.pop(trace.info.run_id, None)
            raise
        with self._lock:
            self._kept.setdefault(trace.info.run_id, Kept(trace, about or {})).text = text
            self._trim()
        line = "; ".join(trace.summary().splitlines())
        log.log(logging.WARNING if trace.note else logging.INFO, "AdaCache: %s", line)

    def _trim(self) -> None:
        size = sum(len(kept.text) for kept in self._kept.values())
        for run_id in [run_id for run_id, kept in self._kept.items() if kept.text][:-1]:
            if len(self._kept) <= self.most_runs and size <= self.most_bytes:
                return
            size -= len(self._kept.pop(run_id).text)

    def ended(self) -> list[Trace]:
        """The runs that have ended, oldest first."""
        with self._lock:
            return [kept.trace for kept in self._kept.values() if kept.text]

    def goes_on(self, info: RunInfo) -> bool:
        """Whether a run of the same sampler node of the same queued graph goes on."""
        with self._lock:
            going = [kept.trace.info for kept in self._kept.values() if not kept.text]
        return (info.prompt_id, info.node_id) in [(one.prompt_id, one.node_id) for one in going]

    def texts(self, limit: int, since: str = "") -> list[str]:
        """The newest runs as JSON, newest last.

        Args:
            limit: how many at most.
            since: only runs that began after the one of this id; all where it is not kept.
        """
        with self._lock:
            ids = list(self._kept)
            later = ids[ids.index(since) + 1 :] if since in self._kept else ids
            kept = [self._kept[run_id] for run_id in later[-limit:]]
        texts: list[str] = []
        for one in reversed(kept):
            texts.insert(0, one.as_text())
            if sum(map(len, texts)) > self.most_bytes:
                return texts[1:]
        return texts

    def get(self, run_id: str) -> Kept | None:
        """One run, or None where it is not kept."""
        with self._lock:
            return self._kept.get(run_id)

    def find(self, handle: str, prompt_id: str = "", node_ids: Collection[str] | None = None) -> list[Trace]:
        """A patched model's ended runs, in the order in which they ran: of each sampler those of the graph that asks,
        else of the last graph that made any, since the host serves an unchanged sampler from its cache.

        Args:
            handle: what the patch node gave out.
            prompt_id: the graph that asks.
            node_ids: only runs of these sampler nodes; None for those of any, taken as one.
        """
        task, _, _ = comfy_server.queued(prompt_id)
        with self._lock:
            mine = [kept for kept in self._kept.values() if kept.text and kept.trace.info.handle == handle]
        samplers: dict[str, list[Kept]] = {}
        for kept in mine:
            node_id = kept.trace.info.node_id
            if node_ids is None:
                samplers.setdefault("", []).append(kept)
            elif not makers(node_id).isdisjoint(node_ids):
                samplers.setdefault(node_id, []).append(kept)
        found = [one for runs in samplers.values() for one in _of_graph(runs, (prompt_id, task))]
        return [kept.trace for kept in mine if kept in found]


def _of_graph(runs: list[Kept], graph: tuple[str, str]) -> list[Kept]:
    """Those of a queued graph; of the last one that has any, where it has none."""
    here = [kept for kept in runs if kept.graph == graph]
    return here or [kept for kept in runs if kept.graph == runs[-1].graph]


RUNS = Runs()
"""Of this process."""
