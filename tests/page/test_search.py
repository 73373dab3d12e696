"""Words that people type to add a node, in the frontend's own search."""

from __future__ import annotations

import json
import re

from editing import opened

from demo import host

(WORDS,) = re.findall(
    r"^FOUND_BY = \((.+?)^\)", (host.REPO / "nodes" / "patch.py").read_text(), re.DOTALL | re.MULTILINE
)
FOUND_BY = re.findall(r'"(.+?)"', WORDS)
# The frontend puts nodes with the word in their own name first, such as EasyCache, then those that are used most.
OF_OTHERS = {"cache", "adacache", "easycache", "wavespeed", "speed", "motion"}
SEARCH = """(words) => {
    const pinia = document.querySelector("#vue-app").__vue_app__.config.globalProperties.$pinia;
    const search = pinia._s.get("nodeDef").nodeSearchService;
    return words.map((word) => search.searchNode(word).map(({ name }) => name).indexOf("AdaCachePatchModel"));
}"""


def test_they_lead_to_patch_model(browser, servers):
    """Newer hosts send them with the node; the oldest does not, so they are given to the page here."""

    def route(request):
        answer = request.fetch()
        infos = answer.json()
        infos["AdaCachePatchModel"]["search_aliases"] = FOUND_BY
        request.fulfill(response=answer, body=json.dumps(infos))

    assert set(FOUND_BY) >= OF_OTHERS | {"faster", "accelerate", "teacache", "magcache", "skip steps"}
    with opened(browser, servers("1.58.1"), lambda page: page.route(re.compile(r"/object_info$"), route)) as editor:
        places = dict(zip(FOUND_BY, editor.page.evaluate(SEARCH, FOUND_BY), strict=True))
        assert {word for word in FOUND_BY if places[word] != 0} <= OF_OTHERS, places
        assert all(0 <= place < 10 for place in places.values()), places
