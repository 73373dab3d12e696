"""The frontier's table, without a host."""

from __future__ import annotations

from bench.frontier import interval, table


def test_table() -> None:
    """One line per way, by computed steps, with mean, 10th percentile and worst."""
    rows = [
        {"way": way, "computed": computed, "psnr": psnr, "ssim": 0.9}
        for way, computed, values in (("slow", 20, (30.0, 50.0)), ("quick", 10, (20.0, 24.0)))
        for psnr in values
    ]
    lines = table(rows).splitlines()
    assert lines[2].startswith("| quick | 2 | 10.0 | 22.0 |") and lines[2].endswith("| 20.0 | 20.0 | 0.900 |")
    assert lines[3].startswith("| slow | 2 | 20.0 | 40.0 |")


def test_interval_holds_the_mean() -> None:
    """The interval is around the mean, and a point where all values agree."""
    low, high = interval([1.0, 2.0, 3.0, 4.0])
    assert 1.0 <= low < 2.5 < high <= 4.0
    assert interval([5.0, 5.0]) == (5.0, 5.0)
