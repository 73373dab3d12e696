"""Every node has a help page: with a picture, with what goes wrong, and short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

REPO = Path(__file__).parents[2]
PAGES = sorted((REPO / "web" / "docs").glob("*.md"))
MADE_BY_SWEEP = {"AdaCacheSweepTake", "AdaCacheSweepSheet"}  # nobody adds these
MOST_WORDS = 500
MOST_BYTES = 40_000  # of a picture: all of them travel with the pack


def test_every_node_has_a_page():
    ids = re.findall(r'node_id="(\w+)"', "".join(path.read_text() for path in (REPO / "nodes").rglob("*.py")))
    assert {page.stem for page in PAGES} == set(ids) - MADE_BY_SWEEP


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_it_has_a_picture_says_what_goes_wrong_and_is_short(page: Path):
    text = page.read_text()
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert (page.parent / picture).stat().st_size < MOST_BYTES
    with Image.open(page.parent / picture) as opened:
        assert opened.width <= 720
    _, _, wrong = text.partition("## What goes wrong\n")
    assert wrong.count("\n- **") >= 2
    assert len(re.sub(r"\]\([^)]*\)|[|*`#-]", " ", text).split()) < MOST_WORDS
