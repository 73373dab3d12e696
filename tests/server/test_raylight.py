"""A real server beside a stand-in for Raylight, with real Ray workers: the node, its runs, and bypass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch.distributed as dist
from listening import Listener, ask
from saved import BYPASSED, load, prompt_of, small

from demo import host
from demo.client import Graph
from demo.serve import serving

pytest.importorskip("ray")
pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="needs gloo")
FLOW = host.REPO / "docs" / "wan22_two_gpus.json"
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


def graph(client: Listener, seed: int, preset: str = "balanced", mode: int = 0) -> Graph:
    """The workflow of the page on several GPUs, with the demo's network."""
    found = small(prompt_of(FLOW, client.node_infos(), {ids()["AdaCachePatchRayActors"]: mode}))
    changes = {
        "RayUNETLoader": {"unet_name": host.NETWORK},
        "XFuserKSamplerAdvanced": {"noise_seed": seed, "steps": 12, "cfg": 3.0},
        "AdaCachePatchRayActors": {"preset": preset},
    }
    return {
        one: {**node, "inputs": node["inputs"] | changes.get(node["class_type"], {})} for one, node in found.items()
    }


def ids() -> dict[str, str]:
    """The nodes of the workflow by their kinds."""
    return {node["type"]: node["id"] for node in load(FLOW)}


def test_the_node_is_there_and_translated(client: Listener) -> None:
    infos = client.node_infos()
    info, like = infos["AdaCachePatchRayActors"], infos["AdaCachePatchModel"]
    assert info["python_module"].endswith(host.PACK_NAME) and info["category"] == "AdaCache"
    inputs, others = ([*one["input_order"]["required"], *one["input_order"]["optional"]] for one in (info, like))
    assert inputs == ["ray_actors", *others[1:]]
    assert info["input"]["required"]["ray_actors"][0] == info["output"][0] == "RAY_ACTORS"
    for folder in (host.REPO / "locales").iterdir():
        texts = json.loads((folder / "nodeDefs.json").read_text())["AdaCachePatchRayActors"]
        assert set(texts["inputs"]) == set(inputs) and set(texts["outputs"]) == {"0", "1"}
        assert texts["display_name"] and texts["description"], folder.name


def test_a_run_of_the_workers_is_seen_as_any(client: Listener, url: str) -> None:
    """Live, in Cache Stats and by the route; bypassed, and on again with the next seed."""
    stats = ids()["AdaCacheStats"]
    (text,) = client.run(graph(client, 1)).outputs[stats]["text"]
    assert "2 workers" in text
    begun, ended = (data["run"] for data in client.told("adacache.run"))
    assert (begun["end"], ended["end"], ended["note"]) == ("", "done", "")
    assert ended["info"]["node_id"] == ids()["XFuserKSamplerAdvanced"] and ended["info"]["workers"] == 2
    assert [data["record"] for data in client.told("adacache.step")] == ended["records"]
    assert ended["derived"]["reused"] > 0
    assert ask(url, "/adacache/runs")[1]["runs"] == [ended]

    (text,) = client.run(graph(client, 2, mode=BYPASSED)).outputs[stats]["text"]
    assert text.startswith("AdaCache is bypassed")
    assert len(ask(url, "/adacache/runs")[1]["runs"]) == 1

    (text,) = client.run(graph(client, 3)).outputs[stats]["text"]
    assert "2 workers" in text and len(ask(url, "/adacache/runs")[1]["runs"]) == 2

    (text,) = client.run(graph(client, 4, preset="off")).outputs[stats]["text"]
    assert text.startswith("No run was recorded") and len(ask(url, "/adacache/runs")[1]["runs"]) == 2
