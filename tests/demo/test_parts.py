"""The table of parts of a schedule, without a host."""

from __future__ import annotations

from bench.parts import table


def test_each_way_is_read_beside_one_run_of_the_same_videos() -> None:
    """Measured anew with more videos, a network's rows stand beside the older ones."""
    of = {"network": "n", "sampler": "euler", "shift": 5.0, "preset": "fast"}
    one = [{**of, "way": "one run", "part": "", "computed": [n], "psnr": [30.0 + n] * 2} for n in (8, 10)]
    more = [{**row, "psnr": [row["psnr"][0] + 5] * 3} for row in one]
    split = [{**of, "way": "now", "part": "10+10", "computed": [6, 3], "psnr": [38.0] * count} for count in (2, 3)]
    again = {**of, "way": "now", "part": "denoise 0.5", "computed": [9], "psnr": [50.0] * 2}
    lines = table([*one, *more, *split, again]).splitlines()
    assert [line.split("|")[-2].strip() for line in lines[-3:]] == ["39.0", "44.0", ""]
