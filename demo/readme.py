"""Puts what the demo measured into README.md."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from demo import host
from demo.results import Row, as_markdown

BEGIN = "<!-- demo table: written by demo/run.sh --update-readme -->"
END = "<!-- end of demo table -->"
PICTURES = ("frames.png", "plot_adacache.png", "plot_adacache_moreg.png")


def update(file: Path, table: Sequence[Row]) -> None:
    """Replaces the table between the markers and copies the pictures that README.md shows."""
    text = file.read_text()
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{file.name} has no place for the table: {BEGIN} ... {END}")
    file.write_text(f"{before}{BEGIN}\n{as_markdown(table)}{END}{after}")
    (host.DEMO / "pictures").mkdir(exist_ok=True)
    for name in PICTURES:
        shutil.copyfile(host.OUTPUT / name, host.DEMO / "pictures" / name)
