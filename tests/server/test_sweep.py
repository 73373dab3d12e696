"""AdaCache Sweep in a running ComfyUI: every setting is a real run of the host's."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

import pytest

from demo.client import Client, Failed, Graph, Interrupted
from demo.workflow import Caching, Shot, graph


@pytest.fixture
def small(shot: Shot) -> Shot:
    return replace(shot, steps=10)


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def sweeping(shot: Shot, values: str, vary: str = "sensitivity", **patch: object) -> Graph:
    """The demo's graph with nothing behind the sampler but the sweep."""
    work = graph(shot, Caching("as published (fast)", 1.0))
    for name in ("stats", "trace", "plot", "video", "save", "frames"):
        del work[name]
    work["adacache"]["inputs"] |= patch
    work["decode"]["inputs"]["samples"] = ["sampler", 0]
    links = {"images": ["decode", 0], "handle": ["adacache", 1]}
    work["sweep"] = node("AdaCacheSweep", **links, vary=vary, values=values, frames=3, plot_against="seconds")
    work["table"] = node("PreviewAny", source=["sweep", 2])
    work["traces"] = node("PreviewAny", source=["sweep", 3])
    work["sheet"] = node("PreviewImage", images=["sweep", 0])
    return work


def swept(client: Client, work: Graph) -> tuple[list[dict], list[str], dict[str, dict]]:
    """The rows, the samplers that ran, and all outputs."""
    ran = []
    done = client.run(work, lambda one, step: ran.append(one) if step == 0 else None)
    samplers = [one for one in ran if one.split(".")[-1].startswith("sampler")]
    return json.loads(done.outputs["traces"]["text"][0])["rows"], samplers, done.outputs


def test_a_sweep_from_end_to_end(client: Client, small: Shot):
    """Every number is that of a run; only what is new is sampled; the own setting is the graph's own video."""
    rows, samplers, outputs = swept(client, sweeping(small, "0.5 2"))
    assert [row["name"] for row in rows] == ["uncached", "sensitivity 0.5", "sensitivity 2"]
    assert len(samplers) == 3 and "sampler" not in samplers  # the graph's own sensitivity, 1, was not asked for
    for row in rows:
        (run,) = row["runs"]
        assert run["end"] == "done" and row["of"] == small.steps == len(run["records"])
        assert row["computed"] == run["derived"]["computed"] == sum(record["computed"] for record in run["records"])
        assert row["seconds"] == run["seconds"]
        assert row["speed_up"] == pytest.approx(rows[0]["seconds"] / row["seconds"])
    assert [row["runs"][0]["settings"]["preset"] for row in rows] == ["measure only", *2 * ["as published (fast)"]]
    assert [row["runs"][0]["settings"]["sensitivity"] for row in rows[1:]] == [0.5, 2]
    assert rows[0]["psnr"] is None and rows[0]["computed"] == small.steps > rows[1]["computed"]
    assert 15 < rows[1]["psnr"] < 90 and 0 < rows[1]["ssim"] < 1
    table = outputs["table"]["text"][0].splitlines()
    assert [line.split("|")[2].strip() for line in table[2:]] == [f"{r['computed']} of {r['of']}" for r in rows]
    (shown,) = [output for name, output in outputs.items() if name.startswith("sweep.") and "images" in output]
    assert len(shown["images"]) == 2  # the sheet and the plot, on the node itself

    again, samplers, same = swept(client, sweeping(small, "0.5 2"))
    assert again == rows and samplers == [] and same["sheet"] == outputs["sheet"]

    more, samplers, _ = swept(client, sweeping(small, "0.5 1 2"))
    assert samplers == ["sampler"] and [more[0], more[1], more[3]] == rows
    assert more[2]["runs"][0]["info"]["node_id"] == "sampler"


def test_two_sweeps_with_one_prompt_id(client: Client, small: Shot):
    """A client may give two graphs one id: of each setting the second sweep counts its own run, and no other."""
    same = str(uuid.uuid4())
    for n in (0, 1):
        assert client.queue(sweeping(replace(small, seed=small.seed + n), "0.5"), same) == same
    first, second = (json.loads(client.follow(same).outputs["traces"]["text"][0])["rows"] for _ in range(2))
    assert [[len(row["runs"]), row["of"]] for row in (*first, *second)] == [[1, small.steps]] * 4
    assert len({row["runs"][0]["info"]["run_id"] for row in (*first, *second)}) == 4


def test_the_reference_is_the_unpatched_video(client: Client, small: Shot):
    """Bit for bit; a comparison with a video of the unpatched model is cloned with each setting."""
    work = sweeping(small, "turbo", "preset")
    work["plain"] = {**work["sampler"], "inputs": {**work["sampler"]["inputs"], "model": ["shift", 0]}}
    work["video"] = node("VAEDecode", samples=["plain", 0], vae=["vae", 0])
    links = {"images": ["decode", 0], "reference": ["video", 0]}
    work["versus"] = node("AdaCacheCompare", **links, view="wipe", wipe_at=0.5, heat_max=0.2)
    work["sweep"]["inputs"]["images"] = ["versus", 0]
    _, _, outputs = swept(client, work)
    said = {name: output["text"][0] for name, output in outputs.items() if name.endswith("versus")}
    assert said["sweep.0.0.1of2-uncached.versus"].startswith("Equal to the reference: every pixel")
    assert not said["sweep.0.0.2of2-turbo.versus"].startswith("Equal")


def test_two_models_in_a_subgraph(client: Client, small: Shot):
    """As with the two networks of Wan 2.2: one patch is varied, both are counted, none caches in the reference."""
    work = sweeping(small, "0.5", locked_schedule="")
    first, second = (
        {"add_noise": "enable", "start_at_step": 0, "end_at_step": 9, "return_with_leftover_noise": "enable"},
        {"add_noise": "disable", "start_at_step": 9, "end_at_step": 100, "return_with_leftover_noise": "disable"},
    )
    given = {name: value for name, value in work["sampler"]["inputs"].items() if name not in ("seed", "denoise")}
    given |= {"noise_seed": small.seed, "steps": 18}
    work["10:5"] = node("AdaCachePatchModel", **{**work["adacache"]["inputs"], "preset": "off"})
    work["10:6"] = node("KSamplerAdvanced", **{**given, **first, "model": ["adacache", 0]})
    work["sampler"] = node("KSamplerAdvanced", **{**given, **second, "model": ["10:5", 0], "latent_image": ["10:6", 0]})
    rows, _, outputs = swept(client, work)
    assert [[run["info"]["node_id"].rpartition(".")[2] for run in row["runs"]] for row in rows] == [
        ["10:6", "sampler"]
    ] * 2
    assert [row["of"] for row in rows] == [18, 18] and rows[0]["computed"] == 18 > rows[1]["computed"]
    # The second one is off: nothing is reused there, and its steps count all the same.
    assert rows[1]["runs"][1]["derived"]["reused"] == 0 and rows[1]["runs"][0]["derived"]["reused"] > 0


def test_a_cancelled_sweep_goes_on_where_it_was(client: Client, small: Shot):
    """The runs that were done are kept, and the graph is as usable as before."""
    stopped = []

    def stop_in_the_second(one: str, step: int) -> None:
        if one.endswith(".sampler") and "uncached" not in one and step >= 2 and not stopped:
            stopped.append(one)
            client.interrupt()

    work = sweeping(replace(small, steps=60), "50 60")  # so sensitive that they compute nearly every step
    with pytest.raises(Interrupted):
        client.run(work, stop_in_the_second)
    rows, samplers, _ = swept(client, work)
    assert len(samplers) == 2 and stopped[0] in samplers  # not the uncached one, which was done
    assert [run["end"] for row in rows for run in row["runs"]] == ["done"] * 3


@pytest.mark.parametrize(
    ("vary", "values", "said"),
    [
        ("sensitivity", "1 2 fast", 'entry 3 at character 5 is "fast", which is no number; allowed: numbers from 0.05'),
        ("sensitivity", "1, 2000", 'entry 2 at character 4 is "2000"; allowed: numbers from 0.05 to 100'),
        ("max_reuses", "1.5", "which is no whole number"),
        ("preset", "turbo, off", 'entry 2 at character 8 is "off"; allowed: balanced'),
        ("preset", " , ", "there is none"),
        ("sensitivity", " ".join(map(str, range(1, 14))), "there are 13; allowed: up to 12"),
    ],
)
def test_bad_values_are_refused_before_anything_runs(client: Client, small: Shot, vary: str, values: str, said: str):
    ran = []
    with pytest.raises(Failed) as failed:
        client.run(sweeping(small, values, vary), lambda one, _: ran.append(one))
    assert "AdaCache Sweep: values: " in str(failed.value) and said in str(failed.value)
    assert ran == ["sweep"]


@pytest.mark.parametrize("frames", [0, -3, 17])
def test_a_bad_number_of_frames_by_a_link(client: Client, small: Shot, frames: int):
    """Where no widget keeps to its limits, it is refused before the first video is sampled."""
    work = sweeping(small, "1 2")
    work["count"] = node("PrimitiveInt", value=frames)
    work["sweep"]["inputs"]["frames"] = ["count", 0]
    ran = []
    with pytest.raises(Failed, match=f"AdaCache Sweep: frames: {frames}; allowed: 1 to 16"):
        client.run(work, lambda one, _: ran.append(one))
    assert ran == ["count", "sweep"]


@pytest.mark.parametrize(
    ("links", "patch", "said"),
    [
        ({"handle": ["other", 1]}, {}, "images: they do not come from a sampler that uses the model"),
        ({}, {"preset": "off"}, 'vary: sensitivity changes nothing while the preset of AdaCache Patch Model is "off"'),
        ({}, {"locked_schedule": "10 steps: 1 5 10"}, "handle: its AdaCache Patch Model has a locked_schedule"),
    ],
)
def test_graphs_that_cannot_be_swept(client: Client, small: Shot, links: dict, patch: dict, said: str):
    work = sweeping(small, "2", **patch)
    work["other"] = {**work["adacache"], "inputs": dict(work["adacache"]["inputs"])}
    work["sweep"]["inputs"] |= links
    with pytest.raises(Failed, match=f"AdaCacheSweep: AdaCache Sweep: {said}"):
        client.run(work)
