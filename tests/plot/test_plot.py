"""The picture of a run: every step is drawn, nothing overflows, and no trace makes it fail."""

from __future__ import annotations

import math
import random
import types

import numpy
import pytest
import torch
from pack_parts import ROOT, part
from PIL import ImageFont

from adacache import (
    PAPER_SLOW,
    Codebook,
    LockedPlan,
    MoRegSettings,
    PublishedSchedule,
    Reason,
    Record,
    RunInfo,
    Settings,
)
from adacache.schedules.codebook import nearest_codebook
from adacache.schedules.moreg import MoReg
from adacache.trace.trace import Trace, dumps, loads


@pytest.fixture(scope="module")
def plot() -> types.ModuleType:
    return part("nodes.plot")


def sampled(steps: int, stop: int | None = None, scale: float = 2.0, bad: int = 0, **chosen: object) -> Trace:
    """A run as the schedule has it, on made-up distances; `bad` is the step that measures NaN."""
    settings, rnd = Settings(**chosen), random.Random(7)
    codebook = nearest_codebook(settings.codebooks, steps)
    moreg = MoReg(settings.moreg, steps) if settings.moreg else None
    schedule = PublishedSchedule(steps, codebook, moreg, settings.sensitivity, settings.max_reuses)
    trace = Trace(RunInfo("Wan 2.1", (1, 16, 9, 16, 16), "euler"), steps, settings.as_json(), str(codebook))
    for n in range(1, min(stop or steps, steps) + 1):
        computed, reason = schedule.decide(Reason.MEASURING if settings.mode == "measure" else None)
        record = Record(n, n, 1 - n / steps, computed, reason, milliseconds=400 if computed else 12)
        if computed:
            change = math.nan if n == bad else scale * math.exp(-14 * n / steps) + 0.05 * rnd.random()
            record.score = 0.3 + 0.1 * rnd.random() if moreg else None
            seen = schedule.observe(None if n == 1 else change, record.score)
            if seen:
                record.take(seen)
        trace.records.append(record)
    trace.seconds = sum(record.milliseconds for record in trace.records) / 1000
    trace.cache_bytes, trace.cache_place, trace.end = 5 << 20, "model", "cancelled" if stop else "done"
    return trace


def locked() -> Trace:
    """A run by a plan of its own."""
    trace = sampled(30, locked=LockedPlan(30, (1, 9, 20)), moreg=MoRegSettings())
    for record in trace.records:
        record.computed = record.step in (1, 9, 20)
        record.reason = Reason.LOCKED if record.computed else Reason.REUSED
    return trace


def refused() -> Trace:
    """Two evaluations per step and a long reason."""
    trace = Trace(RunInfo(), 30, Settings().as_json(), "", note="because " * 300, end="done", seconds=20.0)
    trace.records = [Record(n, (n + 1) // 2, 0.5, True, Reason.REFUSED, milliseconds=9) for n in range(1, 60)]
    return trace


def odd(**values: object) -> Trace:
    trace = sampled(12)
    for name, value in values.items():
        for record in trace.records:
            setattr(record, name, value)
    return trace


TRACES = {
    "fast with motion": sampled(30, moreg=MoRegSettings(norm=0.35), sensitivity=2.0),
    "100 steps": sampled(100),
    "9 steps": sampled(9, codebooks=PAPER_SLOW),
    "2 steps": sampled(2),
    "1000 steps": sampled(1000, moreg=MoRegSettings()),
    "refused": refused(),
    "locked": locked(),
    "cancelled": sampled(30, stop=7),
    "measured": sampled(30, mode="measure"),
    "not a number": sampled(30, bad=4),
    "huge": sampled(30, scale=1e12, sensitivity=4.0),
    "sixty bands": sampled(50, codebooks=(Codebook(tuple((0.01 * n, 61 - n) for n in range(1, 61))),)),
    "one band": sampled(30, codebooks=(Codebook.parse("1:4"),), max_reuses=2, start=0.1),
    "tiny thresholds": sampled(30, codebooks=(Codebook.parse("1e-12:4 1e-11:3 9e5:2 1e6:1"),)),
    "no distances": odd(distance=None, looked_up=None),
    "all infinite": odd(distance=math.inf, looked_up=-math.inf, score=math.nan, gradient=math.inf),
    "zeros": odd(distance=0.0, looked_up=0.0, score=0.0, gradient=0.0, milliseconds=0.0),
    "largest": odd(distance=1.7e308, looked_up=1.7e308, score=-1.7e308, gradient=-1.7e308, milliseconds=1e300),
    "no times": odd(milliseconds=math.nan),
    "restarted": odd(reason=Reason.RESTARTED, step=1),
    "nothing": Trace(RunInfo(), 0, {}, "not a codebook"),
    "failed": Trace(RunInfo(), 10**9, {"preset": None}, "", end="failed", end_detail="OutOfMemoryError: \n\0"),
}


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("width", [400, 1280])
def test_any_trace_is_drawn(plot: types.ModuleType, name: str, width: int) -> None:
    picture = plot.draw([TRACES[name]], width)
    assert picture.mode == "RGB"
    assert picture.width == width
    assert width / 8 < picture.height < 4 * width


@pytest.mark.parametrize("name", ["all infinite", "cancelled"])
def test_a_stored_trace_is_drawn(plot: types.ModuleType, name: str) -> None:
    stored = loads(dumps([TRACES[name]]))
    assert plot.draw(stored, 400).width == 400


def test_runs_are_stacked(plot: types.ModuleType) -> None:
    one, two = TRACES["9 steps"], TRACES["cancelled"]
    heights = [plot.draw([trace]).height for trace in (one, two)]
    assert plot.draw([one, two]).height == sum(heights)


def test_of_very_many_runs_the_last_are_drawn(plot: types.ModuleType) -> None:
    short = Trace(RunInfo(), 0, {}, "")
    most = plot.draw([short] * plot.MOST_RUNS, 320).height
    assert most < plot.draw([short] * 500, 320).height < most + 200


def test_without_runs_it_says_what_to_do(plot: types.ModuleType) -> None:
    picture = plot.draw([])
    assert picture.width == 1280
    assert 100 < picture.height < 400
    assert len(picture.getcolors(1 << 20)) > 20  # words, not an empty card


def test_it_is_deterministic(plot: types.ModuleType) -> None:
    trace = TRACES["fast with motion"]
    assert plot.draw([trace]).tobytes() == plot.draw([trace]).tobytes()


def test_image_tensor(plot: types.ModuleType) -> None:
    picture = plot.draw([TRACES["9 steps"]], 500)
    image = plot.to_image_tensor(picture)
    assert image.shape == (1, picture.height, 500, 3)
    assert image.dtype == torch.float32
    assert image.min() >= 0
    assert image.max() <= 1
    assert torch.equal((image[0] * 255).round().byte(), torch.from_numpy(numpy.array(picture)))


def cells_of(plot: types.ModuleType, trace: Trace) -> list:
    axis = plot.layout.Axis(100.0, 1000.0, plot.layout.slots(trace))
    return plot.layout.cells(trace, axis)


@pytest.mark.parametrize("name", ["2 steps", "9 steps", "100 steps", "1000 steps", "refused", "cancelled"])
def test_every_step_has_a_cell(plot: types.ModuleType, name: str) -> None:
    trace = TRACES[name]
    cells = cells_of(plot, trace)
    assert [cell.record for cell in cells[: len(trace.records)]] == trace.records
    assert [cell.record for cell in cells[len(trace.records) :]] == [None] * max(0, trace.steps - len(trace.records))
    assert all(left.right <= right.left + 1e-9 for left, right in zip(cells, cells[1:], strict=False))
    assert all(cell.right > cell.left for cell in cells)
    assert cells[0].left >= 100
    assert cells[-1].right <= 1100 + 1e-9


@pytest.mark.parametrize("steps", [1, 2, 3, 9, 15, 30, 33, 50, 100, 101, 999, 1000, 10_000])
def test_step_numbers_never_overlap(plot: types.ModuleType, steps: int) -> None:
    trace = Trace(RunInfo(), steps, {}, "", [Record(1, 1, 1.0, True, Reason.FIRST)])
    for width in (150.0, 400.0, 1000.0):
        axis = plot.layout.Axis(0.0, width, plot.layout.slots(trace))
        places = plot.layout.ticks(trace, axis, lambda label: 12.0 * len(label))
        room = 12.0 * len(str(steps))
        assert all(b[0] - a[0] >= room for a, b in zip(places, places[1:], strict=False))
        assert places[0][1] == "1"
        assert places[-1][1] == str(steps) or width < 2 * room
        assert len(places) >= min(steps, 2)


def test_computed_and_reused_differ_in_colour_and_shape(plot: types.ModuleType) -> None:
    trace = TRACES["fast with motion"]
    assert 0 < trace.reused < trace.computed + trace.reused
    cells = cells_of(plot, trace)
    canvas = plot.canvas.Canvas(1200, 120.0, plot.canvas.Fonts(1.0))
    for cell in cells:
        plot.steps.paint_cell(canvas, cell, 40.0, 60.0)
    picture = canvas.finish()
    for cell in cells:
        upper = picture.getpixel((round(cell.middle), 50))
        lower = picture.getpixel((round(cell.middle), 90))
        assert (upper == lower) == cell.record.computed  # a reused cell has nothing in its upper part
        assert (upper == plot.canvas.COMPUTED) == cell.record.computed
        assert sum(upper) != sum(lower) or cell.record.computed  # apart in brightness, too


def test_bands_follow_the_codebook(plot: types.ModuleType) -> None:
    bands = plot.layout.bands
    slow = bands("0.08:3 0.16:2 0.24:1 0.32:1 0.40:1 1.00:1")
    assert [(band.low, band.high, band.rate) for band in slow] == [
        (0.0, 0.08, 3),
        (0.08, 0.16, 2),
        (0.16, math.inf, 1),
    ]
    assert [band.rate for band in bands("0.08:6 0.16:5 1.00:1", most_reuses=2)] == [3, 1]
    assert bands("no codebook") == []


@pytest.mark.parametrize("text", ["0.08:6 0.16:5 0.24:4 0.32:3 0.40:2 1.00:1", "0.001:9 0.5:2 1:1", "1:4"])
def test_values_lie_in_their_band(plot: types.ModuleType, text: str) -> None:
    values = [0.0, 1e-6, 0.0005, 0.08, 0.1, 0.3, 0.39, 0.4, 0.41, 1.0, 7.0, 5e4]
    scale = plot.layout.BandScale(plot.layout.bands(text), values)
    heights = [scale.at(value) for value in values]
    assert heights == sorted(heights)
    assert all(0 <= height < 1 for height in heights)
    codebook = Codebook.parse(text)
    for value, height in zip(values, heights, strict=True):
        band = next(band for low, high, band in scale.edges() if low <= height < high)
        assert band.rate == codebook.rate(value)


def test_the_curve_is_that_of_what_decides(plot: types.ModuleType) -> None:
    """As the panel has it on a node: the distance over a codebook's bands, else how far off forecasts were."""
    planned, panel = sampled(30), (ROOT / "web" / "values.js").read_text(encoding="utf-8")
    planned.codebook = ""
    texts = [text for texts in plot.words.CURVES.values() for text in texts]
    for trace, name in ((TRACES["9 steps"], "looked_up"), (planned, "distance")):
        assert plot.values.decides(trace) == name
    planned.records[4].error = 0.1
    assert plot.values.decides(planned) == "error"
    assert all(f't("{text}")' in panel for text in texts)


def test_words(plot: types.ModuleType) -> None:
    words = plot.words
    trace = TRACES["fast with motion"]
    counted, gained, how = words.headline(trace)
    assert counted == f"{trace.computed} of 30 steps computed"
    assert gained == f"{trace.speed_up:.2f}x faster"
    assert how == "estimated"
    assert words.headline(TRACES["measured"])[1] == "measured only"
    assert words.headline(TRACES["refused"])[:2] == ("59 of 59 evaluations computed", "nothing reused")
    assert words.notices(TRACES["cancelled"]) == ["Cancelled after 7 of 30 steps"]
    assert words.notices(TRACES["refused"])[0].startswith("Not cached: because because")
    assert words.notices(TRACES["failed"]) == ["Failed after 0 of 1000000000 steps: OutOfMemoryError:"]
    assert words.notices(trace) == []
    assert words.about(trace)[0][:3] == ["Wan 2.1", "latent 1x16x9x16x16", "euler"]
    assert "paper fast + MoReg" in words.about(trace)[1]
    assert "cache 5.0 MiB with the model" in words.about(trace)[1]
    assert words.about(TRACES["locked"])[1][0] == "locked schedule"


@pytest.mark.parametrize(
    "word", ["W" * 5000, "long name " * 500, "\ud800\0\n\t<b>" * 99, "\u202e\u6f22\U0001f600" * 300]
)
def test_untrusted_text_stays_inside(plot: types.ModuleType, word: str) -> None:
    settings = {**Settings().as_json(), "preset": word}
    info = RunInfo(word, (10**9,) * 40, word, started=word)
    trace = Trace(info, 30, settings, word, list(TRACES["cancelled"].records), note=word, end="failed")
    trace.end_detail, trace.cache_place, trace.cache_bytes = word, word, 5
    for width in (320, 900):
        pixels = numpy.array(plot.draw([trace], width))
        assert pixels.shape[0] < 3000
        # Right and left of the cards there is only the ground, and just inside them only the card.
        for column in (1, -2, round(width * 0.025) + 1, -round(width * 0.025) - 2):
            assert (pixels[60:-60, column] == pixels[60, column]).all()


@pytest.mark.parametrize("most", [1e-300, 1e-46, 0.5])
def test_a_heat_map_of_any_scale(most: float) -> None:
    """Nothing is the first colour and what is above the scale the last, even where float32 has no such scale."""
    low, high = part("nodes.plot.heat").colours(numpy.array([0, 1], numpy.float32), most).tolist()
    assert (low, high) == ([11, 12, 16], [255, 255, 255])


def test_an_older_pillow_has_a_bitmap_font(plot: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    bitmap = ImageFont.load_default_imagefont()

    def load_default() -> object:
        return bitmap

    monkeypatch.setattr(ImageFont, "load_default", load_default)
    trace = sampled(30, moreg=MoRegSettings())
    trace.info = RunInfo("\u6f22\u5b57", (), "euler")
    picture = plot.draw([trace])
    assert picture.width == 1280
    assert len(picture.getcolors(1 << 20)) > 20
