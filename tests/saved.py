"""Saved workflows as the editor queues them, with nodes bypassed or muted.

The rules are those of the editor's `graphToPrompt`; tests/page/test_templates.py holds them beside the editor's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo import host
from demo.client import Graph

MUTED, BYPASSED = 2, 4
FRONTEND_ONLY = {"MarkdownNote"}
GROUPS = ("required", "optional")
SEEDS = ("seed", "noise_seed")  # the frontend saves a widget of its own after these: what becomes of it
LINK = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
INLETS = -10  # inside a subgraph, what comes from outside
# What stands for large models, and what the demo's models take in place of them.
CAPTION = {"class_type": "AdaCacheDemoTextEncode", "inputs": {"caption": "one red circle on a gray background"}}
SIZE = {"width": 64, "height": 64, "length": 9}
LATENT = {"class_type": "EmptyHunyuanLatentVideo", "inputs": {**SIZE, "batch_size": 1}}
STANDS_FOR: dict[str, dict[str, Any]] = {
    "CLIPTextEncode": CAPTION,
    "LoadImage": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
    **dict.fromkeys(("EmptySD3LatentImage", "EmptyHunyuanVideo15Latent", "Wan22ImageToVideoLatent"), LATENT),
}
SMALL: dict[str, dict[str, Any]] = {
    "UNETLoader": {"unet_name": host.NETWORK},
    "VAELoader": {"vae_name": host.VAE},
    "EmptyHunyuanLatentVideo": SIZE,
    "WanImageToVideo": SIZE,
    "KSampler": {"steps": 10},
    "BasicScheduler": {"steps": 10},
}
LEFT_OUT = ("CLIPLoader", "DualCLIPLoader")


def sheets(file: Path) -> list[dict]:
    """The graph and the insides of its subgraphs, links in the subgraphs' form."""
    saved = json.loads(file.read_text())
    links = [dict(zip(LINK, link, strict=True)) for link in saved["links"]]
    return [saved | {"links": links}, *saved.get("definitions", {}).get("subgraphs", ())]


def load(file: Path) -> list[dict]:
    """All nodes, those of subgraphs by the editor's ids for them ("5:3"); inputs say which output they come `from`."""
    graph, *subgraphs = sheets(file)
    return list(_flat(graph, {one["id"]: one for one in subgraphs}))


def _flat(sheet: dict, inner: dict[str, dict], path: str = "", given: tuple = ()) -> Iterator[dict]:
    """`given` is what comes into each input of a subgraph."""
    for node in sheet["nodes"]:
        sources = [_source(sheet, inner, path, given, entry.get("link")) for entry in node["inputs"]]
        if node["type"] in inner:
            yield from _flat(inner[node["type"]], inner, f"{path}{node['id']}:", tuple(sources))
        elif node["type"] not in FRONTEND_ONLY:
            inputs = [entry | {"from": source} for entry, source in zip(node["inputs"], sources, strict=True)]
            yield node | {"id": f"{path}{node['id']}", "inputs": inputs}


def _source(sheet: dict, inner: dict[str, dict], path: str, given: tuple, number: int | None) -> list[Any] | None:
    link = next((link for link in sheet["links"] if link["id"] == number), None)
    if link is None:
        return None
    origin, slot = link["origin_id"], link["origin_slot"]
    if origin == INLETS:
        return given[slot]
    kind = next(node["type"] for node in sheet["nodes"] if node["id"] == origin)
    if kind not in inner:
        return [f"{path}{origin}", slot]
    (outgoing,) = inner[kind]["outputs"][slot]["linkIds"]
    return _source(inner[kind], inner, f"{path}{origin}:", (), outgoing)


def since(file: Path) -> tuple[int, ...]:
    """The oldest ComfyUI that has all nodes of a graph, as they say themselves."""
    return max(numbers(node["properties"]["ver"]) for node in load(file) if not node["type"].startswith("AdaCache"))


def numbers(version: str) -> tuple[int, ...]:
    """0.3.75 as (0, 3, 75), which can be compared."""
    return tuple(map(int, version.split(".")))


def widgets(node: dict, infos: dict[str, dict]) -> dict[str, object]:
    """A saved node's widget values by name; they are saved in the order of the node's definition.

    Later hosts add optional widgets behind those that were saved; the browser gives them their defaults.
    """
    order = infos[node["type"]]["input_order"]
    sockets = {entry["name"] for entry in node["inputs"] if "widget" not in entry}
    names, optional = ([name for name in order.get(group, ()) if name not in sockets] for group in GROUPS)
    for seed in set(SEEDS) & set(names):
        names.insert(names.index(seed) + 1, f"{seed}, then")
    values = node["widgets_values"]
    names += optional[: max(len(values) - len(names), 0)]
    return dict(zip(names, values, strict=True))


def prompt_of(file: Path, infos: dict[str, dict], modes: dict[str, int] | None = None) -> Graph:
    """The graph to queue; `modes` by node id take the place of those that were saved."""
    nodes = {node["id"]: node for node in load(file)}
    mode = {one: node.get("mode", 0) for one, node in nodes.items()} | (modes or {})

    def slots(node: dict) -> list[dict]:
        """All inputs, in the order of their definition: those of widgets have a slot, whatever was saved."""
        saved = {entry["name"]: entry for entry in node["inputs"]}
        info = infos[node["type"]]
        every = [
            (name, info["input"][group][name][0]) for group in GROUPS for name in info["input_order"].get(group, ())
        ]
        new = {name: {"type": "COMBO" if isinstance(kind, list) else kind, "from": None} for name, kind in every}
        return [saved.get(name, new[name]) for name in new]

    def origin(source: list[Any] | None, kind: str) -> list[Any] | None:
        if source is None:
            return None
        one, slot = source
        if mode[one] != BYPASSED:
            return None if mode[one] == MUTED else [one, slot]
        inputs = slots(nodes[one])
        passed = _through([entry["type"] for entry in inputs], infos[nodes[one]["type"]]["output"][slot], slot, kind)
        return origin(inputs[passed]["from"], kind) if passed is not None else None

    prompt = {}
    for one, node in nodes.items():
        if mode[one] in (MUTED, BYPASSED):
            continue
        linked = {entry["name"]: origin(entry["from"], entry["type"]) for entry in node["inputs"]}
        values = {name: value for name, value in widgets(node, infos).items() if not name.endswith(", then")}
        inputs = values | {name: value for name, value in linked.items() if value}
        prompt[one] = {"class_type": node["type"], "inputs": inputs}
    return prompt


def _through(inputs: list[str], output: str, slot: int, wanted: str) -> int | None:
    """The input that a bypassed node gives in place of an output."""

    def fit(kind: str, other: str) -> bool:
        return "*" in (kind, other) or not set(kind.split(",")).isdisjoint(other.split(","))

    if wanted == "*":
        return slot if slot < len(inputs) else 0
    if slot < len(inputs) and fit(inputs[slot], output) and fit(inputs[slot], wanted):
        return slot
    if wanted in inputs:
        return inputs.index(wanted)
    return next((n for n, kind in enumerate(inputs) if fit(kind, output) and fit(kind, wanted)), None)


def small(prompt: Graph) -> Graph:
    """The same graph with the demo's models, a small video and few steps."""
    return {
        one: STANDS_FOR.get(node["class_type"])
        or {**node, "inputs": node["inputs"] | SMALL.get(node["class_type"], {})}
        for one, node in prompt.items()
        if node["class_type"] not in LEFT_OUT
    }
