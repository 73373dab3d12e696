"""The page ring: the real frontends in a headless Chromium, on a real server with the demo model.

ADACACHE_PAGES=newest takes the newer frontend only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # for editing.py and hosting.py, which the screenshots use too

FRONTENDS = ("1.32.9", "1.58.1")  # the oldest that the pack supports and the newest that it was tried with
VERSIONS = FRONTENDS[-1:] if os.environ.get("ADACACHE_PAGES") == "newest" else FRONTENDS


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
