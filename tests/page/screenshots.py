"""Takes the pictures of the panel that the README shows, from real runs of the demo model.

    python tests/page/screenshots.py [--frontend 1.58.1] [folder]    # default: demo/pictures

Needs what the page tests need, and a ComfyUI (COMFYUI_PATH). Look at the pictures before you keep them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

from editing import Editor, opened, small  # noqa: E402
from hosting import chromium, serving  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from demo import host  # noqa: E402
from demo.workflow import Caching  # noqa: E402

SHOT = {"size": 128, "frames": 33, "steps": 30}
# The host gives the panel a fifth of the window.
WINDOW = {"width": 2000, "height": 1160}
LIVE_AT = 17  # the step at which the running panel is caught
FASTER = Caching("turbo", 1.0)
BALANCED = Caching("balanced", 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=host.DEMO / "pictures")
    parser.add_argument("--frontend", default="1.58.1")
    parser.add_argument("--url", help="of a server that runs already, in place of one of our own")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temp:
        browser = chromium(playwright)
        if options.url:
            take_all(browser, options.url, options.folder)
        else:
            with serving(options.frontend, Path(temp)) as url:
                take_all(browser, url, options.folder)
        browser.close()


def take_all(browser: Any, url: str, folder: Path) -> None:
    for palette in ("dark", "light"):
        with opened(browser, url, viewport=WINDOW) as editor:
            editor.page.set_default_timeout(600_000)
            editor.set("Comfy.ColorPalette", palette)
            editor.open_panel()
            ending = "" if palette == "dark" else "_light"
            live(editor, folder / f"panel_live{ending}.png", seed=1 + len(ending))
            overlay(editor, folder / f"panel_overlay{ending}.png", seed=1 + len(ending))
            node(editor, folder / f"panel_node{ending}.png")
            editor.set("Comfy.ColorPalette", "dark")
            assert not editor.errors, editor.errors


def live(editor: Editor, file: Path, seed: int) -> None:
    """The panel in the middle of a run, with the node beside it."""
    editor.load(small(seed, BALANCED, **SHOT))
    name_nodes(editor)
    editor.look_at("stats", x=560, y=200, scale=1.2)
    editor.queue()
    editor.page.wait_for_function(
        """(step) => {
            const words = document.querySelector(".adacache-eyebrow")?.textContent;
            return Number(/step (\\d+) of/.exec(words)?.[1]) >= step;
        }""",
        arg=LIVE_AT,
    )
    editor.page.screenshot(path=file, clip={"x": 0, "y": 0, "width": 1080, "height": 826})
    editor.wait_for_runs(1)


def overlay(editor: Editor, file: Path, seed: int) -> None:
    """A second, faster run over the first, and a step that is pointed at."""
    editor.load(small(seed, FASTER, **SHOT))
    name_nodes(editor)
    editor.queue()
    editor.wait_for_runs(1)
    rows = editor.panel.locator(".adacache-run")
    rows.nth(1).get_by_role("button", name="Overlay").click()
    field = editor.page.locator(".adacache-plots")
    field.hover(position={"x": 200, "y": 60})
    editor.page.wait_for_timeout(300)
    editor.panel.screenshot(path=file)
    rows.nth(1).get_by_role("button", name="Overlay").click()


def node(editor: Editor, file: Path) -> None:
    """The plot in Cache Stats."""
    name_nodes(editor)
    editor.look_at("stats", x=560, y=200, scale=1.5)
    editor.page.wait_for_timeout(1500)
    place = editor.page.locator(".adacache-node").bounding_box()
    clip = {"x": place["x"] - 60, "y": 150, "width": place["width"] + 120}
    editor.page.screenshot(path=file, clip=clip | {"height": place["y"] + place["height"] - 145})


def name_nodes(editor: Editor) -> None:
    for name, title in {"sampler": "KSampler", "stats": "Cache Stats"}.items():
        if name in editor.ids:
            editor.title(name, title)


if __name__ == "__main__":
    main()
