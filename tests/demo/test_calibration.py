"""The table of what calibration promised and what it kept, without a host."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench.calibration import Way, largest, table


def test_table_says_what_is_beyond_ten_percent() -> None:
    row = {"calibration": {"computed": 12.0}, "speed_up": [2.0, 2.2], "largest_change": [20.0, 22.0]}
    ways = [
        (Way(30, ("still",), "computed steps (%)", 40.0), [12, 13]),
        (Way(30, ("still",), "computed steps (%)", 40.0, with_moreg=True), [14, 15]),
        (Way(30, ("still",), "speed-up (x)", 2.0), [12, 13]),
    ]
    rows = [row | {"way": list(way), "computed": computed} for way, computed in ways]
    rows[0] |= {"psnr": [40.0, 50.0], "plan_psnr": [50.0, 60.0], "preset_psnr": [51.0, 61.0]}
    lines = table(rows).splitlines()
    assert lines[2].endswith("| 12.0 | 12.5 (12 to 13) | 12.5 | +4% | 45.0 / 41.0 | 55.0 / 51.0 | 56.0 / 52.0 |")
    assert "balanced + MoReg" in lines[3] and lines[3].endswith("| 14.5 | +21% (beyond 10 %) |  |  |  |")
    assert lines[4].endswith("| 2.1 | +5% |  |  |  |")
    assert len({line.count("|") for line in lines}) == 1


def test_largest_change_is_of_intervals_with_reused_steps() -> None:
    """Distances are per planned step: 3 planned steps of 0.1 are 0.3; the interval without reuse does not count."""
    steps = [(1, True, None, 1), (2, True, 1.2, 3), (3, False, None, None), (5, True, 0.1, 1), (6, True, 0.9, 1)]
    records = [SimpleNamespace(step=s, computed=c, distance=d, rate=r) for s, c, d, r in steps]
    assert largest(SimpleNamespace(records=records)) == pytest.approx(0.3)
