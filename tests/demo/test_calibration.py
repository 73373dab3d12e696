"""The table of what calibration promised and what it kept, without a host."""

from __future__ import annotations

from bench.calibration import table


def test_table() -> None:
    row = {"network": "wan_real", "sampler": "euler", "share": 40.0, "told": [12.0, 11, 13]}
    row |= {"own": [12, 12, 13], "computed": [12, 15]}
    quality = {"codebook": [40.0, 50.0], "plan": [50.0, 60.0], "preset": [51.0, 61.0]}
    lines = table([row | {"psnr": quality}, row | {"psnr": quality, "sampler": "uni_pc"}]).splitlines()
    assert lines[2] == (
        "| wan_real | 12.0 | 11 to 13 | 12.3 (+3%) | 13.5 (+12%) | 12 15 | 1 of 2 "
        "| 45.0 (41.0) | 55.0 (51.0) | 56.0 (52.0) |"
    )
    assert lines[3].startswith("| wan_real, uni_pc | 12.0 |")
    assert len({line.count("|") for line in lines}) == 1
