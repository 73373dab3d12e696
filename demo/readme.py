"""Puts what the demo measured into the READMEs, each table between two comments that name it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from demo import host
from demo.results import Row, as_markdown

PAGES = ("README.md", "README.zh-CN.md")
PICTURES = ("frames.png",)


def between(text: str, name: str, table: str) -> str:
    """A page with another table between `<!-- name -->` and `<!-- end of name -->`.

    Raises:
        ValueError: the page has no such place.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"The page has no place for the table: {begin} ... {end}")
    return f"{before}{begin}\n{table.strip()}\n{end}{after}"


def update(folder: Path, table: Sequence[Row]) -> None:
    """Replaces the table of the demo in the pages of a folder, and copies the pictures that they show."""
    for page in PAGES:
        path = folder / page
        path.write_text(between(path.read_text(), "demo table", as_markdown(table)))
    (host.DEMO / "pictures").mkdir(exist_ok=True)
    for name in PICTURES:
        shutil.copyfile(host.OUTPUT / name, host.DEMO / "pictures" / name)
