"""The demo's measures and its table."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from demo import host, readme
from demo.metrics import psnr, ssim
from demo.results import Row, Take, as_markdown, as_text, rows, warning

GREY = np.full((2, 16, 16, 3), 100, np.uint8)
ROWS = [
    Row("uncached", 30, 30, 6.0, 1.0, None, None, 6.1, 5.9),
    Row("AdaCache", 30, 12, 2.5, 2.4, 33.94, 0.9791, 2.6, 2.5, 600_000),
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
        Take(name, name, 30, computed, seconds, frames, b"", cache_bytes=2 << computed)
        for name, computed, seconds, frames in (
            ("a", 30, [6.0, 9, 5], GREY),
            ("b", 12, [2.0, 1, 4], GREY + np.uint8(5)),
        )
    ]
    base, cached = rows(takes)
    assert (base.speed_up, base.psnr, base.ssim) == (1, None, None)
    assert (cached.speed_up, cached.computed, cached.cache_bytes) == (3, 12, 2 << 12)
    assert cached.psnr == pytest.approx(34.15)
    assert (cached.seconds, cached.fastest, cached.slowest) == (2, 1, 4)


def test_a_busy_machine_is_told():
    assert warning(ROWS) == "" and "busy" not in as_markdown(ROWS)
    busy = [ROWS[0], replace(ROWS[1], slowest=5.0)]
    assert "(AdaCache) took 2.5 to 5.0 s" in warning(busy)
    assert warning(busy) in as_markdown(busy) and warning(busy) in as_text(busy)


def test_text_table_is_aligned():
    lines = as_text(ROWS).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "12 of 30" in lines[2] and "33.9 dB" in lines[2] and lines[2].endswith("0.6 MiB")


def test_both_readmes_get_the_table_and_its_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(host, "OUTPUT", tmp_path)
    monkeypatch.setattr(host, "DEMO", tmp_path)
    for name in readme.PICTURES:
        (tmp_path / name).write_bytes(b"picture")
    for page in readme.PAGES:
        (tmp_path / page).write_text("before\n<!-- demo table -->\nold\n<!-- end of demo table -->\nafter\n")
    readme.update(tmp_path, ROWS)
    for page in readme.PAGES:
        text = f"before\n<!-- demo table -->\n{as_markdown(ROWS)}<!-- end of demo table -->\nafter\n"
        assert (tmp_path / page).read_text() == text
    assert {picture.name for picture in (tmp_path / "pictures").iterdir()} == set(readme.PICTURES)
