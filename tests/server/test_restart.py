"""Same graph, same seed: same picture, after a restart of the server too, even if it was killed in mid-run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from listening import ask
from websocket import WebSocketException

from demo import host
from demo.client import Client
from demo.metrics import Video, decode
from demo.serve import running, serving
from demo.workflow import Caching, Shot, graph


def film(client: Client, shot: Shot) -> tuple[Video, list[int]]:
    """The frames, and the steps that were computed."""
    done = client.run(graph(shot, Caching(sensitivity=0.5, moreg=True)))
    (run,) = json.loads(done.outputs["trace"]["text"][0])["runs"]
    frames = decode(map(client.fetch, done.outputs["frames"]["images"]))
    return frames, [record["step"] for record in run["records"] if record["computed"]]


def test_same_video_after_a_killed_run(client: Client, shot: Shot, tmp_path: Path):
    """Nothing that decides a run outlives its process: the next one gives the same frames and the same steps."""
    before, steps_before = film(client, shot)
    base = host.make_base(tmp_path)
    with running(base, base / "killed.log", "--cpu") as (url, process), Client(url) as doomed:

        def kill(node: str, step: int) -> None:
            if node == "sampler" and step >= 5:
                process.kill()

        with pytest.raises((OSError, WebSocketException)):
            doomed.run(graph(replace(shot, steps=200), Caching(preset="measure only")), kill)
        process.wait()
    with serving(base, base / "server.log", "--cpu") as url, Client(url) as fresh:
        assert ask(url, "/adacache/runs") == (200, {"version": 1, "runs": []})
        after, steps_after = film(fresh, shot)
    assert steps_after == steps_before and len(steps_before) < shot.steps
    assert np.array_equal(before, after)
