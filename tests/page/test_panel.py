"""The panel beside real runs: what it shows is what the server recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from editing import opened, small, two_samplers
from saved import BYPASSED

from demo.workflow import Caching

TRACES = Path(__file__).resolve().parents[1] / "web" / "traces.json"
COUNTED = re.compile(r"(\d+) of (\d+) steps computed")

# Notes that a file was asked for, in place of the browser's dialogue.
ASKED = """(one) => one.addEventListener("click", (event) => {
    window.asked = true;
    event.preventDefault();
})"""
TWO_SHOWN = "() => document.querySelectorAll('.adacache-headline').length === 2"
PLOT_FITS = """() => {
    const node = document.querySelector(".adacache-node");
    const [box, plot] = [node, node?.querySelector("svg")].map((one) => one?.getBoundingClientRect());
    return plot && box.width > 150 && box.height > 60 && plot.bottom <= box.bottom + 1;
}"""


def counted(run: dict) -> str:
    return f"{run['derived']['computed']} of {len(run['records'])} steps computed"


def test_strip_fills_while_sampling(editor):
    editor.open_panel()
    editor.load(small(101, Caching(preset="measure only"), size=128, frames=33, steps=20))
    editor.queue()
    editor.page.wait_for_selector(".adacache-badge.live")
    seen = set()
    while editor.page.locator(".adacache-badge.live").count():
        found = COUNTED.search(editor.headline)
        seen.add(int(found[2]) if found else 0)
        editor.page.wait_for_timeout(30)
    assert len(seen) > 5, seen
    (run,) = editor.wait_for_runs(1)
    assert counted(run) in editor.headline
    assert "Measuring computes every step" in editor.panel.inner_text()


def test_counts_are_those_of_trace_and_node(editor):
    panel = editor.open_panel()
    (run,) = editor.run_graph(small(102))
    assert run["derived"]["reused"] > 0
    assert counted(run) in editor.headline
    assert "faster" in editor.headline
    computed, reused = run["derived"]["computed"], run["derived"]["reused"]
    assert f"{computed} computed" in panel.locator("svg").first.text_content()
    assert f"{reused} reused" in panel.locator("svg").first.text_content()
    node = editor.page.locator(".adacache-node")
    assert f"{computed} of {computed + reused} computed" in node.inner_text()
    panel.locator("summary").click()
    panel.locator("tbody tr").first.wait_for()
    assert panel.locator("tbody tr.computed").count() == computed
    assert panel.locator("tbody tr.reused").count() == reused


def test_reload_keeps_runs_and_pin(editor):
    panel = editor.open_panel()
    (run,) = editor.run_graph(small(103))
    panel.get_by_role("button", name=re.compile("^Pin")).first.click()
    editor.enter()
    editor.open_panel()
    editor.page.wait_for_selector(".adacache-badge:has-text('pinned')")
    assert counted(run) in editor.headline


def test_panel_opened_and_closed_in_mid_run(editor):
    """The host takes the view away and asks for it again; the store goes on."""
    editor.load(small(104, size=128, frames=33, steps=30))
    editor.queue()
    editor.page.wait_for_function("() => /of 30 computed/.test(document.querySelector('.adacache-node')?.textContent)")
    panel = editor.open_panel()
    editor.page.evaluate("() => app.extensionManager.command.execute('AdaCache.TogglePanel')")
    panel.wait_for(state="detached")
    editor.open_panel()
    editor.page.wait_for_function("() => !document.querySelector('.adacache-badge.live')")
    assert counted(editor.runs()[-1]) in editor.headline


def test_two_samplers_are_named_and_overlaid(editor):
    panel = editor.open_panel()
    editor.load(two_samplers(105))
    editor.title("sampler", "High noise")
    editor.title("low", "<img src=x onerror='window.harmed = 1'>")
    editor.queue()
    first, second = editor.wait_for_runs(2)
    assert first["info"]["node_id"] != second["info"]["node_id"]
    rows = panel.locator(".adacache-run")
    assert "<img src=x" in rows.nth(0).inner_text()
    assert "High noise" in rows.nth(1).inner_text()
    assert not editor.page.evaluate("() => window.harmed")
    assert "High noise: " in editor.page.locator(".adacache-node").inner_text()
    rows.nth(1).get_by_role("button", name="Overlay").click()
    editor.page.wait_for_function(TWO_SHOWN)
    headlines = panel.locator(".adacache-headline").all_inner_texts()
    assert counted(second) in headlines[0]
    assert counted(first) in headlines[1]
    svg = panel.locator(".adacache-plots svg")
    assert {"A", "B", "next B"} <= set(svg.locator("text").all_text_contents())


def test_export_and_import(editor, tmp_path):
    panel = editor.open_panel()
    (run,) = editor.run_graph(small(106))
    files = {}
    for label in ("JSON", "CSV", "SVG", "PNG"):
        with editor.page.expect_download() as downloading:
            panel.get_by_role("button", name=label, exact=True).click()
        files[label] = tmp_path / downloading.value.suggested_filename
        downloading.value.save_as(files[label])
    (exported,) = json.loads(files["JSON"].read_text())["runs"]
    assert exported["records"] == run["records"]
    assert exported["info"] == run["info"]
    assert "about" not in exported
    assert len(files["CSV"].read_text().splitlines()) == 1 + len(run["records"])
    assert counted(run) in files["SVG"].read_text()
    assert "var(" not in files["SVG"].read_text()
    assert files["PNG"].read_bytes()[:4] == b"\x89PNG"

    rows = panel.locator(".adacache-run")
    before = rows.count()
    for text, words in (
        ("{", "not a JSON file"),
        ('{"version": 9, "runs": []}', "version 9"),
        ("{}", "not an AdaCache"),
    ):
        (tmp_path / "bad.json").write_text(text)
        panel.locator("input[type=file]").set_input_files(tmp_path / "bad.json")
        panel.locator(".adacache-status", has_text=words).wait_for()
        assert rows.count() == before
    (tmp_path / "huge.json").write_bytes(b" " * (17 << 20))
    panel.locator("input[type=file]").set_input_files(tmp_path / "huge.json")
    panel.locator(".adacache-status", has_text="larger than 16 MiB").wait_for()
    assert rows.count() == before
    panel.locator("input[type=file]").set_input_files(files["JSON"])
    panel.locator(".adacache-badge", has_text="imported").wait_for()
    assert rows.count() == before + 1
    assert counted(run) in editor.headline


def test_lock_and_replay(editor):
    panel = editor.open_panel()
    (draft,) = editor.run_graph(small(107))
    locked = "(id) => app.graph.getNodeById(id).widgets.find(({ name }) => name === 'locked_schedule').value"
    panel.get_by_role("button", name="Lock schedule").click()
    panel.locator(".adacache-status", has_text="Locked: 12 steps").wait_for()
    patch = editor.ids["adacache"]
    assert editor.page.evaluate(locked, patch) == draft["derived"]["locked"]
    editor.page.evaluate("() => app.extensionManager.command.execute('Comfy.Undo')")
    editor.page.wait_for_function(f"(id) => ({locked})(id) === ''", arg=patch)
    panel.get_by_role("button", name="Lock schedule").click()
    editor.page.wait_for_function(f"(id) => ({locked})(id) !== ''", arg=patch)
    editor.note_runs()
    editor.queue()
    (final,) = editor.wait_for_runs(1)
    assert [r["computed"] for r in final["records"]] == [r["computed"] for r in draft["records"]]
    assert {r["reason"] for r in final["records"]} == {"locked", "reused"}
    assert "measured; the locked schedule decides" in panel.locator(".adacache-plots svg").text_content()
    panel.locator(".adacache-badge", has_text="locked schedule").wait_for()


def test_a_schedule_is_copied_where_the_graph_has_no_node_for_it(editor):
    panel = editor.open_panel()
    (draft,) = editor.run_graph(small(207))
    editor.page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    editor.page.evaluate("() => app.graph.clear()")
    panel.locator(".adacache-run .show").first.click()  # drawn anew
    panel.get_by_role("button", name="Copy schedule").click()
    panel.locator(".adacache-status", has_text="Schedule copied").wait_for()
    assert editor.page.evaluate("() => navigator.clipboard.readText()") == draft["derived"]["locked"]


def test_a_codebook_can_be_copied_where_there_is_one(editor):
    """Planned steps have none."""
    button = editor.open_panel().get_by_role("button", name="Copy codebook")
    (run,) = editor.run_graph(small(108))
    button.click()
    editor.panel.locator(".adacache-status", has_text="Codebook copied").wait_for()
    assert editor.page.evaluate("() => navigator.clipboard.readText()") == run["codebook"]
    editor.panel.locator(".adacache-plots").hover()  # the next run takes them away from under the mouse
    (planned,) = editor.run_graph(small(208, Caching(preset="balanced")))
    assert not planned["codebook"] and not button.is_visible()


def test_a_queue_that_recorded_no_run_is_told_until_the_next_run(editor):
    """Without AdaCache, and where nothing changed: the run that is shown is an older one."""
    notice = ".adacache-notice"
    panel = editor.open_panel()
    editor.load(small(133))
    editor.put("sampler", "control_after_generate", "fixed")
    editor.queue()
    editor.wait_for_runs(1)
    assert not panel.locator(notice).count()
    for mode, told in ((BYPASSED, "The last queue was without AdaCache"), (0, ""), (0, "a new seed makes it run")):
        editor.mode("adacache", mode)
        editor.note_runs()
        editor.queue()
        if told:
            panel.locator(notice, has_text=told).wait_for()
        else:
            editor.wait_for_runs(1)
            assert not panel.locator(notice).count()


def test_a_node_that_told_of_no_run_tells_it_after_a_look_elsewhere_and_in_another_language(editor):
    """The host makes the nodes anew then; an older run is not this graph's last word."""
    page, node = editor.page, editor.page.locator(".adacache-node")
    editor.open_panel()
    editor.run_graph(small(134))
    editor.mode("adacache", BYPASSED)
    editor.queue()
    node.get_by_text("AdaCache is bypassed").wait_for()
    page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    node.wait_for(state="detached")
    page.evaluate("() => app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow')")
    node.get_by_text("AdaCache is bypassed").wait_for()
    try:
        editor.set("Comfy.Locale", "zh")
        node.get_by_text("AdaCache 被绕过").wait_for()
        page.wait_for_timeout(1500)  # newer hosts load the graph anew
        node.get_by_text("AdaCache 被绕过").wait_for()
    finally:
        editor.set("Comfy.Locale", "en")
    page.wait_for_timeout(1500)


def test_cancelled_run_says_so(editor):
    panel = editor.open_panel()
    editor.load(small(109, size=128, frames=33, steps=400))
    editor.queue()
    editor.page.wait_for_selector(".adacache-badge.live")
    panel.locator(".adacache-headline", has_text=COUNTED).wait_for()
    editor.page.evaluate("() => fetch('/api/interrupt', { method: 'POST' })")
    panel.locator(".adacache-badge", has_text="cancelled").first.wait_for()
    assert re.search(r"Cancelled after \d+ of 400 steps", panel.inner_text())
    panel.get_by_role("button", name="Lock schedule").click()
    panel.locator(".adacache-status.bad", has_text="has not reached its last step").wait_for()


@pytest.mark.parametrize("palette", ["dark", "light"])
@pytest.mark.parametrize("vue", [False, True], ids=["canvas-nodes", "vue-nodes"])
def test_node_plot_in_both_node_modes_and_themes(editor, vue, palette):
    editor.set("Comfy.VueNodes.Enabled", vue)
    editor.set("Comfy.ColorPalette", palette)
    try:
        panel = editor.open_panel()
        (run,) = editor.run_graph(small(110 + 2 * vue + (palette == "light")))
        node = editor.page.locator(".adacache-node")
        node.locator("svg").wait_for()
        editor.page.wait_for_function(PLOT_FITS)  # the plot is drawn anew with each change of the node's size
        for place in (panel, node):
            assert ("light" in place.get_attribute("class").split()) == (palette == "light")
        saved = editor.page.evaluate("() => JSON.stringify(app.graph.serialize())")
        assert run["info"]["run_id"] not in saved
    finally:
        editor.set("Comfy.VueNodes.Enabled", False)
        editor.set("Comfy.ColorPalette", "dark")


def test_setting_says_where_live_plots_show(editor):
    editor.load(small(120))
    node = editor.page.locator(".adacache-node")
    node.wait_for()
    try:
        editor.set("AdaCache.LivePlots", "panel")
        node.wait_for(state="hidden")
        editor.set("AdaCache.LivePlots", "node")
        node.wait_for(state="visible")
    finally:
        editor.set("AdaCache.LivePlots", "both")


def test_keyboard_alone(editor):
    page = editor.page
    page.locator("body").click(position={"x": 700, "y": 500})
    page.keyboard.press("Shift+A")
    editor.panel.wait_for()
    (run,) = editor.run_graph(small(121))
    field = page.locator(".adacache-plots")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement?.classList.contains('adacache-plots')"):
            break
    assert page.evaluate("() => document.activeElement.classList.contains('adacache-plots')")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert field.get_attribute("aria-valuenow") == "5"
    step = run["records"][4]
    said = field.get_attribute("aria-valuetext")
    assert said.startswith(f"Step 5, {'computed' if step['computed'] else 'reused'}")
    assert "noise level" in said
    assert said.split(";")[0] in page.locator(".adacache-readout").inner_text()
    page.keyboard.press("End")
    assert field.get_attribute("aria-valuenow") == str(len(run["records"]))
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Lock schedule"
    page.keyboard.press("Enter")
    editor.panel.locator(".adacache-status", has_text="Locked: 12 steps").wait_for()
    page.keyboard.press("Shift+A")
    editor.panel.wait_for(state="detached")


def test_history_by_keyboard(editor, tmp_path):
    """Overlay, pin and import without a mouse."""
    panel, page = editor.open_panel(), editor.page
    (first,) = editor.run_graph(small(122))
    (second,) = editor.run_graph(small(123))
    row = f'[data-run="{first["info"]["run_id"]}"]'
    panel.locator(".adacache-plots").focus()

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not come to {selector}")

    tab_to(f'{row} button[aria-label^="Overlay"]')
    page.keyboard.press("Enter")
    headlines = panel.locator(".adacache-headline")
    page.wait_for_function(TWO_SHOWN)
    for run, text in zip((second, first), headlines.all_inner_texts(), strict=True):
        assert counted(run) in text
    tab_to(f'{row} button[aria-label^="Pin"]')
    page.keyboard.press("Enter")
    panel.locator(f'{row} button[aria-label^="Pin"][aria-pressed=true]').wait_for()
    assert panel.locator(".adacache-run").first.get_attribute("data-run") == first["info"]["run_id"]
    assert page.evaluate("(row) => !!document.activeElement.closest(row)", row)  # it moved up, and the focus with it
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # shows it, in place of the newest
    panel.locator(f"{row} .show[aria-pressed=true]").wait_for()
    picker = panel.locator("input[type=file]")
    # The browser's own dialogue, which Enter on the button asks for, is not waited for: it is not ours.
    picker.evaluate(ASKED)
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("() => document.activeElement.textContent") == "Import JSON":
            break
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.asked")
    traces = tmp_path / "shared.json"
    traces.write_text(json.dumps({"version": 1, "runs": [json.loads(TRACES.read_text())["fast"]]}))
    picker.set_input_files(traces)
    panel.locator(".adacache-status", has_text="One run imported").wait_for()


def test_an_older_run_is_called_so_until_new_ones_are_followed_again(editor):
    panel = editor.open_panel()
    (first,) = editor.run_graph(small(124))
    editor.run_graph(small(125))
    panel.locator(f'[data-run="{first["info"]["run_id"]}"] .show').click()
    older = panel.locator(".adacache-badge", has_text="older run")
    older.wait_for()
    (newest,) = editor.run_graph(small(126, steps=14))
    assert counted(first) in editor.headline
    panel.get_by_role("button", name="Follow new runs").click()
    older.wait_for(state="detached")
    assert counted(newest) in editor.headline


def test_a_thousand_steps_draw_without_a_stall(editor, tmp_path):
    panel = editor.open_panel()
    run = json.loads(TRACES.read_text())["fast"]
    records = [dict(run["records"][n % 30], evaluation=n + 1, step=n + 1, sigma=1 - n / 1000) for n in range(1000)]
    (tmp_path / "long.json").write_text(json.dumps({"version": 1, "runs": [dict(run, steps=1000, records=records)]}))
    panel.locator("input[type=file]").set_input_files(tmp_path / "long.json")
    editor.page.wait_for_function(
        "() => /of 1000 steps/.test(document.querySelector('.adacache-headline')?.textContent)"
    )
    assert panel.locator("svg").first.locator("*").count() < 120
    longest = editor.page.evaluate(
        """async () => {
            const field = document.querySelector(".adacache-plots");
            const { left, top } = field.getBoundingClientRect();
            let longest = 0;
            for (let n = 0; n < 40; n += 1) {
                const start = performance.now();
                const place = { clientX: left + 60 + n, clientY: top + 60 };
                field.dispatchEvent(new PointerEvent("pointermove", place));
                await new Promise(requestAnimationFrame);
                longest = Math.max(longest, performance.now() - start);
            }
            return longest;
        }"""
    )
    assert longest < 500  # on a busy machine; a stall is seconds


def cuts_nothing_off(editor, seed: int) -> None:
    """With a long name, in mid-run, after it was cancelled, and with a whole run."""
    panel = editor.open_panel()
    editor.load(small(seed, Caching(preset="measure only"), size=128, frames=33, steps=400))
    editor.title("sampler", "A sampler with a long name, " + 40 * "x")
    editor.queue()
    panel.locator(".adacache-headline", has_text=COUNTED).wait_for()
    editor.page.evaluate("() => fetch('/api/interrupt', { method: 'POST' })")
    panel.locator(".adacache-badge", has_text="cancelled").first.wait_for()
    assert panel.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1")
    editor.run_graph(small(seed))
    assert panel.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1")


def test_a_narrow_panel_cuts_nothing_off(editor):
    cuts_nothing_off(editor, 131)


def test_zoom_cuts_nothing_off(browser, server):
    with opened(browser, server, viewport={"width": 700, "height": 700}, device_scale_factor=2) as editor:
        cuts_nothing_off(editor, 132)
        assert not editor.errors
