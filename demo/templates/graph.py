"""Graphs as the editor saves them, laid out in columns: what the recipes are written in.

Of the editor's format (version 0.4) only what a template needs.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from .node import SEEDS, Json, Node, Note, Port, Slot, default_of, height_of, is_ours, is_value, is_widget, saved

INLETS, OUTLETS = -10, -20  # what stands for a subgraph's inputs and outputs, inside it
GAP, MARGIN, TITLE, GROUP_TITLE = 40, 20, 40, 50  # pixels
MUTED, BYPASSED = 2, 4
LINK = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


@dataclass
class Sheet:
    """A graph.

    Attributes:
        infos: what the host says of its nodes, by their kind.
        version: the oldest host that has them.
    """

    infos: dict[str, Json]
    version: str
    nodes: list[Node] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)
    groups: list[Json] = field(default_factory=list)
    subgraphs: list[Subgraph] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)  # given to nodes, in the subgraphs too
    right: int = 0  # where the next column begins

    def number(self) -> int:
        self.numbers.append(len(self.numbers) + 1)
        return self.numbers[-1]

    def add(
        self, kind: str, size: tuple[int, int] = (340, 0), models: tuple[tuple[str, str], ...] = (), **given: Any
    ) -> Node:
        """A node of the host's or ours; `given` are its inputs, linked or as values, and its title and mode."""
        title, mode, info = given.pop("title", ""), given.pop("mode", 0), self.infos[kind]
        node = Node(self.number(), kind, title=title, mode=mode, properties={"Node name for S&R": kind})
        node.outputs = list(zip(info["output_name"], info["output"], strict=True))
        node.properties |= {"cnr_id": "adacache", "ver": "0.1.0"} if is_ours(kind) else self._core()
        if models:
            node.properties["models"] = [
                {"name": url.rpartition("/")[2], "url": url, "directory": folder} for folder, url in models
            ]
        for group in ("required", "optional"):
            for name in info["input_order"].get(group, ()):
                kind_of, options = (*info["input"][group][name], {})[:2]
                if not is_widget(kind_of):
                    node.slots.append(Slot(name, kind_of, optional=group == "optional"))
                    continue
                node.kinds[name] = kind_of if isinstance(kind_of, str) else "COMBO"
                node.values[name] = given.pop(name) if is_value(given.get(name)) else default_of(kind_of, options)
                if options.get("control_after_generate") or name in SEEDS:
                    node.values[f"{name}, then"] = "fixed"
        for name, source in given.items():
            node.link(name, source)
        node.size = (size[0], size[1] or height_of(node))
        self.nodes.append(node)
        return node

    def inside(self, name: str) -> Subgraph:
        """The inside of a new subgraph."""
        self.subgraphs.append(Subgraph(self.infos, self.version, numbers=self.numbers, name=name))
        return self.subgraphs[-1]

    def place(self, subgraph: Subgraph, size: tuple[int, int], **given: Any) -> Node:
        """A subgraph's node; `given` are the outputs that are linked into it."""
        node = Node(self.number(), subgraph.id, title=subgraph.name, size=size, properties=self._core())
        node.outputs = [(name, port.node.outputs[port.slot][1]) for name, port in subgraph.outlets]
        for name, kind in subgraph.ends.outputs:
            node.slots.append(Slot(name, kind, widget=name in subgraph.values))
        node.values = dict(subgraph.values)
        for name, source in given.items():
            node.link(name, source)
        self.nodes.append(node)
        return node

    def _core(self) -> Json:
        return {"cnr_id": "comfy-core", "ver": self.version}

    def column(self, title: str, *nodes: Node, notes: tuple[Note, ...] = (), color: str = "#444") -> None:
        """Stacks nodes in a group, and notes below it, right of the last column."""
        left, wide, top = self.right, max(node.size[0] for node in nodes), 0
        for node in nodes:
            node.pos = (left, top)
            top += node.size[1] + GAP + TITLE
        head = TITLE + GROUP_TITLE
        bounding = [left - MARGIN, -head, wide + 2 * MARGIN, top - GAP - TITLE + head + MARGIN]
        group = {"id": len(self.groups) + 1, "title": title, "bounding": bounding, "color": color}
        self.groups.append(group | {"font_size": 24, "flags": {}})
        for note in notes:
            saved = {"id": self.number(), "type": "MarkdownNote", "pos": [left - MARGIN, top + TITLE]}
            saved |= {"size": [wide + 2 * MARGIN, note.height], "flags": {}, "order": 0, "mode": 0}
            saved |= {
                "inputs": [],
                "outputs": [],
                "title": note.title,
                "properties": {},
                "color": "#222",
                "bgcolor": "#000",
            }
            self.notes.append(saved | {"widgets_values": [note.text]})
            top += note.height + GAP + TITLE
        self.right += wide + 3 * MARGIN

    def saved(self) -> Json:
        """As the editor saves it, without an id: a fixed one would give a newly opened graph the runs of another."""
        nodes, links = self.parts()
        inner = [one.defined() for one in self.subgraphs]
        return {
            "revision": 0,
            "last_node_id": self.numbers[-1],
            "last_link_id": max(len(links), *(len(one["links"]) for one in inner), 0),
            "nodes": nodes,
            "links": [[link[key] for key in LINK] for link in links],
            "groups": self.groups,
            **({"definitions": {"subgraphs": inner}} if inner else {}),
            "config": {},
            "extra": {"ds": {"scale": 0.6, "offset": [80, 160]}},
            "version": 0.4,
        }

    def parts(self, outlets: list[tuple[str, Port]] = []) -> tuple[list[Json], list[Json]]:  # noqa: B006  never changed
        """Nodes and links as they are saved."""
        ends = [(node.id, slot, one.source) for node in self.nodes for slot, one in enumerate(node.slots) if one.source]
        ends += [(OUTLETS, slot, port) for slot, (_, port) in enumerate(outlets)]
        links = [
            dict(
                zip(LINK, (number, port.node.id, port.slot, target, slot, port.node.outputs[port.slot][1]), strict=True)
            )
            for number, (target, slot, port) in enumerate(ends, 1)
        ]
        return [saved(node, order, links) for order, node in enumerate(self.nodes)] + self.notes, links


@dataclass
class Subgraph(Sheet):
    """A graph that is one node in another.

    Attributes:
        ends: stands for the inputs, which are its outputs inside.
        values: of the widgets that show on the node, by input.
    """

    name: str = ""
    outlets: list[tuple[str, Port]] = field(default_factory=list)
    ends: Node = field(default_factory=lambda: Node(INLETS, "inlets"))
    values: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"adacache/{self.name}"))

    def inlet(self, name: str, *targets: tuple[Node, str]) -> None:
        """An input that goes into inputs of these nodes; one into a widget shows that widget on the node."""
        node, wanted = targets[0]
        kind = node.kinds.get(wanted) or next(slot.kind for slot in node.slots if slot.name == wanted)
        self.ends.outputs.append((name, kind))
        if wanted in node.values:
            self.values[name] = node.values[wanted]
        for one, into in targets:
            one.link(into, self.ends[len(self.ends.outputs) - 1])

    def defined(self) -> Json:
        """As the editor saves the inside."""
        nodes, links = self.parts(self.outlets)

        def named(ends: list[tuple[str, str]], end: str, number: int) -> list[Json]:
            return [
                {
                    "id": str(uuid.uuid5(uuid.UUID(self.id), f"{number}/{name}")),
                    "name": name,
                    "type": kind,
                    "linkIds": [
                        link["id"] for link in links if (link[f"{end}_id"], link[f"{end}_slot"]) == (number, slot)
                    ],
                }
                for slot, (name, kind) in enumerate(ends)
            ]

        outputs = [(name, port.node.outputs[port.slot][1]) for name, port in self.outlets]
        return {
            "id": self.id,
            "version": 1,
            "state": {"lastGroupId": len(self.groups), "lastNodeId": self.numbers[-1], "lastLinkId": len(links)}
            | {"lastRerouteId": 0},
            "revision": 0,
            "config": {},
            "name": self.name,
            "inputNode": {"id": INLETS, "bounding": [-240, 0, 150, 20 * len(self.ends.outputs) + 40]},
            "outputNode": {"id": OUTLETS, "bounding": [self.right + 40, 0, 120, 20 * len(outputs) + 40]},
            "inputs": named(self.ends.outputs, "origin", INLETS),
            "outputs": named(outputs, "target", OUTLETS),
            "widgets": [],
            "nodes": nodes,
            "groups": self.groups,
            "links": links,
            "extra": {},
        }
