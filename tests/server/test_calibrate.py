"""Calibration through the API: one graph that measures, calibrates and uses it; saving, loading, what is refused."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from dataclasses import replace

import pytest

from demo.client import Client, Failed, Graph, Refused
from demo.workflow import Caching, Shot, graph

CALIBRATE = {"amount": 40.0, "runs": "this graph's runs", "protect": 0.15, "with_moreg": False}


def calibrating(shot: Shot, preset: str = "measure only", save_as: str = "") -> Graph:
    """The demo's graph with AdaCache Calibrate behind its sampler."""
    work = graph(shot, Caching(preset=preset, sensitivity=1.0))
    inputs = CALIBRATE | {"target": "computed steps (%)", "save_as": save_as}
    links = {"handle": ["adacache", 1], "value": ["sampler", 0]}
    work["calibrate"] = {"class_type": "AdaCacheCalibrate", "inputs": inputs | links}
    work["text"] = {"class_type": "PreviewAny", "inputs": {"source": ["calibrate", 3]}}
    return work


def using(work: Graph, shot: Shot, source: str) -> Graph:
    """The graph with another sampler, whose model has the calibration of a node."""
    final = {"patch": "adacache", "sample": "sampler", "tell": "stats", "show": "trace"}
    work |= {name: {**work[node], "inputs": dict(work[node]["inputs"])} for name, node in final.items()}
    linked = {"codebook": [source, 0], "moreg": [source, 1], "sensitivity": [source, 2]}
    work["patch"]["inputs"] |= {"preset": "balanced"} | linked
    work["sample"]["inputs"] |= {"model": ["patch", 0], "seed": shot.seed + 9}
    work["tell"]["inputs"] |= {"handle": ["patch", 1], "value": ["sample", 0]}
    work["show"]["inputs"]["source"] = ["tell", 5]
    return work


def last_run(outputs: dict[str, dict]) -> dict:
    return json.loads(outputs["show"]["text"][0])["runs"][-1]


@pytest.fixture
def shot(shot: Shot) -> Shot:
    return replace(shot, steps=20)


def test_one_graph_measures_calibrates_and_uses_it(client: Client, shot: Shot):
    """The moreg output is empty here, and an empty link is as none; reused steps are forecast, as balanced does."""
    outputs = client.run(using(calibrating(shot, save_as="of the server"), shot, "calibrate")).outputs
    found, run = json.loads(outputs["text"]["text"][0]), last_run(outputs)
    assert "saved as of the server" in outputs["calibrate"]["text"][0]
    assert found["computed"] == pytest.approx(8, abs=0.5)
    assert abs(run["derived"]["computed"] - found["computed"]) <= 2
    assert run["codebook"] == found["codebook"] and run["settings"]["forecast"] and run["settings"]["moreg"] is None
    assert run["settings"]["codebooks"][0]["protect"] == 0.15

    load = {"class_type": "AdaCacheCalibration", "inputs": {"name": "of the server", "text": ""}}
    loaded = client.run(using(graph(shot, Caching()) | {"load": load}, shot, "load")).outputs
    assert [r["computed"] for r in last_run(loaded)["records"]] == [r["computed"] for r in run["records"]]
    assert "of the server" in client.node_infos()["AdaCacheCalibration"]["input"]["required"]["name"][1]["options"]

    again = client.run(calibrating(replace(shot, seed=shot.seed + 1), save_as="of the server")).outputs
    assert "in place of the one of that name" in again["calibrate"]["text"][0]


def test_two_graphs_with_one_prompt_id(client: Client, shot: Shot):
    """A client may give two graphs one id: this graph's runs are those of the graph that asks."""
    same, short = str(uuid.uuid4()), replace(shot, steps=12)
    for n in (0, 1):
        assert client.queue(calibrating(replace(short, seed=short.seed + n)), same) == same
    found = [json.loads(client.follow(same).outputs["text"]["text"][0]) for _ in range(2)]
    assert [one["runs"] for one in found] == [1, 1]


def test_its_plan_locks_the_schedule(client: Client, shot: Shot):
    """Linked to locked_schedule in place of the codebook; a calibration that is loaded gives the same plan."""
    text = json.loads(client.run(calibrating(shot, save_as="planned")).outputs["text"]["text"][0])
    load = {"class_type": "AdaCacheCalibration", "inputs": {"name": "planned", "text": ""}}
    work = using(graph(shot, Caching()) | {"load": load}, shot, "load")
    work["patch"]["inputs"] = {k: v for k, v in work["patch"]["inputs"].items() if k not in ("codebook", "moreg")}
    work["patch"]["inputs"] |= {"sensitivity": 1.0, "locked_schedule": ["load", 5]}
    run = last_run(client.run(work).outputs)
    computed = [record["step"] for record in run["records"] if record["computed"]]
    assert run["settings"]["locked"] == text["plan"] == f"20 steps: {' '.join(map(str, computed))}"
    assert len(computed) == 8 and run["settings"]["forecast"]


def test_a_cached_run_fails_with_what_to_do(client: Client, shot: Shot):
    with pytest.raises(Failed, match='no measured run.*"turbo"; allowed: "measure only".*queue once'):
        client.run(calibrating(shot, preset="turbo"))


def test_the_panel_asks_for_a_proposal(client: Client, server: str, shot: Shot):
    """By one route; the text that it gives is one that the node loads."""
    run = json.loads(client.run(graph(shot, Caching(preset="measure only"))).outputs["trace"]["text"][0])["runs"][0]
    path = f"{server}/adacache/runs/{run['info']['run_id']}/calibration"
    code, answer = ask(path)
    assert code == 200 and answer["version"] == 1
    assert answer["calibration"] == json.loads(answer["text"]) and answer["calibration"]["target"] == "speed-up (x)"
    code, fewer = ask(f"{path}?target=computed%20steps%20%28%25%29&amount=40")
    assert code == 200 and fewer["calibration"]["computed"] == pytest.approx(8, abs=0.5)
    load = {"class_type": "AdaCacheCalibration", "inputs": {"name": "the text below", "text": answer["text"]}}
    report = client.run({"load": load}).outputs["load"]["text"][0]
    assert "measured: 1 run of WAN21" in report
    for query, status in (("?amount=1e9", 400), ("?amount=-1", 400), ("?colour=red", 400), ("?target=beauty", 409)):
        code, refused = ask(path + query)
        assert code == status and set(refused) == {"error"} and refused["error"]


def test_no_proposal_from_what_was_not_measured(client: Client, server: str, shot: Shot):
    run = json.loads(client.run(graph(shot, Caching())).outputs["trace"]["text"][0])["runs"][0]
    code, refused = ask(f"{server}/adacache/runs/{run['info']['run_id']}/calibration")
    assert code == 409 and '"measure only" and queue once' in refused["error"]
    assert ask(f"{server}/adacache/runs/0123/calibration")[0] == 404
    assert ask(f"{server}/adacache/runs/a%20b/calibration")[0] == 400


def ask(url: str) -> tuple[int, dict]:
    """Status and answer of a GET."""
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize("name", ["../../up", "a/b", "..", "nul"])
def test_bad_names_are_refused_before_anything_runs(client: Client, shot: Shot, name: str):
    work = calibrating(shot, save_as=name)
    others = {"save", "video", "frames", "decode", "stats", "trace", "plot", "text"}  # or the host runs only those
    with pytest.raises(Refused) as refused:
        client.queue({node: work[node] for node in work if node not in others})
    details = refused.value.answer["node_errors"]["calibrate"]["errors"][0]["details"]
    assert "AdaCache Calibrate: save_as:" in details and "allowed: 1 to 60 letters" in details


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("never saved", "no calibration is saved as 'never saved'"),
        ("../../up", "'../../up' cannot be a file's name"),
    ],
)
def test_a_name_that_cannot_be_loaded(client: Client, name: str, words: str):
    """Newer hosts hold it against the list before anything runs."""
    work = {"load": {"class_type": "AdaCacheCalibration", "inputs": {"name": name, "text": ""}}}
    with pytest.raises((Refused, Failed)) as error:
        client.run(work)
    said = str(error.value)
    assert f"AdaCache Load Calibration: name: {words}" in said or f"name: '{name}' not in" in said


def test_a_text_that_is_no_calibration_is_refused(client: Client):
    """One error, of the field that is wrong."""
    work = {"load": {"class_type": "AdaCacheCalibration", "inputs": {"name": "the text below", "text": "{}"}}}
    with pytest.raises(Refused, match="AdaCache Load Calibration: text: this is not a calibration") as refused:
        client.queue(work)
    (error,) = refused.value.answer["node_errors"]["load"]["errors"]
    assert error["extra_info"]["input_name"] == "text"
