"""The page ring: the real frontends in a headless Chromium, on a real server with the demo model.

ADACACHE_PAGES=newest takes the newer frontend only.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator

import pytest

FRONTENDS = ("1.32.9", "1.58.1")  # the oldest that the pack supports and the newest that it was tried with
VERSIONS = FRONTENDS[-1:] if os.environ.get("ADACACHE_PAGES") == "newest" else FRONTENDS


@pytest.fixture(scope="session")
def playwright() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browsers(playwright: object) -> Iterator[list]:
    """The browser that all tests share, once one has asked for it."""
    launched: list = []
    yield launched
    for one in launched:
        one.close()


@pytest.fixture(scope="session")
def pages(browsers: list) -> Iterator[dict]:
    """By a server's address, the editor that is open there, and what closes it."""
    opened: dict = {}
    yield opened
    for _, close in opened.values():
        close()


@pytest.fixture
def browser(playwright: object, browsers: list, pages: dict) -> object:
    """A browser that runs: one that crashed fails the test that it crashed in, not those after it."""
    import hosting

    if not browsers or not browsers[0].is_connected():
        pages.clear()
        browsers[:] = [hosting.chromium(playwright)]
    return browsers[0]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """By its frontend's version, the address of a server that runs until all tests are done."""
    import hosting

    with contextlib.ExitStack() as stack:
        yield functools.cache(
            lambda version: stack.enter_context(hosting.serving(version, tmp_path_factory.mktemp("page")))
        )


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"frontend-{version}")
def server(request: pytest.FixtureRequest, servers: Callable[[str], str]) -> str:
    """The address of a server with one of the frontends."""
    return servers(request.param)


@pytest.fixture
def editor(request: pytest.FixtureRequest, browser: object, server: str, pages: dict) -> Iterator[object]:
    """The editor, without a graph and with the panel closed; it must not have logged an error of ours.

    Opening it takes longer than most tests, so they share a page, until one fails or wears it out.
    """
    import editing

    editor, close = pages.pop(server, (None, None))
    if editor:
        editor.clear()
    else:
        stack = contextlib.ExitStack()
        editor, close = stack.enter_context(editing.opened(browser, server)), stack.close
    failed = request.session.testsfailed
    yield editor
    errors = editor.errors
    if errors or editor.worn or request.session.testsfailed > failed:
        close()
    else:
        pages[server] = editor, close
    assert not errors
