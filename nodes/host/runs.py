"""The traces of past runs, kept for the nodes that read them; bounded, and gone with the process."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection
from threading import Lock

from ...adacache import Trace

log = logging.getLogger("adacache")

# A trace of 1,000 steps takes about half a megabyte.
KEPT = 64

_traces: deque[Trace] = deque(maxlen=KEPT)
_lock = Lock()


def publish(trace: Trace) -> None:
    """Keep the trace of a run that ended, and log it in one line."""
    with _lock:
        _traces.append(trace)
    headline, *details = trace.summary().splitlines()
    log.log(logging.WARNING if trace.note else logging.INFO, "AdaCache: %s", "; ".join([headline, *details]))


def find(handle: str, prompt_id: str = "", node_ids: Collection[str] | None = None) -> list[Trace]:
    """The newest queued graph's runs of a patched model, in the order in which they ran.

    Args:
        handle: what the patch node gave out.
        prompt_id: the graph that asks; its own runs are preferred, else those of the last graph that made any,
            since the host serves an unchanged sampler from its cache.
        node_ids: only runs of these sampler nodes; None for any.
    """
    with _lock:
        mine = [t for t in _traces if t.info.handle == handle]
    if node_ids is not None:
        # A node made while the graph runs is named after the one that made it: "10.0.0.5" by "10".
        mine = [t for t in mine if t.info.node_id.partition(".")[0] in node_ids or t.info.node_id in node_ids]
    here = [t for t in mine if t.info.prompt_id == prompt_id]
    return here or [t for t in mine if t.info.prompt_id == mine[-1].info.prompt_id] if mine else []
