"""The demo's measures and its table."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from demo import host, readme
from demo.metrics import psnr, ssim
from demo.results import Row, Take, as_markdown, as_text, rows

GREY = np.full((2, 16, 16, 3), 100, np.uint8)
ROWS = [
    Row("uncached", 30, 30, 6.0, 1.0, None, None),
    Row("AdaCache", 30, 12, 2.5, 2.4, 33.94, 0.9791),
]


def test_equal_videos():
    assert psnr(GREY, GREY) == math.inf
    assert ssim(GREY, GREY) == pytest.approx(1)


def test_psnr_counts_all_frames_alike():
    other = GREY.copy()
    other[0] += 10
    assert psnr(other, GREY) == pytest.approx(10 * math.log10(255**2 / 50))


def test_rows_compare_with_the_first_take():
    takes = [
        Take(name, name, 30, computed, seconds, frames, b"")
        for name, computed, seconds, frames in (("a", 30, 6.0, GREY), ("b", 12, 2.0, GREY + np.uint8(5)))
    ]
    base, cached = rows(takes)
    assert (base.speed_up, base.psnr, base.ssim) == (1, None, None)
    assert (cached.speed_up, cached.computed) == (3, 12)
    assert cached.psnr == pytest.approx(34.15)


def test_text_table_is_aligned():
    lines = as_text(ROWS).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "12 of 30" in lines[2] and "33.9 dB" in lines[2]


def test_readme_is_changed_between_the_markers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(host, "OUTPUT", tmp_path)
    monkeypatch.setattr(host, "DEMO", tmp_path)
    for name in readme.PICTURES:
        (tmp_path / name).write_bytes(b"picture")
    file = tmp_path / "README.md"
    file.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    readme.update(file, ROWS)
    assert file.read_text() == f"before\n{readme.BEGIN}\n{as_markdown(ROWS)}{readme.END}\nafter\n"
    assert {picture.name for picture in (tmp_path / "pictures").iterdir()} == set(readme.PICTURES)


def test_readme_without_markers_is_an_error(tmp_path: Path):
    file = tmp_path / "README.md"
    file.write_text("no place")
    with pytest.raises(ValueError, match="no place for the table"):
        readme.update(file, ROWS)
