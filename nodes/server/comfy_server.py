"""Every question that we ask the host's server, its queue and the graph that runs; for ComfyUI 0.3.75 and later."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import folder_paths
from comfy_execution.graph_utils import GraphBuilder
from comfy_execution.progress import NodeState, get_progress_state
from comfy_execution.utils import get_executing_context

LONGEST_ID = 200
MOST_WAITING = 200


def executing() -> tuple[str, str]:
    """Prompt id and node id of the node that runs; empty outside a queue (`comfy_execution/utils.py`).

    The client chooses both, of any length; they are cut.
    """
    context = get_executing_context()
    return (context.prompt_id[:LONGEST_ID], context.node_id[:LONGEST_ID]) if context else ("", "")


def running() -> tuple[str, dict[str, Any], list[str]]:
    """Prompt id, graph, and ids of the nodes that run now; asked from any thread (`comfy_execution/progress.py`)."""
    state = get_progress_state()
    now = [one for one, progress in list(state.nodes.items()) if progress["state"] is NodeState.Running]
    return state.prompt_id, nodes_of(state.dynprompt), now


def user_folder() -> str:
    """Where the host keeps what users save (`folder_paths.py:get_user_directory`)."""
    return folder_paths.get_user_directory()


def _server() -> Any:
    """The running server, or None; its module is imported where there is one (`server.py:PromptServer`)."""
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def server_routes() -> Any:
    """The server's table of routes, or None; what is added before it starts is served."""
    return getattr(_server(), "routes", None)


def queueing_client() -> str | None:
    """The websocket client that queued the graph that runs now; None where there is none."""
    return getattr(_server(), "client_id", None)


def queued(prompt_id: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The queue's task that runs a graph, and the graph's nodes and extra data as the client queued them; empty where
    they are not known.

    `execution.py:PromptQueue` keeps what runs, by its task, as (number, prompt id, prompt, extra data, ...). A client
    may give several graphs one prompt id; each is a task of its own.
    """
    running = getattr(getattr(_server(), "prompt_queue", None), "currently_running", {})
    for task, (_, known, prompt, extra, *_) in list(running.items()):
        if known[:LONGEST_ID] == prompt_id:
            return str(task), prompt, extra
    return "", {}, {}


def send(event: str, data: dict[str, Any], client: str) -> None:
    """Send an event to a client, from any thread; the server writes it as JSON later."""
    _server().send_sync(event, data, client)


def is_held_up() -> bool:
    """Whether many messages wait to be sent: the server sends one after the other (`server.py:publish_loop`), so a
    client that does not read holds up those of all others."""
    waiting = getattr(_server(), "messages", None)
    return waiting is not None and waiting.qsize() >= MOST_WAITING


def nodes_of(dynprompt: Any) -> dict[str, Any]:
    """The graph that runs, with the nodes that were added to it while it ran (`comfy_execution/graph.py`)."""
    return {one: dynprompt.get_node(one) for one in dynprompt.all_node_ids()} if dynprompt is not None else {}


def graph_builder() -> Any:
    """What nodes are added to the running graph with."""
    return GraphBuilder()


def node_class(class_type: str) -> Any:
    """A class of nodes, or None; the host's `nodes.py` is imported wherever there are nodes."""
    return getattr(sys.modules.get("nodes"), "NODE_CLASS_MAPPINGS", {}).get(class_type)


def is_output(class_type: str) -> bool:
    """Whether nodes of a class show or save something."""
    return bool(getattr(node_class(class_type), "OUTPUT_NODE", False))


def when_started(do: Callable[[], None]) -> None:
    """Do something when the server starts, after all packs are loaded; never where there is none."""

    async def started(_app: Any) -> None:
        do()

    if (app := getattr(_server(), "app", None)) is not None:
        app.on_startup.append(started)


def add_node(node: Any, like: str) -> None:
    """Register a node beside another of its pack, as the host's loader does (`nodes.py:load_custom_node`)."""
    schema, host = node.GET_SCHEMA(), sys.modules["nodes"]
    node.RELATIVE_PYTHON_MODULE = node_class(like).RELATIVE_PYTHON_MODULE
    host.NODE_CLASS_MAPPINGS[schema.node_id] = node
    host.NODE_DISPLAY_NAME_MAPPINGS[schema.node_id] = schema.display_name
