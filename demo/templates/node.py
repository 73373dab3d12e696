"""A node as the editor saves it, and a note.

Which inputs a node has, in which order, and which of them are widgets, the host says (`/object_info`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

SEEDS = ("seed", "noise_seed")  # the editor puts a widget behind these
Json = dict[str, Any]


class Port(NamedTuple):
    """An output of a node."""

    node: Node
    slot: int


@dataclass
class Slot:
    """An input of a node, by its name; those of widgets are there only where something is linked."""

    name: str
    kind: str
    widget: bool = False
    optional: bool = False
    source: Port | None = None


@dataclass
class Node:
    """A node, with its widgets' values by name."""

    id: int
    kind: str
    slots: list[Slot] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)  # of its widgets
    size: tuple[int, int] = (0, 0)
    title: str = ""
    mode: int = 0
    properties: Json = field(default_factory=dict)
    pos: tuple[int, int] = (0, 0)

    def __getitem__(self, output: int) -> Port:
        return Port(self, output)

    def link(self, name: str, source: Port | Node) -> None:
        """Link an output into an input, which a widget gets a slot for."""
        slot = next((one for one in self.slots if one.name == name), None)
        if slot is None:
            slot = Slot(name, self.kinds[name], widget=True)
            self.slots.append(slot)
        slot.source = source[0] if isinstance(source, Node) else source


@dataclass
class Note:
    """Plain words below the nodes."""

    title: str
    text: str
    height: int = 220


def saved(node: Node, order: int, links: list[Json]) -> Json:
    """A node as the editor saves it."""
    into = {link["target_slot"]: link["id"] for link in links if link["target_id"] == node.id}
    inputs = [
        {"name": slot.name, "type": slot.kind, "link": into.get(number)}
        | ({"shape": 7} if slot.optional else {})
        | ({"widget": {"name": slot.name}} if slot.widget else {})
        for number, slot in enumerate(node.slots)
    ]
    outputs = [
        {"name": name, "type": kind}
        | {"links": [link["id"] for link in links if (link["origin_id"], link["origin_slot"]) == (node.id, slot)]}
        for slot, (name, kind) in enumerate(node.outputs)
    ]
    saved = {"id": node.id, "type": node.kind, "pos": list(node.pos), "size": list(node.size), "flags": {}}
    saved |= {"order": order, "mode": node.mode, "inputs": inputs, "outputs": outputs}
    saved |= {"title": node.title} if node.title else {}
    return saved | {"properties": node.properties, "widgets_values": list(node.values.values())}


def is_widget(kind: Any) -> bool:
    """Choices are lists in older definitions."""
    return isinstance(kind, list) or kind.startswith(
        ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COMFY_DYNAMICCOMBO")
    )


def is_value(given: Any) -> bool:
    return given is not None and not isinstance(given, (Node, Port))


def default_of(kind: Any, options: Json) -> Any:
    if "default" in options:
        return options["default"]
    choices = (
        kind if isinstance(kind, list) else options.get("options") or [{"STRING": "", "BOOLEAN": False}.get(kind, 0)]
    )
    return choices[0] if choices else ""


def height_of(node: Node) -> int:
    """Of the taller of the editor's two ways to draw a node; texts are as high as the host makes them."""
    slots = max(sum(not slot.widget for slot in node.slots), len(node.outputs))
    return 20 + 24 * slots + 30 * len(node.values)


def is_ours(kind: str) -> bool:
    """Whether a node is of this pack."""
    return kind.startswith("AdaCache") and "Demo" not in kind
