"""A small client of ComfyUI's API: queue a graph, follow it, fetch what it made."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import websocket

Graph = dict[str, dict]
Watch = Callable[[str, int], None]  # a node and its step; 0 when the node starts

SILENCE_LIMIT = 600  # seconds without any message


class Refused(RuntimeError):
    """The server did not take the graph; `answer` is what it said."""

    def __init__(self, answer: dict):
        errors = [
            f"{node['class_type']}: {error['message']} {error['details']}".strip()
            for node in answer.get("node_errors", {}).values()
            for error in node["errors"]
        ]
        super().__init__("\n".join(errors) or answer["error"]["message"])
        self.answer = answer


class Failed(RuntimeError):
    """A node failed while it ran; `answer` names the node and the error."""

    def __init__(self, answer: dict):
        super().__init__(f"{answer.get('node_type')}: {answer.get('exception_message')}")
        self.answer = answer


class Interrupted(RuntimeError):
    """The run was cancelled."""


@dataclass
class Done:
    """What a finished graph gave, by node id."""

    outputs: dict[str, dict] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # from a node's start to the next one's


class Client:
    """One connection to a server; a context manager."""

    def __init__(self, url: str):
        self.url = url
        self.id = uuid.uuid4().hex
        address = f"{url.replace('http', 'ws', 1)}/ws?clientId={self.id}"
        self._events = websocket.create_connection(address, timeout=SILENCE_LIMIT)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._events.close()

    def run(self, graph: Graph, watch: Watch | None = None) -> Done:
        """Queues a graph and follows it to its end."""
        return self.follow(self.queue(graph), watch)

    def queue(self, graph: Graph, prompt_id: str | None = None) -> str:
        """Puts a graph into the queue and gives its prompt id, which the server chooses unless it is given."""
        given = {"prompt_id": prompt_id} if prompt_id else {}
        try:
            return self._post("/prompt", {"prompt": graph, "client_id": self.id, **given})["prompt_id"]
        except urllib.error.HTTPError as error:
            raise Refused(json.loads(error.read())) from None

    def follow(self, prompt_id: str, watch: Watch | None = None) -> Done:
        """Reads events until the graph has ended; tells `watch` of every node and step."""
        done = Done()
        running, since = None, 0.0
        while True:
            kind, data = self._next_event()
            if data.get("prompt_id") != prompt_id:
                continue
            if kind == "executing":
                now = time.perf_counter()
                if running:
                    done.seconds[running] = now - since
                running, since = data["node"], now
                if running is None:
                    return done
                if watch:
                    watch(running, 0)
            elif kind == "progress" and watch:
                watch(data["node"], data["value"])
            elif kind == "executed" and data["output"]:
                done.outputs[data["node"]] = data["output"]
            elif kind == "execution_error":
                raise Failed(data)
            elif kind == "execution_interrupted":
                raise Interrupted(f"cancelled in {data.get('node_type')}")

    def interrupt(self) -> None:
        """Cancels what runs now."""
        self._post("/interrupt", {})

    def node_infos(self) -> dict[str, dict]:
        """Every node the server knows."""
        return json.loads(self._get("/object_info"))

    def version(self) -> str:
        """The host's, such as 0.3.75."""
        return json.loads(self._get("/system_stats"))["system"]["comfyui_version"]

    def fetch(self, file: dict[str, str]) -> bytes:
        """The content of a file that a node reports in its output."""
        return self._get("/view?" + urllib.parse.urlencode(file))

    def _next_event(self) -> tuple[str, dict]:
        while True:
            message = self._events.recv()
            if isinstance(message, str):  # bytes are preview pictures
                event = json.loads(message)
                return event["type"], event["data"]

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path) as answer:
            return answer.read()

    def _post(self, path: str, data: dict) -> dict:
        request = urllib.request.Request(
            self.url + path, json.dumps(data).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "{}")
