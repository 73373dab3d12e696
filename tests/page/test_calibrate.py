"""One click on a measured run: a codebook, with what to expect of it, in the clipboard."""

from __future__ import annotations

import json

from editing import small

from demo.workflow import Caching


def test_a_measured_run_proposes_a_codebook(editor):
    """A cached run does not, and there is nothing to click."""
    panel = editor.open_panel()
    button = panel.get_by_role("button", name="Propose a codebook")
    editor.run_graph(small(151))
    assert not button.is_visible()
    editor.run_graph(small(152, Caching(preset="measure only")))
    button.click()
    status = panel.locator(".adacache-status")
    status.get_by_text("Codebook for about twice the speed").wait_for()
    found = json.loads(editor.page.evaluate("navigator.clipboard.readText()"))
    assert f"{found['computed']:.1f} of 12 steps computed: {found['codebook']}." in status.inner_text()
    assert found["plan"] and "Its plan output is for locked_schedule" in status.inner_text()
