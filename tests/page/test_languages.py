"""The panel and the nodes in other languages, which people choose while the page is open."""

from __future__ import annotations

import re

import pytest
from editing import small

from demo.workflow import Caching

# What is the same in all languages: presets, samplers, file formats, units, and names of people's own.
SAME = re.compile(
    r"AdaCache|MoReg|KSampler|Euler|euler|Wan\w*|WAN\w*|balanced|turbo|measure only|as published|\(fast\)|sampler|"
    r"Ctrl\+Z|locked_schedule|Tab|JSON|CSV|SVG|PNG|latent|Latent|GiB|MiB|\bms\b|\b[ABx]\b|\d+x\d*|[ap]\.?m\.?",
    re.IGNORECASE,
)
TITLE = "(id) => app.graph.getNodeById(id)?.title"
OPTIONS = """() => {
    const tab = app.extensionManager.getSidebarTabs().find(({ id }) => id === "adacache");
    return [tab.tooltip, document.querySelector(".adacache-panel")?.innerText];
}"""


def english_in(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", SAME.sub(" ", text))


@pytest.fixture
def speaking(editor):
    """Chooses a language, and English again in the end."""
    yield lambda language: editor.set("Comfy.Locale", language)
    editor.set("Comfy.Locale", "en")


def test_the_panel_follows_the_language_at_once(editor, speaking):
    panel = editor.open_panel()
    panel.get_by_text("Runs", exact=True).wait_for()
    editor.run_graph(small(401, Caching("balanced", moreg=True)))
    panel.locator("summary").click()
    panel.locator("tbody tr").first.wait_for()
    speaking("zh")
    panel.get_by_text("运行", exact=True).first.wait_for()
    panel.locator("summary").click()
    panel.locator("tbody tr").first.wait_for()
    assert not english_in(panel.inner_text()), panel.inner_text()
    tooltip, _ = editor.page.evaluate(OPTIONS)
    assert "哪些步是计算的" in tooltip
    editor.set("Comfy.Locale", "en")
    panel.get_by_text("Runs", exact=True).wait_for()


def test_a_language_is_spoken_from_the_start_on_panel_and_node(editor, speaking):
    editor.worn = True
    speaking("zh-TW")
    editor.page.wait_for_timeout(500)
    editor.enter()
    panel = editor.open_panel()
    panel.get_by_text("還沒有執行").or_(panel.get_by_text("執行", exact=True)).first.wait_for()
    editor.load(small(402))
    node = editor.page.locator(".adacache-node")
    node.get_by_text("下一次執行會一步一步顯示在這裡").wait_for()
    editor.queue()
    editor.wait_for_runs(1)
    node.locator("svg").wait_for()
    assert not english_in(node.inner_text()), node.inner_text()
    for name in ("title", "aria-label"):
        for element in panel.locator(f"[{name}]").all():
            assert not english_in(element.get_attribute(name)), element.get_attribute(name)
