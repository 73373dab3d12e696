"""Codebooks: one line of text, strict thresholds, and the rule for other step counts."""

from __future__ import annotations

import math
import random

import pytest

from adacache import PAPER_FAST, PUBLISHED, Codebook, Settings, SettingsError
from adacache.schedules.codebook import nearest_codebook

FAST = "0.08:6 0.16:5 0.24:4 0.32:3 0.40:2 1.00:1"


def test_published_text() -> None:
    """The published codebooks print as in the paper, and read back as the same."""
    assert {name: str(book) for name, book in PUBLISHED.items()} == {
        "fast 30": FAST,
        "slow 30": "0.08:3 0.16:2 0.24:1 0.32:1 0.40:1 1.00:1",
        "fast 100": "0.03:12 0.05:10 0.07:8 0.09:6 0.11:4 1.00:3",
    }
    for book in PUBLISHED.values():
        assert Codebook.parse(str(book), book.steps) == book


@pytest.mark.parametrize("seed", range(20))
def test_text_round_trip(seed: int) -> None:
    """A codebook of any number of entries and any thresholds reads back exactly."""
    dice = random.Random(seed)
    thresholds = sorted(10 ** dice.uniform(-9, 6) for _ in range(dice.randint(1, 40)))
    book = Codebook(tuple((t, dice.randint(1, 500)) for t in thresholds))
    assert Codebook.parse(str(book)) == book


@pytest.mark.parametrize(
    "text",
    ["0.1:2 0.2:1", "0.1:2,0.2:1", "0.1:2;0.2:1", " 0.1:2 ,\n\t0.2:1 \n", "1e-1:2, 2E-1:1,", ".1:2 +0.2:01"],
)
def test_separators(text: str) -> None:
    """Spaces, commas, semicolons and line breaks separate entries, alone or together."""
    assert Codebook.parse(text).entries == ((0.1, 2), (0.2, 1))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0.08:6 0.16=5", ["entry 2", "character 8", '"0.16=5"', "threshold:rate", "0.08:6"]),
        ("0.08:6 0.16", ["entry 2", "character 8", '"0.16"', "threshold:rate"]),
        ("0.08:6,, 0.16:2.5", ["entry 2", "character 10", '"0.16:2.5"', "whole number from 1"]),
        ("x:3", ["entry 1", "character 1", '"x:3"', "number above 0"]),
        ("1.2.3:3", ["entry 1", "character 1", '"1.2.3:3"']),
        ("nan:3", ["entry 1", "character 1", '"nan:3"']),
        ("0.1:-2", ["entry 1", "character 1", '"0.1:-2"']),
        ("0.1 :2", ["entry 1", "character 1", '"0.1"']),
        ("0.1:2 0:1", ["entry 2", "character 7", "above 0"]),
        ("-0.1:2", ["entry 1", "character 1", "above 0"]),
        ("1e999:2", ["entry 1", "character 1", "above 0"]),
        ("0.1:2 1e7:1", ["entry 2", "character 7", "thresholds from 1e-12 to 1e+06"]),
        ("1e-13:1", ["entry 1", "thresholds from 1e-12"]),
        ("0.1:10001", ["entry 1", "rates up to 10000"]),
        ("0.1:" + "9" * 400, ["entry 1", "rates up to 10000"]),
        ("0.1:0", ["entry 1", "character 1", "rate 0", "1"]),
        ("0.2:3\n0.1:2", ["entry 2", "character 7", "0.1", "ascend"]),
        ("0.2:3 0.2:2", ["entry 2", "character 7", "0.2", "ascend"]),
        ("", ["empty", "0.08:6"]),
        (" ,; \n", ["empty", "0.08:6"]),
    ],
)
def test_bad_text(text: str, parts: list[str]) -> None:
    """Bad text names the entry, where it stands and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        Codebook.parse(text)
    assert caught.value.field == "codebook"
    message = str(caught.value)
    assert message.startswith("codebook: ")
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("entries", "part"),
    [
        ((), "empty"),
        (((0.1, 2), (0.1, 1)), "entry 2"),
        (((math.inf, 2),), "entry 1"),
        (((0.1, 0),), "entry 1"),
    ],
)
def test_bad_entries(entries: tuple[tuple[float, int], ...], part: str) -> None:
    """A codebook made of numbers checks itself as well."""
    with pytest.raises(SettingsError, match=part):
        Codebook(entries)
    with pytest.raises(SettingsError, match="steps"):
        Codebook(((0.1, 2),), steps=0)


def test_threshold_is_strict() -> None:
    """A distance below a threshold takes its rate; one equal to it takes the next."""
    book = Codebook.parse(FAST)
    for (threshold, rate), (_, after) in zip(book.entries[:-1], book.entries[1:], strict=True):
        assert book.rate(math.nextafter(threshold, 0)) == rate
        assert book.rate(threshold) == after
    assert book.rate(0.0) == 6


def test_last_threshold_is_never_tested() -> None:
    """Whatever exceeds all other thresholds gets the last rate, above the last threshold too."""
    book = Codebook.parse("0.03:12 0.11:4 1.00:3")
    assert [book.rate(distance) for distance in (0.11, 0.99, 1.0, 5.0, 1e30)] == [3] * 5
    assert Codebook.parse("0.1:7").rate(99.0) == 7


@pytest.mark.parametrize("distance", [math.nan, math.inf, -math.inf])
def test_distance_that_is_not_finite(distance: float) -> None:
    """A distance that is not a finite number computes the next step."""
    assert Codebook.parse("0.1:7 1:5").rate(distance) == 1


def test_scaled_from_30_to_100_steps() -> None:
    """From 30 to 100 steps thresholds shrink by 0.3, to six digits, and rates double, as published."""
    scaled = PUBLISHED["fast 30"].for_steps(100)
    assert [rate for _, rate in scaled.entries] == [12, 10, 8, 6, 4, 2]
    assert [t for t, _ in scaled.entries] == [0.024, 0.048, 0.072, 0.096, 0.12, 0.3]
    assert scaled.steps == 100
    back = PUBLISHED["fast 100"].for_steps(30)
    assert [rate for _, rate in back.entries] == [6, 5, 4, 3, 2, 2]
    assert [t for t, _ in back.entries] == [0.1, 0.166667, 0.233333, 0.3, 0.366667, 3.33333]


@pytest.mark.parametrize("book", [*PUBLISHED.values(), Codebook.parse("0.1:4 0.3:1")], ids=str)
def test_scaling(book: Codebook) -> None:
    """Scaling changes nothing at its own step count; with more steps no rate falls, and none is below 1."""
    made = book.steps or 30
    assert book.for_steps(made) is book
    scaled = [book.for_steps(steps) for steps in range(1, 301)]
    for fewer, more in zip(scaled, scaled[1:], strict=False):
        for (t1, r1), (t2, r2) in zip(fewer.entries, more.entries, strict=True):
            assert t1 > t2 or book.steps is None
            assert 1 <= r1 <= r2
    if book.steps is None:
        assert set(scaled) == {book}


@pytest.mark.parametrize(("steps", "made"), [(1, 30), (20, 30), (30, 30), (54, 30), (55, 100), (60, 100), (400, 100)])
def test_nearest_codebook(steps: int, made: int) -> None:
    """The published codebook whose step count is nearest by ratio is taken, and scaled."""
    expected = PUBLISHED["fast 30" if made == 30 else "fast 100"].for_steps(steps)
    assert nearest_codebook(PAPER_FAST, steps) == expected


def test_nearest_codebook_prefers_one_for_any_steps() -> None:
    """A codebook without a step count is as near as can be, and taken as written."""
    own = Codebook.parse("0.1:3 0.2:1")
    assert nearest_codebook((PUBLISHED["fast 100"], own), 40) is own


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"mode": "fast"}, "mode"),
        ({"location": "disk"}, "location"),
        ({"codebooks": ()}, "codebooks"),
        ({"sensitivity": 0.0}, "sensitivity"),
        ({"sensitivity": math.nan}, "sensitivity"),
        ({"sensitivity": math.inf}, "sensitivity"),
        ({"start": 0.6, "end": 0.5}, "start_percent"),
        ({"start": -0.1}, "start_percent"),
        ({"end": 1.1}, "start_percent"),
        ({"max_reuses": -1}, "max_reuses"),
    ],
)
def test_bad_settings(changed: dict[str, object], field: str) -> None:
    """A setting that cannot work is refused by name, with its value."""
    with pytest.raises(SettingsError) as caught:
        Settings(**changed)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


def test_scaling_keeps_thresholds_apart_that_differ_in_the_seventh_digit():
    """Thresholds are shortened for reading only where they stay ascending."""
    scaled = Codebook(((0.1, 3), (0.10000001, 2), (1.0, 1)), steps=30).for_steps(50)
    thresholds = [threshold for threshold, _ in scaled.entries]
    assert thresholds == sorted(set(thresholds)) and len(thresholds) == 3


def test_what_can_be_written_can_be_scaled() -> None:
    """No text is taken that a run of another step count could not use; thresholds that fall together are one."""
    close = (0.1, math.nextafter(0.1, 1), math.nextafter(math.nextafter(0.1, 1), 1))
    for text in ("1e-12:1", "1e6:10000", "1e-12:10000 1e6:1", " ".join(f"{t!r}:{n}" for n, t in enumerate(close, 1))):
        for made in (1, 3, 10_000):
            for steps in (1, 7, 10_000):
                assert Codebook.parse(text, made).for_steps(steps).steps == steps
