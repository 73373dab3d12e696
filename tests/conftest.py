"""Leaves out the tests that need what is not here, and says so; in CI that is an error.

tests/host and tests/server need a ComfyUI; tests/page also Playwright for Python and a Chromium of the system
(CHROMIUM_PATH names another one). ADACACHE_PAGES=0 leaves tests/page out: they take minutes.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import matrix
import pytest
from hosting import CHROMIUM

from demo import host

HERE = Path(__file__).parent
HOST = {f"ComfyUI in {host.HOST}": host.is_here()}
BROWSER = {
    "Playwright (pip install playwright)": importlib.util.find_spec("playwright") is not None,
    "Chromium": CHROMIUM is not None,
}
NEEDED = {"host": HOST, "server": HOST, "page": HOST | BROWSER}
MISSING = {ring: " and ".join(what for what, here in needed.items() if not here) for ring, needed in NEEDED.items()}
LEFT_OUT = {ring: f"there is no {what}" for ring, what in MISSING.items() if what}
if os.environ.get("ADACACHE_PAGES") == "0":
    MISSING["page"], LEFT_OUT["page"] = "", "ADACACHE_PAGES is 0"


def pytest_configure() -> None:
    lacking = [f"tests/{ring}: no {what}" for ring, what in MISSING.items() if what]
    if os.environ.get("CI") and lacking:
        raise pytest.UsageError(f"Some tests cannot run ({'; '.join(lacking)}). Use bash tests/run.sh.")


def pytest_report_header() -> str:
    return f"host: {host.HOST}" if host.is_here() else f"host: none in {host.HOST}"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if any(collection_path.is_relative_to(HERE / ring) for ring in LEFT_OUT) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(HERE / ring) for ring in NEEDED):
            item.add_marker(pytest.mark.filterwarnings("default"))  # the host's and the browser's are not ours


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tables = list(matrix.lines(terminalreporter.stats))
    if tables:
        terminalreporter.section("what was run on this ComfyUI")
        terminalreporter.write_line("\n".join(tables))
    for ring, reason in LEFT_OUT.items():
        terminalreporter.write_line(f"tests/{ring} was left out: {reason}.", yellow=True)
