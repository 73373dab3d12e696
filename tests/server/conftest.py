"""The server ring: a real ComfyUI server process with our pack, reached through its API as by a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo import host
from demo.client import Client
from demo.serve import serving
from demo.workflow import Shot


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one server for all tests here."""
    base = host.make_base(tmp_path_factory.mktemp("server"))
    with serving(base, base / "server.log", "--cpu") as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server) as client:
        yield client


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> Shot:
    """A small, short video; each test has its own seed, so that none finds another's result cached."""
    return Shot(size=64, frames=9, steps=12, seed=sum(request.node.name.encode()))
