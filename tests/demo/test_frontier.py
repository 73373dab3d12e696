"""The frontier's report without a host, and a small slice of the bench as its command runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.report import at_equal, interval, table, write
from demo import host

ROOT = Path(__file__).parents[2]


def rows(method: str, setting: str, computed: float, *values: float) -> list[dict[str, Any]]:
    about = {"prompt": "p", "level": "still", "steps": 30, "sampler": "euler", "seconds": 1.0, "uncached": 2.0}
    about |= {"method": method, "way": f"{method} {setting}", "computed": computed, "ssim": 0.9}
    return [about | {"seed": seed, "psnr": psnr} for seed, psnr in enumerate(values)]


ROWS = [
    *rows("ours", "fast", 12, 40.0, 50.0),
    *rows("rival", "loose", 10, 20.0, 24.0),
    *rows("rival", "strict", 14, 30.0, 34.0),
    *rows("floor: another seed", "", 30, 10.0, 11.0),
]


def test_table() -> None:
    """One line per way, by computed steps and floors last, with the ratio of seconds, mean and worst."""
    lines = table(ROWS).splitlines()[2:]
    assert [line.split("|")[1].strip() for line in lines] == [
        "rival loose",
        "ours fast",
        "rival strict",
        "floor: another seed",
    ]
    assert lines[1].split("|")[2:6] == [" 2 ", " 12.0 ", " 2.00x ", " 45.0 "]
    assert lines[1].split("|")[8].strip() == "40.0"


def test_at_equal_steps() -> None:
    """A rival is read off between its settings, and no floor is a rival."""
    (first, *_) = at_equal(ROWS, (12,)).splitlines()[2:]
    assert first == "| 12 | mean | 45.0 | 27.0 | rival | +18.0 |"
    assert len(at_equal(ROWS, (20,)).splitlines()) == 2, "ours has no point there"
    fewer_videos = [*ROWS, *rows("lucky", "", 12, 60.0)]
    assert at_equal(fewer_videos, (12,)) == at_equal(ROWS, (12,)), "measured on other videos"


def test_a_bench_that_was_stopped_compares_what_all_have() -> None:
    """The video that some ways were not measured on any more counts for none of them."""
    many = [*rows("ours", "fast", 12, *[40.0] * 10), *rows("rival", "strict", 12, *[30.0] * 10, 90.0)]
    assert at_equal(many, (12,)).splitlines()[2] == "| 12 | mean | 40.0 | 30.0 | rival | +10.0 |"


def test_interval_holds_the_mean() -> None:
    """The interval is around the mean, and a point where all values agree."""
    low, high = interval([1.0, 2.0, 3.0, 4.0])
    assert 1.0 <= low < 2.5 < high <= 4.0
    assert interval([5.0, 5.0]) == (5.0, 5.0)


def test_report_is_written(tmp_path: Path) -> None:
    """Tables, and a plot that is the same file for the same numbers."""
    write(ROWS, tmp_path / "one")
    write(ROWS, tmp_path / "two")
    assert "euler, 30 steps, 2 videos" in (tmp_path / "one.md").read_text()
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.skipif(not host.is_here(), reason="needs a ComfyUI")
def test_a_small_slice(tmp_path: Path) -> None:
    """The command measures each kind of way on one video, and goes on where it stopped."""
    out = tmp_path / "slice.jsonl"
    methods = ["ours", "LazyCache", "T-GATE", "Delta-DiT"]
    command = [sys.executable, "-m", "bench.frontier", "--prompts", "1", "--seeds", "5", "--steps", "10"]
    command += ["--samplers", "euler", "--out", str(out), "--ways", *methods]
    quick = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, cwd=ROOT, env=quick, capture_output=True, timeout=300)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert {row["method"] for row in found} >= set(methods)
    for row in found:
        if row["method"].startswith("floor: 1e-4"):
            assert row["computed"] == 10 and row["psnr"] > 50
        elif not row["method"].startswith("floor"):
            # A way that saves nothing equals the uncached video, and one that saves something does not.
            assert 2 < row["computed"] <= 10.001
            assert (row["psnr"] == 100.0) == (row["computed"] > 9.999), row
    ours = {row["way"]: row["computed"] for row in found if row["method"] == "ours"}
    assert ours["ours turbo"] < ours["ours balanced"] < ours["ours near-lossless"] < 10
    subprocess.run(command, check=True, cwd=ROOT, env=quick, capture_output=True, timeout=300)
    assert len(out.read_text().splitlines()) == len(found), "what was measured is not measured again"
