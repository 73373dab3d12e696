"""Saved workflows as the editor queues them, with nodes bypassed or muted.

The rules are those of the editor's `graphToPrompt`; tests/page/test_templates.py holds them beside the editor's own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from demo import host
from demo.client import Graph

MUTED, BYPASSED = 2, 4
FRONTEND_ONLY = {"MarkdownNote"}
GROUPS = ("required", "optional")
SEED_CONTROL = "control after generate"  # the frontend's own widget, saved after each seed
# What the demo's models take in place of the large ones.
SMALL: dict[str, dict[str, Any]] = {
    "UNETLoader": {"unet_name": host.NETWORK},
    "VAELoader": {"vae_name": host.VAE},
    "EmptyHunyuanLatentVideo": {"width": 64, "height": 64, "length": 9},
    "KSampler": {"steps": 10},
}
CAPTION = {"class_type": "AdaCacheDemoTextEncode", "inputs": {"caption": "one red circle on a gray background"}}


def load(file: Path) -> list[dict]:
    return [node for node in json.loads(file.read_text())["nodes"] if node["type"] not in FRONTEND_ONLY]


def widgets(node: dict, infos: dict[str, dict]) -> dict[str, object]:
    """A saved node's widget values by name; they are saved in the order of the node's definition.

    Later hosts add optional widgets behind those that were saved; the browser gives them their defaults.
    """
    order = infos[node["type"]]["input_order"]
    sockets = {entry["name"] for entry in node["inputs"]}
    names, optional = ([name for name in order.get(group, ()) if name not in sockets] for group in GROUPS)
    if "seed" in names:
        names.insert(names.index("seed") + 1, SEED_CONTROL)
    values = node["widgets_values"]
    names += optional[: max(len(values) - len(names), 0)]
    return dict(zip(names, values, strict=True))


def prompt_of(file: Path, infos: dict[str, dict], modes: dict[int, int] | None = None) -> Graph:
    """The graph to queue; `modes` by node id take the place of those that were saved."""
    nodes = {node["id"]: node for node in load(file)}
    links = {link[0]: link[1:3] for link in json.loads(file.read_text())["links"]}
    mode = {one: node.get("mode", 0) for one, node in nodes.items()} | (modes or {})

    def sockets(node: dict) -> list[dict]:
        order = [name for group in GROUPS for name in infos[node["type"]]["input_order"].get(group, ())]
        return sorted(node["inputs"], key=lambda entry: order.index(entry["name"]))

    def origin(link: int | None, kind: str) -> list[Any] | None:
        if link is None:
            return None
        one, slot = links[link]
        if mode[one] != BYPASSED:
            return None if mode[one] == MUTED else [str(one), slot]
        inputs = sockets(nodes[one])
        passed = _through([entry["type"] for entry in inputs], infos[nodes[one]["type"]]["output"][slot], slot, kind)
        return origin(inputs[passed].get("link"), kind) if passed is not None else None

    prompt = {}
    for one, node in nodes.items():
        if mode[one] in (MUTED, BYPASSED):
            continue
        linked = {entry["name"]: origin(entry.get("link"), entry["type"]) for entry in node["inputs"]}
        values = {name: value for name, value in widgets(node, infos).items() if name != SEED_CONTROL}
        inputs = values | {name: value for name, value in linked.items() if value}
        prompt[str(one)] = {"class_type": node["type"], "inputs": inputs}
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
    found = {}
    for one, node in prompt.items():
        if node["class_type"] == "CLIPTextEncode":
            found[one] = CAPTION
        elif node["class_type"] != "CLIPLoader":
            found[one] = {**node, "inputs": node["inputs"] | SMALL.get(node["class_type"], {})}
    return found
