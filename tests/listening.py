"""A client that notes our events, and what our routes answer."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from demo.client import Client


class Listener(Client):
    """A client that notes our events."""

    def __init__(self, url: str):
        super().__init__(url)
        self.heard: list[tuple[str, dict]] = []

    def _next_event(self) -> tuple[str, dict]:
        kind, data = super()._next_event()
        if kind.startswith("adacache."):
            self.heard.append((kind, data))
        return kind, data

    def told(self, kind: str) -> list[dict]:
        return [data for name, data in self.heard if name == kind]


def ask(server: str, path: str) -> tuple[int, dict]:
    """Status and answer of a GET."""
    try:
        with urllib.request.urlopen(server + path) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
