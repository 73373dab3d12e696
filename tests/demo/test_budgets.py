"""What a budget that follows the video is reckoned to gain."""

from __future__ import annotations

from statistics import mean

from bench.budgets import alike, followed, hardness, spent

COUNTS = range(8, 21)
HARD = [-6.0, -2.0, 2.0, 6.0]
TABLE = {count: [2.0 * count - each for each in HARD] for count in COUNTS}
"""Each step more brings each video 2 dB, so three steps make up for 6 dB."""


def test_who_knows_how_hard_videos_are_brings_all_to_one_level() -> None:
    assert hardness(TABLE, 12) == HARD
    for values in (spent(TABLE, 12, HARD), spent(TABLE, 12)):
        assert values == [24.0] * 4


def test_a_signal_is_worth_what_it_tells() -> None:
    """One that rises with hardness evens the videos out, one that falls does the opposite, at as many steps."""
    even, uneven = followed(TABLE, 12, [1, 2, 3, 4]), followed(TABLE, 12, [4, 3, 2, 1])
    assert max(even) - min(even) < 12 < max(uneven) - min(uneven)
    assert mean(even) == mean(uneven) == mean(TABLE[12])
    assert (round(alike([1, 2, 3, 4], HARD)), round(alike([4, 3, 2, 1], HARD))) == (1, -1)
