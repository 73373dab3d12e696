"""The first page says what was measured, is short, and its Chinese counterpart says the same numbers."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from bench import readme
from demo.readme import between

REPO = Path(__file__).parents[2]
PAGES = {page: (REPO / page).read_text(encoding="utf-8") for page in readme.PAGES}
RESULTS = REPO / "bench" / "results"


@pytest.mark.parametrize("page", PAGES)
def test_its_tables_are_those_of_the_results(page: str):
    """`python -m bench.readme` writes them."""
    assert readme.filled(PAGES[page], page) == PAGES[page]


def test_it_is_read_in_five_minutes():
    plain = re.sub(r"<!--.*?-->|<[^>]+>|\]\([^)]*\)|[|*`#>-]", " ", PAGES["README.md"])
    assert len(plain.split()) < 1200


@pytest.mark.parametrize("page", PAGES)
def test_figures_in_its_sentences_are_the_results(page: str):
    cases = json.loads((RESULTS / "real_size_h100.json").read_text())["cases"]
    large = next(
        case["runs"]["balanced"] for case in cases if (case["network"], case["size"]) == ("Wan 2.1 14B", "480p")
    )
    assert f"**{large['speed_up']:.2f}" in PAGES[page] and f"{large['added_bytes'] / 2**20:.0f} MiB" in PAGES[page]
    best = re.findall(r"(\d+) of (\d+) \|$", (RESULTS / "drafts.md").read_text(), re.MULTILINE)
    for kind in (best[0::2], best[1::2]):  # turbo, then plain steps
        assert str(sum(int(kept) for kept, _ in kind)) in PAGES[page]
    assert str(sum(int(choices) for _, choices in best[0::2])) in PAGES[page]


def test_both_pages_show_the_same():
    shown = {page: re.findall(r"!\[[^\]]*\]\(([^)]+)\)|srcset=\"([^\"]+)\"", text) for page, text in PAGES.items()}
    for one, other in combinations(shown.values(), 2):
        assert one == other


def test_a_table_is_put_between_its_marks():
    assert (
        between("a\n<!-- x -->\nold\n<!-- end of x -->\nb\n", "x", "new\n")
        == "a\n<!-- x -->\nnew\n<!-- end of x -->\nb\n"
    )
    with pytest.raises(ValueError, match="no place"):
        between("a", "x", "new")
