"""The editor in a browser, as the page tests and the screenshots drive it."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from demo import host
from demo.client import Graph
from demo.workflow import Caching, Shot, graph

SHOT = Shot(size=64, frames=9, steps=12)
EAGER = Caching(sensitivity=0.2)  # reuses steps whatever the network
TOGGLE_PANEL = """() => app.extensionManager.command.execute("AdaCache.TogglePanel")"""

# A node outside the view is not in the page.
LOOK_AT = """([id, x, y, scale]) => {
    const { pos } = app.graph.getNodeById(id);
    Object.assign(app.canvas.ds, { scale, offset: [x / scale - pos[0], y / scale - pos[1]] });
    app.graph.setDirtyCanvas(true, true);
}"""


PUT = """([id, name, value]) => {
    app.graph.getNodeById(id).widgets.find((widget) => widget.name === name).value = value;
}"""

# Unpins, lays nothing over, looks at the newest run. Clicks of the page's own: no dialogue of the host's stops them.
LET_GO = """async () => {
    const pressed = () => document.querySelector(".adacache-panel .side [aria-pressed=true]");
    for (let left = 64; left && pressed(); left--) {
        pressed().click();
        await new Promise((done) => setTimeout(done, 20));
    }
    document.querySelector(".adacache-panel .adacache-run .show")?.click();
}"""

# Runs by their ids, ended in the panel.
RUNS_SHOWN = """(ids) => ids.every((id) => {
    const row = document.querySelector(`[data-run="${id}"] .when`);
    return row && !/running/.test(row.textContent);
})"""
PATIENCE = 240  # seconds; a busy machine samples slowly


@contextlib.contextmanager
def opened(
    browser: Any, url: str, prepare: Callable[[Any], object] = lambda page: None, **context: Any
) -> Iterator[Editor]:
    """The editor in a browser context of its own, without a graph; `prepare` gets its page before that is loaded."""
    options = {
        "viewport": {"width": 1400, "height": 1000},
        "permissions": ["clipboard-read", "clipboard-write"],
    }
    owned = browser.new_context(**options | context)
    try:
        editor = Editor(owned.new_page(), url)
        prepare(editor.page)
        editor.enter()
        yield editor
    finally:
        owned.close()


@contextlib.contextmanager
def tab(editor: Editor, prepare: Callable[[Any], object] = lambda page: None) -> Iterator[Editor]:
    """The editor once more, in another tab of the same browser, which has its files."""
    page = editor.page.context.new_page()
    try:
        other = Editor(page, editor.url)
        prepare(page)
        other.enter()
        yield other
    finally:
        page.close()


@dataclass
class Editor:
    """A page with the editor."""

    page: Any
    url: str
    errors: list[str] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)  # runs of before
    worn: bool = False  # not fit for another test

    def __post_init__(self) -> None:
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.on("pageerror", lambda error: self._note(str(getattr(error, "stack", error))))
        self.page.on("console", lambda message: message.type == "error" and self._note(message.text))

    def _note(self, text: str) -> None:
        """Errors of the host, of which there are many, are not ours."""
        if host.PACK_NAME in text or "adacache/" in text:
            self.errors.append(text)

    def enter(self) -> None:
        self.page.goto(self.url, wait_until="commit")
        self.page.wait_for_function("() => window.app?.extensionManager && window.app.graph")
        self.page.wait_for_function("() => window.LiteGraph?.registered_node_types?.AdaCacheStats")
        self.page.evaluate("() => app.graph.clear()")
        self._dismiss()
        self.note_runs()

    def clear(self) -> None:
        """As newly entered: out of any subgraph, the newest run looked at, none pinned or laid over another."""
        if self.panel.count():
            self.page.evaluate(LET_GO)
            self.page.evaluate(TOGGLE_PANEL)
            self.panel.wait_for(state="detached")
        self.page.evaluate("() => (app.canvas.setGraph(app.rootGraph ?? app.graph), app.graph.clear())")
        self._dismiss()
        self.note_runs()

    def _dismiss(self) -> None:
        """The host's dialogues, such as of a graph that failed, are in front of all else."""
        for _ in range(50):
            self.page.keyboard.press("Escape")
            if not self.page.locator(".p-dialog-mask").count():
                return
            self.page.wait_for_timeout(100)

    def note_runs(self) -> None:
        """What the server keeps by now is not waited for."""
        self.known = [run["info"]["run_id"] for run in self.runs()]

    def set(self, name: str, value: Any) -> None:
        """A setting of the host or of ours."""
        self.page.evaluate("([name, value]) => app.extensionManager.setting.set(name, value)", [name, value])

    def open_panel(self) -> Any:
        if not self.panel.count():
            self.page.evaluate(TOGGLE_PANEL)
        self.panel.wait_for()
        return self.panel

    @property
    def panel(self) -> Any:
        return self.page.locator(".adacache-panel")

    @property
    def headline(self) -> str:
        return self.panel.locator(".adacache-headline").first.inner_text()

    def load(self, work: Graph) -> None:
        """Opens a graph of the API's form; `ids` then has the nodes' numbers by their names in it."""
        self.note_runs()
        self.ids = {name: number for number, name in enumerate(work, 1)}
        self.page.evaluate("(work) => app.loadApiJson(work, 'test')", numbered(work, self.ids))
        # Older frontends give graphs of this form no id of their own, unlike those that people make.
        self.page.evaluate("() => { app.graph.id = crypto.randomUUID() }")
        self.look_at("stats")

    def look_at(self, name: str, x: float = 700, y: float = 250, scale: float = 1.0) -> None:
        """Moves the canvas so that a node's corner is at a place of the page."""
        self.page.evaluate(LOOK_AT, [self.ids[name], x, y, scale])

    def title(self, name: str, title: str) -> None:
        self.page.evaluate("([id, title]) => { app.graph.getNodeById(id).title = title }", [self.ids[name], title])

    def put(self, name: str, widget: str, value: Any) -> None:
        """Gives a node's widget a value."""
        self.page.evaluate(PUT, [self.ids[name], widget, value])

    def mode(self, name: str, mode: int) -> None:
        """Bypasses or mutes a node, or neither: the host's own number."""
        self.page.evaluate("([id, mode]) => { app.graph.getNodeById(id).mode = mode }", [self.ids[name], mode])

    def queue(self) -> None:
        self.page.evaluate("() => app.queuePrompt(0, 1)")

    def wait_for_runs(self, count: int) -> list[dict]:
        """Waits until so many new runs have ended in the panel, and gives them as the server keeps them."""
        limit = time.monotonic() + PATIENCE
        while not (len(fresh := self._fresh()) >= count and all(run["end"] for run in fresh)):
            assert time.monotonic() < limit, f"{len(fresh)} of {count} runs came"
            self.page.wait_for_timeout(50)
        assert len(fresh) == count
        self.page.wait_for_function(RUNS_SHOWN, arg=[run["info"]["run_id"] for run in fresh])
        return fresh

    def _fresh(self) -> list[dict]:
        return [run for run in self.runs() if run["info"]["run_id"] not in self.known]

    def runs(self) -> list[dict]:
        with urllib.request.urlopen(f"{self.url}/adacache/runs") as answer:
            return json.loads(answer.read())["runs"]

    def run_graph(self, work: Graph, runs: int = 1) -> list[dict]:
        """Opens and queues a graph; gives its runs once the page has them all."""
        self.load(work)
        self.queue()
        return self.wait_for_runs(runs)


def numbered(work: Graph, ids: dict[str, int]) -> Graph:
    """The same graph with numbers for names, as the editor needs them."""

    def value_of(value: Any) -> Any:
        return [str(ids[value[0]]), value[1]] if isinstance(value, list) else value

    return {
        str(ids[name]): {
            "class_type": node["class_type"],
            "inputs": {field: value_of(value) for field, value in node["inputs"].items()},
            "_meta": {"title": name},
        }
        for name, node in work.items()
    }


def small(seed: int, caching: Caching = EAGER, **shot: Any) -> Graph:
    """A quick graph: sampler and Cache Stats, without video."""
    work = graph(replace(SHOT, seed=seed, **shot), caching)
    unwanted = ("decode", "video", "save", "frames", "vae", "plot", "trace")
    return {name: node for name, node in work.items() if name not in unwanted}


def two_samplers(seed: int) -> Graph:
    """A second sampler that goes on from the first, with the same model."""
    work = small(seed)
    second = json.loads(json.dumps(work["sampler"]))
    second["inputs"] |= {"latent_image": ["sampler", 0], "seed": seed + 1, "steps": 8, "denoise": 0.6}
    work["low"] = second
    work["stats"]["inputs"]["value"] = ["low", 0]
    return work
