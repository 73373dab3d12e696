"""The routes by which browsers ask for the kept runs, after a reload for example.

    GET /adacache/runs             {"version": 1, "runs": [...]}, newest last, with the run that goes on
        ?limit=1..64               the newest so many
        ?since=<run id>            only runs that began after that one; all where it is not kept
    GET /adacache/runs/<run id>    {"version": 1, "run": {...}}
    GET /adacache/runs/<run id>/calibration    {"version": 1, "calibration": {...}, "text": "..."}, of a measured run
        ?target=<kind>             one of the targets of AdaCache Calibrate; without it, the speed-up
        ?amount=<number>           how much of it; without it, 2

A calibration's "text" is what AdaCache Load Calibration takes.

A run is its trace with "about": {"task": "...", "workflow": "...", "title": "..."}, the queue's task that sampled it,
the queued workflow's id and the title of the sampler node, where they are known. Anything else is answered with a
status from 400 to 499 and {"error": "..."}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...adacache import CalibrationError, Target, propose
from ...adacache.calibration.result import SPEED_UP
from ..host import samplers
from . import comfy_server
from .events import VERSION
from .run_store import MOST_RUNS, RUNS, Kept

PATH = "/adacache/runs"
LONGEST_ID = 64
MOST_CALIBRATED = 200  # steps
GONE = "this run is not kept: the server was started anew, or newer runs took its place"


class Refusal(ValueError):
    """A request that is answered with a status and a reason."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


def register() -> None:
    """Add the routes to the host's server, once; nothing happens where there is none."""
    routes = comfy_server.server_routes()
    if routes is None or any(getattr(route, "path", "") == PATH for route in routes):
        return
    routes.get(PATH)(_answering(lambda request: list_runs(request.query)))
    routes.get(f"{PATH}/{{run_id}}")(_answering(lambda request: one_run(request.match_info["run_id"], request.query)))
    routes.get(f"{PATH}/{{run_id}}/calibration")(
        _answering(lambda request: one_calibration(request.match_info["run_id"], request.query))
    )


def list_runs(query: Mapping[str, str]) -> str:
    """The answer to `GET /adacache/runs`. Raises: Refusal."""
    _check_names(query, ("since", "limit"))
    since, limit = query.get("since", ""), query.get("limit", str(MOST_RUNS))
    if "since" in query:
        _check_id("since", since)
    if not re.fullmatch(r"[0-9]{1,2}", limit, re.ASCII) or not 1 <= int(limit) <= MOST_RUNS:
        raise Refusal(f"limit: allowed is a whole number from 1 to {MOST_RUNS}")
    return f'{{"version":{VERSION},"runs":[{",".join(RUNS.texts(int(limit), since))}]}}'


def one_run(run_id: str, query: Mapping[str, str]) -> str:
    """The answer to `GET /adacache/runs/<run id>`. Raises: Refusal."""
    _check_names(query, ())
    text = _kept(run_id).as_text()
    if len(text) > RUNS.most_bytes:
        raise Refusal(f"this run takes {len(text)} bytes, more than {RUNS.most_bytes}", 413)
    return f'{{"version":{VERSION},"run":{text}}}'


def one_calibration(run_id: str, query: Mapping[str, str]) -> str:
    """The answer to `GET /adacache/runs/<run id>/calibration`. Raises: Refusal."""
    _check_names(query, ("target", "amount"))
    amount = query.get("amount", "2")
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4})?", amount, re.ASCII):
        raise Refusal("amount: allowed is a number such as 2 or 2.5")
    trace = _kept(run_id).trace
    if trace.steps > MOST_CALIBRATED:  # the server answers nobody else meanwhile
        raise Refusal(f"the run has {trace.steps} steps; allowed here: up to {MOST_CALIBRATED}", 413)
    try:
        target = Target(query.get("target", SPEED_UP), float(amount))
        found = propose([trace], target, sums_history=samplers.sums_history)
    except CalibrationError as error:
        raise Refusal(str(error), 409) from error
    text = found.as_text()
    return json.dumps({"version": VERSION, "calibration": json.loads(text), "text": text}, allow_nan=False)


def _kept(run_id: str) -> Kept:
    _check_id("run id", run_id)
    if (kept := RUNS.get(run_id)) is None:
        raise Refusal(GONE, 404)
    return kept


def _check_names(query: Mapping[str, str], allowed: tuple[str, ...]) -> None:
    if not set(query) <= set(allowed):
        raise Refusal(f"unknown query; allowed: {', '.join(allowed) or 'none'}")
    if len(query) > len(set(query)):  # a repeated name counts each time
        raise Refusal("a query was given twice")


def _check_id(name: str, value: str) -> None:
    if not re.fullmatch(rf"[0-9A-Za-z_-]{{1,{LONGEST_ID}}}", value):
        raise Refusal(f"{name}: allowed are 1 to {LONGEST_ID} letters, digits, - and _")


def _answering(answer: Callable[[Any], str]) -> Any:
    """A handler for the host's web server from a function that gives a text."""
    from aiohttp import web  # the host's own; not needed where no server runs

    async def handle(request: Any) -> Any:
        try:
            text, status = answer(request), 200
        except Refusal as refusal:
            text, status = json.dumps({"error": str(refusal)}), refusal.status
        # Runs change while they are asked for, so a browser must not keep the answer.
        headers = {"Cache-Control": "no-store"}
        return web.Response(text=text, status=status, content_type="application/json", headers=headers)

    return handle
