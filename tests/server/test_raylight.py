"""A real server beside a stand-in for Raylight, with real Ray workers: the node, its runs, and bypass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch.distributed as dist
from listening import Listener, ask

from demo import host
from demo.client import Graph
from demo.serve import serving

pytest.importorskip("ray")
pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="needs gloo")
STAND_IN = Path(__file__).parents[1] / "raylight"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base = host.make_base(tmp_path_factory.mktemp("beside"))
    (base / "custom_nodes" / "raylight").symlink_to(STAND_IN)
    with serving(base, base / "server.log", "--cpu") as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Listener]:
    with Listener(url) as client:
        yield client


def graph(seed: int, preset: str = "balanced") -> Graph:
    """Raylight's nodes around ours; without a preset, ours is bypassed."""
    patch = {"ray_actors": ["load", 0], "preset": preset, "sensitivity": 1.0, "start_percent": 0.0, "end_percent": 1.0}
    shot = {"noise_seed": seed, "steps": 12, "cfg": 3.0, "latent_image": ["empty", 0]}
    conds = {"positive": ["prompt", 0], "negative": ["negative", 0]}
    nodes = {
        "start": ("RayInitializer", {"ulysses_degree": 2}),
        "load": ("RayUNETLoader", {"ray_actors_init": ["start", 0], "unet_name": host.NETWORK}),
        "patch": ("AdaCachePatchRayActors", {**patch, "max_reuses": 0, "cache_location": "auto"}),
        "prompt": ("AdaCacheDemoTextEncode", {"caption": "one red circle on a gray background"}),
        "negative": ("AdaCacheDemoTextEncode", {"caption": ""}),
        "empty": ("EmptyHunyuanLatentVideo", {"width": 64, "height": 64, "length": 9, "batch_size": 1}),
        "sample": ("XFuserKSamplerAdvanced", {**shot, **conds, "ray_actors": ["patch", 0]}),
        "stats": ("AdaCacheStats", {"value": ["sample", 0], "handle": ["patch", 1]}),
    }
    if not preset:
        del nodes["patch"], nodes["stats"][1]["handle"]
        nodes["sample"][1]["ray_actors"] = ["load", 0]
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}


def test_the_node_is_there_and_translated(client: Listener) -> None:
    infos = client.node_infos()
    info, like = infos["AdaCachePatchRayActors"], infos["AdaCachePatchModel"]
    assert info["python_module"].endswith(host.PACK_NAME) and info["category"] == "AdaCache"
    inputs = [name for names in info["input_order"].values() for name in names]
    assert inputs == ["ray_actors", *[name for names in like["input_order"].values() for name in names][1:]]
    assert info["input"]["required"]["ray_actors"][0] == info["output"][0] == "RAY_ACTORS"
    for folder in (host.REPO / "locales").iterdir():
        texts = json.loads((folder / "nodeDefs.json").read_text())["AdaCachePatchRayActors"]
        assert set(texts["inputs"]) == set(inputs) and set(texts["outputs"]) == {"0", "1"}
        assert texts["display_name"] and texts["description"], folder.name


def test_a_run_of_the_workers_is_seen_as_any(client: Listener, url: str) -> None:
    """Live, in Cache Stats and by the route; bypassed, and on again with the next seed."""
    done = client.run(graph(1))
    (text,) = done.outputs["stats"]["text"]
    assert "2 workers" in text
    begun, ended = (data["run"] for data in client.told("adacache.run"))
    assert (begun["end"], ended["end"], ended["note"], ended["info"]["node_id"]) == ("", "done", "", "sample")
    assert [data["record"] for data in client.told("adacache.step")] == ended["records"]
    assert ended["derived"]["reused"] > 0 and ended["info"]["workers"] == 2
    (kept,) = ask(url, "/adacache/runs")[1]["runs"]
    assert json.dumps(kept) == json.dumps(ended)

    (text,) = client.run(graph(2, preset="")).outputs["stats"]["text"]
    assert text.startswith("AdaCache is bypassed")
    assert len(ask(url, "/adacache/runs")[1]["runs"]) == 1

    (text,) = client.run(graph(3)).outputs["stats"]["text"]
    assert "2 workers" in text and len(ask(url, "/adacache/runs")[1]["runs"]) == 2


def test_with_off_there_is_no_run(client: Listener, url: str) -> None:
    before = len(ask(url, "/adacache/runs")[1]["runs"])
    assert client.run(graph(4, preset="off")).outputs["stats"]["text"][0].startswith("No run was recorded")
    assert len(ask(url, "/adacache/runs")[1]["runs"]) == before
