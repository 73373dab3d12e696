"""Leaves the tests that need a ComfyUI out where there is none, and says so; in CI that is an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo import host

NEED_HOST = tuple(Path(__file__).parent / ring for ring in ("host", "server"))


def pytest_configure() -> None:
    if os.environ.get("CI") and not host.is_here():
        raise pytest.UsageError(f"No ComfyUI in {host.HOST}: the host tests cannot run. Use bash tests/run.sh.")


def pytest_report_header() -> str:
    if host.is_here():
        return f"host: {host.HOST}"
    return f"host: none in {host.HOST}; tests/host and tests/server are left out"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if _needs_host(collection_path) and not host.is_here() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _needs_host(item.path):
            item.add_marker(pytest.mark.filterwarnings("default"))  # the host's warnings are not ours


def _needs_host(path: Path) -> bool:
    return any(path.is_relative_to(ring) for ring in NEED_HOST)
