"""Several pages, several workflows, a page that comes late and a server that goes away: each shows the right run."""

from __future__ import annotations

import re

import hosting
import pytest
from editing import opened, small, tab

from demo import serve
from demo.workflow import Caching

LIVE = ".adacache-badge.live"
LONG = {"caching": Caching(preset="measure only"), "size": 128, "frames": 33, "steps": 400}
REACHED = """(least) => {
    const found = /(\\d+) of 400 computed/.exec(document.querySelector(".adacache-node")?.textContent);
    return Number(found?.[1]) >= least;
}"""
COUNTED = """(least) => {
    const found = /of (\\d+) steps computed/.exec(document.querySelector(".adacache-headline")?.textContent);
    return Number(found?.[1]) >= least;
}"""


def counted(run: dict) -> str:
    return f"{run['derived']['computed']} of {len(run['records'])} steps computed"


def on_node(run: dict) -> str:
    return f"{run['derived']['computed']} of {len(run['records'])} computed"


def interrupt(editor) -> None:
    editor.page.evaluate("() => fetch('/api/interrupt', { method: 'POST' })")


def test_another_tab_sees_the_run_and_its_name(editor):
    """Also where the other tab has another workflow, with nodes of the same ids."""
    with tab(editor) as other:
        other.load(small(201))
        other.open_panel()
        other.note_runs()
        editor.load(small(202))
        editor.title("sampler", "Take two")
        editor.open_panel()
        editor.queue()
        (run,) = editor.wait_for_runs(1)
        assert other.wait_for_runs(1) == [run]
        assert counted(run) in other.headline
        assert "Take two" in other.panel.locator(".adacache-eyebrow").inner_text()
        assert not other.errors


def test_two_tabs_at_once(editor):
    """Each queues a graph of the same node ids: its node tells of its own run alone, and both panels list both."""
    with tab(editor) as other:
        tabs = {12: editor, 9: other}
        for steps, one in tabs.items():
            one.open_panel()
            one.load(small(210 + steps, steps=steps))
        for one in tabs.values():
            one.note_runs()
        for one in tabs.values():
            one.queue()
        runs = {steps: one.wait_for_runs(2) for steps, one in tabs.items()}
        assert runs[12] == runs[9] and sorted(len(run["records"]) for run in runs[9]) == [9, 12]
        assert len({run["info"]["prompt_id"] for run in runs[9]}) == 2
        assert len({run["info"]["node_id"] for run in runs[9]}) == 1
        for steps, one in tabs.items():
            (own,) = [run for run in runs[steps] if len(run["records"]) == steps]
            one.page.locator(".adacache-node").get_by_text(on_node(own)).wait_for()
            for run in runs[steps]:
                row = one.panel.locator(f'[data-run="{run["info"]["run_id"]}"]')
                assert f"{run['derived']['computed']} of {len(run['records'])}" in row.inner_text()
        assert not other.errors


@pytest.mark.parametrize("silence", ["from before the run", "in mid-run", "closed in mid-run"])
def test_a_socket_that_went_silent(editor, silence, tmp_path):
    """Open or closed, it says nothing more: the panel asks for what was queued here, to its end."""
    sockets, silent = [], [silence] if silence == "from before the run" else []

    def route(socket):
        sockets.append(socket)
        server = socket.connect_to_server()
        server.on_message(lambda message: None if silent else socket.send(message))

    with tab(editor, lambda page: page.route_web_socket(re.compile(r"/ws\b"), route)) as other:
        other.open_panel()
        other.load(small(220, **LONG))
        other.queue()
        other.page.wait_for_selector(LIVE)
        other.page.wait_for_function(COUNTED, arg=2)
        if silence == "in mid-run":
            silent.append(silence)
        elif silence == "closed in mid-run":
            sockets[-1].close()
        so_far = int(re.search(r"of (\d+) steps", other.headline)[1])
        other.page.wait_for_function(COUNTED, arg=so_far + 2)
        interrupt(other)
        other.panel.locator(".adacache-badge", has_text="cancelled").first.wait_for()
        assert counted(other.runs()[-1]) in other.headline
        assert not other.page.locator(LIVE).count()
        assert len(sockets) == (2 if silence == "closed in mid-run" else 1)
        other.page.screenshot(path=tmp_path / "after.png")
        assert not other.errors


def test_a_page_that_joins_in_mid_run_follows_it(editor):
    """A second page asks, since events go to the first; the first, loaded again, hears events again."""
    editor.load(small(203, **LONG))
    editor.queue()
    editor.page.wait_for_function(REACHED, arg=2)
    with tab(editor) as late:
        late.open_panel()
        late.page.wait_for_selector(LIVE)
        late.page.wait_for_function(COUNTED, arg=3)
        so_far = int(re.search(r"of (\d+) steps", late.headline)[1])
        late.page.wait_for_function(COUNTED, arg=so_far + 2)
        editor.enter()
        editor.open_panel()
        editor.page.wait_for_selector(LIVE)
        so_far = int(re.search(r"of (\d+) steps", editor.headline)[1])
        editor.page.wait_for_function(COUNTED, arg=so_far + 2)
        interrupt(editor)
        for page in (editor, late):
            page.panel.locator(".adacache-badge", has_text="cancelled").first.wait_for()
        run = editor.runs()[-1]
        assert [record["evaluation"] for record in run["records"]] == list(range(1, len(run["records"]) + 1))
        for page in (editor, late):
            assert counted(run) in page.headline
        assert not late.errors


def test_open_workflows_with_equal_ids_keep_their_runs_apart(editor):
    page, node = editor.page, editor.page.locator(".adacache-node")
    editor.open_panel()
    (first,) = editor.run_graph(small(204))
    node.get_by_text(on_node(first)).wait_for()
    page.evaluate("() => app.extensionManager.command.execute('Comfy.DuplicateWorkflow')")
    node.get_by_text("The next run appears here").wait_for()
    assert counted(first) in editor.headline  # the panel shows every workflow's
    editor.note_runs()
    page.evaluate(
        """(id) => {
            const sampler = app.graph.getNodeById(id);
            sampler.widgets.find(({ name }) => name === "steps").value = 15;
        }""",
        editor.ids["sampler"],
    )
    editor.queue()
    (second,) = editor.wait_for_runs(1)
    assert second["info"]["node_id"] == first["info"]["node_id"] and len(second["records"]) == 15
    node.get_by_text(on_node(second)).wait_for()
    page.evaluate("() => app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow')")
    node.get_by_text(on_node(first)).wait_for()
    # The other workflow's output, come late, is handed to the node of the same id.
    late = "([id, run]) => { app.graph.getNodeById(id).onExecuted({ text: ['late'], runs: [run] }) }"
    page.evaluate(late, [editor.ids["stats"], second["info"]["run_id"]])
    page.wait_for_timeout(300)
    assert on_node(first) in node.inner_text()
    page.evaluate("() => app.extensionManager.command.execute('Workspace.NextOpenedWorkflow')")
    node.get_by_text(on_node(second)).wait_for()


@pytest.mark.parametrize("names", [["sampler", "stats"], ["sampler"]], ids=["both inside", "sampler inside"])
def test_the_plot_follows_a_sampler_into_a_subgraph(editor, names):
    page = editor.page
    panel = editor.open_panel()
    editor.load(small(205 + len(names)))
    page.evaluate(
        """(ids) => {
            const { subgraph, node } = app.graph.convertToSubgraph(new Set(ids.map((id) => app.graph.getNodeById(id))));
            node.title = "Refine";
            window.madeSubgraph = subgraph;
        }""",
        [editor.ids[name] for name in names],
    )
    if "stats" in names:
        page.evaluate("() => app.canvas.setGraph(window.madeSubgraph)")
    editor.queue()
    (run,) = editor.wait_for_runs(1)
    assert ":" in run["info"]["node_id"]
    page.evaluate(
        """() => {
            const nodes = app.canvas.graph.nodes ?? app.canvas.graph._nodes;
            const { pos } = nodes.find(({ comfyClass }) => comfyClass === "AdaCacheStats");
            Object.assign(app.canvas.ds, { scale: 1, offset: [700 - pos[0], 250 - pos[1]] });
            app.canvas.setDirty(true, true);
        }"""
    )
    page.locator(".adacache-node").get_by_text(on_node(run)).wait_for()
    assert "Refine / sampler" in panel.locator(".adacache-eyebrow").inner_text()


def test_a_server_that_restarts_while_the_page_is_open(browser, tmp_path, monkeypatch):
    """The run is lost and said to be; what was seen stays, and the next run shows."""
    port = serve._free_port()
    monkeypatch.setattr(serve, "_free_port", lambda: port)
    with hosting.serving("1.58.1", tmp_path / "one") as url:
        editing = opened(browser, url)
        editor = editing.__enter__()
        try:
            editor.open_panel()
            (before,) = editor.run_graph(small(207))
            editor.load(small(208, **LONG))
            editor.queue()
            editor.page.wait_for_function(REACHED, arg=3)
        except BaseException:
            editing.__exit__(None, None, None)
            raise
    try:
        with hosting.serving("1.58.1", tmp_path / "two"):
            editor.panel.locator(".adacache-notice", has_text="The server stopped or was restarted").wait_for()
            assert not editor.page.locator(LIVE).count()
            (after,) = editor.run_graph(small(209))
            assert counted(after) in editor.headline
            rows = editor.panel.locator(".adacache-run")
            assert rows.count() == 3
            assert f"{before['derived']['computed']} of {len(before['records'])}" in rows.nth(2).inner_text()
            assert "lost" in rows.nth(1).inner_text()
            assert not editor.errors
    finally:
        editing.__exit__(None, None, None)
