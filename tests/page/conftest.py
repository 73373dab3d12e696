"""The page ring: the real frontends in a headless Chromium, on a real server with the demo model.

It needs the host, Playwright for Python and a Chromium of the system (CHROMIUM_PATH names another one). Where one of
them is missing, CI fails, and elsewhere the end of the test run says that these tests were left out. ADACACHE_PAGES=0
leaves them out too: they take some minutes. ADACACHE_PAGES=newest takes the newer frontend only.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import host

HERE = Path(__file__).parent
sys.path.append(str(HERE))  # for editing.py and hosting.py, which the screenshots use too

from hosting import CHROMIUM  # noqa: E402

NEEDED = {
    "a ComfyUI": host.is_here(),
    "Playwright (pip install playwright)": importlib.util.find_spec("playwright") is not None,
    "Chromium": CHROMIUM is not None,
}
MISSING = ", ".join(name for name, here in NEEDED.items() if not here)
FRONTENDS = ("1.32.9", "1.58.1")  # the oldest that the pack supports and the newest that it was tried with
CHOICE = os.environ.get("ADACACHE_PAGES")
UNWANTED = CHOICE == "0"
VERSIONS = FRONTENDS[-1:] if CHOICE == "newest" else FRONTENDS
LEFT_OUT = "ADACACHE_PAGES is 0" if UNWANTED else MISSING and f"there is no {MISSING}"


def pytest_configure() -> None:
    if MISSING and not UNWANTED and os.environ.get("CI"):
        raise pytest.UsageError(f"tests/page cannot run: {LEFT_OUT}")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if LEFT_OUT and collection_path.is_relative_to(HERE) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LEFT_OUT:
        words = f"The tests of the panel in a browser (tests/page) were left out: {LEFT_OUT}."
        terminalreporter.write_line(words, yellow=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.filterwarnings("default"))  # the browser's and the host's are not ours


@pytest.fixture(scope="session")
def playwright() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browsers(playwright: object) -> Iterator[list]:
    """The browser that the tests of a file share, once one has asked for it."""
    launched: list = []
    yield launched
    for one in launched:
        one.close()


@pytest.fixture
def browser(playwright: object, browsers: list) -> object:
    """A browser that runs: one that crashed fails the test that it crashed in, not those after it."""
    import hosting

    if not browsers or not browsers[0].is_connected():
        browsers[:] = [hosting.chromium(playwright)]
    return browsers[0]


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"frontend-{version}")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with one of the frontends."""
    import hosting

    with hosting.serving(request.param, tmp_path_factory.mktemp("page")) as url:
        yield url


@pytest.fixture
def editor(browser: object, server: str) -> Iterator[object]:
    """The editor, newly opened; it must not have logged an error of ours."""
    import editing

    with editing.opened(browser, server) as editor:
        yield editor
        assert not editor.errors
