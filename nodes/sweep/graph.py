"""Clones parts of a queued graph, in the host's API form, with other settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

Node = Mapping[str, Any]
Nodes = Mapping[str, Node]
Link = list[Any]
"""[node id, output slot]"""


def source(value: Any) -> str | None:
    """The node that an input is linked to, or None."""
    return str(value[0]) if isinstance(value, list) and len(value) == 2 and isinstance(value[1], int) else None


def sources(nodes: Nodes, node_id: str) -> list[str]:
    """The nodes that a node's inputs are linked to."""
    found = map(source, nodes.get(node_id, {}).get("inputs", {}).values())
    return [one for one in found if one is not None and one in nodes]


def before(nodes: Nodes, node_id: str) -> list[str]:
    """A node and all that it depends on, the nearest first."""
    found = {node_id: None} if node_id in nodes else {}
    waiting = list(found)
    while waiting:
        later = [one for each in waiting for one in sources(nodes, each) if one not in found]
        waiting = list(dict.fromkeys(later))
        found |= dict.fromkeys(waiting)
    return list(found)


def upstream(nodes: Nodes | None, node_id: str | None, field: str) -> set[str]:
    """The nodes that a node's input depends on; none where it is not linked, or the graph is not known."""
    linked = source((nodes or {}).get(str(node_id), {}).get("inputs", {}).get(field))
    return set(before(nodes or {}, linked)) if linked is not None else set()


def between(nodes: Nodes, starts: Collection[str], end: str) -> list[str]:
    """The nodes on the paths from any of `starts` to `end`, both included; none where there is no path."""
    inside = before(nodes, end)
    users: dict[str, list[str]] = {one: [] for one in inside}
    for one in inside:
        for used in sources(nodes, one):
            users[used].append(one)
    found = dict.fromkeys(one for one in starts if one in users)
    waiting = list(found)
    while waiting:
        for user in users[waiting.pop()]:
            if user not in found:
                found[user] = None
                waiting.append(user)
    return list(found)


def without_passing(nodes: Nodes, class_type: str, field: str) -> dict[str, Node]:
    """The graph with links that go around the nodes of a class, whose first output is their input `field`."""

    def around(value: Any) -> Any:
        seen = set()
        while (one := source(value)) is not None and one in nodes and one not in seen and value[1] == 0:
            inputs = nodes[one]["inputs"]
            if nodes[one].get("class_type") != class_type or source(inputs.get(field)) is None:
                break
            seen.add(one)
            value = inputs[field]
        return value

    return {
        one: {**node, "inputs": {name: around(value) for name, value in node.get("inputs", {}).items()}}
        for one, node in nodes.items()
    }


class Clones:
    """New nodes for the host to run in place of a node (`comfy_execution/graph_utils.py:GraphBuilder`)."""

    def __init__(self, nodes: Nodes, builder: Any, shows: Callable[[str], bool]) -> None:
        """
        Args:
            nodes: the graph as it is.
            builder: the host's GraphBuilder, which gets the new nodes.
            shows: whether a class of nodes shows something in the browser; a clone of such a node shows it where the
                original does.
        """
        self.nodes = nodes
        self.builder = builder
        self.shows = shows

    def change(self, name: str, changes: Mapping[str, Mapping[str, Any]], end: Link) -> Callable[[Link], Link]:
        """Clone all nodes between the changed ones and `end`.

        Args:
            name: tells these nodes from others of the same original; letters, digits and dashes.
            changes: by node id, the inputs that are other than in the graph. Where they are not, nothing is cloned.
            end: a link whose nodes are wanted.

        Returns:
            What gives the new link for a link of the graph.
        """
        real = {one: new for one, new in changes.items() if not _same(self.nodes[one]["inputs"], new)}
        ids = {one: f"{name}.{one}" for one in between(self.nodes, real, str(end[0]))}
        for one, new_id in ids.items():
            self.builder.node(self.nodes[one]["class_type"], new_id)

        def moved(value: Any) -> Any:
            linked = source(value)
            return self.builder.lookup_node(ids[linked]).out(value[1]) if linked in ids else value

        for one, new_id in ids.items():
            node = self.builder.lookup_node(new_id)
            inputs = {**self.nodes[one]["inputs"], **real.get(one, {})}
            node.inputs = {field: moved(value) for field, value in inputs.items()}
            if self.shows(self.nodes[one]["class_type"]):
                node.set_override_display_id(one)
        return moved


def _same(inputs: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return all(inputs.get(field) == value for field, value in new.items())
