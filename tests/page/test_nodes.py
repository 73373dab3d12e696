"""What our nodes show of a run, on the node itself."""

from __future__ import annotations

import json

from editing import small
from saved import BYPASSED

from demo.client import Graph
from demo.workflow import Caching

WIDEN = """(id) => {
    const node = app.graph.getNodeById(id);
    node.setSize([node.size[0] + 40, node.size[1]]);
}"""


def with_calibrate(seed: int) -> Graph:
    work = small(seed, Caching(preset="measure only"))
    settings = {"target": "speed-up (x)", "amount": 2, "runs": "this graph's runs", "protect": 0.15}
    links = {"handle": ["adacache", 1], "value": ["sampler", 0]}
    inputs = settings | links | {"with_moreg": False, "save_as": ""}
    return work | {"calibrate": {"class_type": "AdaCacheCalibrate", "inputs": inputs}}


def test_cache_stats_says_that_nothing_was_recorded_and_shows_no_older_run(editor):
    node = editor.page.locator(".adacache-node")
    editor.open_panel()
    editor.run_graph(small(301))
    node.locator("svg").wait_for()
    editor.put("adacache", "preset", "off")
    editor.queue()
    node.get_by_text("No run was recorded").wait_for()
    assert not node.locator("svg").count()
    editor.mode("adacache", BYPASSED)
    editor.queue()
    node.get_by_text("AdaCache is bypassed").wait_for()
    editor.mode("adacache", 0)
    editor.put("adacache", "preset", "turbo")
    editor.note_runs()
    editor.queue()
    editor.wait_for_runs(1)
    node.locator("svg").wait_for()


def test_numbers_under_the_mouse(editor):
    editor.open_panel()
    (run,) = editor.run_graph(small(304))
    node = editor.page.locator(".adacache-node")
    node.locator("svg").hover(position={"x": 4, "y": 20})
    first = run["records"][0]
    node.get_by_text("Step 1 computed").wait_for()
    assert f"{round(first['milliseconds']):,} ms" in node.inner_text()
    editor.page.mouse.move(20, 300)
    node.get_by_text(f"{run['derived']['computed']} of 12 computed").wait_for()


def test_numbers_stay_under_a_mouse_that_rests_while_the_plot_is_drawn_anew(editor):
    editor.open_panel()
    editor.run_graph(small(306))
    plot = editor.page.locator(".adacache-node svg")
    before = plot.element_handle()
    plot.hover(position={"x": 4, "y": 20})
    editor.page.locator(".adacache-node").get_by_text("Step 1 computed").wait_for()
    editor.page.evaluate(WIDEN, editor.ids["stats"])
    before.wait_for_element_state("hidden")  # another has taken its place
    editor.page.wait_for_timeout(100)
    assert "Step 1 computed" in editor.page.locator(".adacache-node").inner_text()


def test_a_plot_follows_the_theme_at_once(editor):
    editor.set("Comfy.ColorPalette", "dark")
    editor.open_panel()
    editor.run_graph(small(302))
    node = editor.page.locator(".adacache-node")
    node.locator("svg").wait_for()
    try:
        editor.set("Comfy.ColorPalette", "light")
        editor.page.wait_for_selector(".adacache-node.light")
        editor.set("Comfy.ColorPalette", "dark")
        editor.page.wait_for_selector(".adacache-node:not(.light)")
    finally:
        editor.set("Comfy.ColorPalette", "dark")


def test_a_report_is_read_on_the_node_and_is_there_after_a_look_elsewhere(editor):
    page = editor.page
    editor.open_panel()
    editor.run_graph(with_calibrate(303))
    editor.look_at("calibrate")
    words = page.locator(".adacache-report .words")
    words.get_by_text("measured: 1 run").wait_for()
    assert words.bounding_box()["height"] > 80
    assert "measured: 1 run" not in page.evaluate("() => JSON.stringify(app.graph.serialize())")
    page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    words.wait_for(state="detached")
    page.evaluate("() => app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow')")
    words.get_by_text("measured: 1 run").wait_for()


def test_a_saved_preset_of_before_shows_its_new_name(editor):
    editor.load(small(305))
    patch = editor.ids["adacache"]
    editor.put("adacache", "preset", "paper slow")
    saved = editor.page.evaluate("() => app.graph.serialize()")
    assert "paper slow" in json.dumps(saved)
    editor.page.evaluate("(work) => app.loadGraphData(work)", saved)
    shown = "(id) => app.graph.getNodeById(id).widgets.find(({ name }) => name === 'preset').value"
    assert editor.page.evaluate(shown, patch) == "as published (slow)"
