"""What a sweep adds to a graph, and the pictures that it draws."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch


def linked(class_type: str, *ids: str, **widgets: object) -> dict:
    return {"class_type": class_type, "inputs": {f"in{n}": [one, 0] for n, one in enumerate(ids)} | widgets}


@pytest.fixture(scope="module")
def clones(pack_module: Callable[[str], ModuleType]) -> ModuleType:
    return pack_module("nodes.sweep.graph")


GRAPH = {
    "a": linked("Load"),
    "b": linked("Patch", "a", knob=1),
    "c": linked("Sample", "b", "e"),
    "d": linked("Decode", "c", "gone"),
    "e": linked("Text"),
    "f": linked("Save", "d"),
}


def test_only_what_lies_between_is_cloned(clones: ModuleType, pack_module: Callable):
    builder = pack_module("nodes.server.comfy_server").graph_builder()
    made = clones.Clones(GRAPH, builder, lambda kind: kind == "Decode")
    moved = made.change("one", {"b": {"knob": 2}}, ["d", 0])
    new = {name.partition("one.")[2]: node for name, node in builder.finalize().items()}
    assert set(new) == {"b", "c", "d"}
    assert new["b"]["inputs"] == {"in0": ["a", 0], "knob": 2} and GRAPH["b"]["inputs"]["knob"] == 1
    assert new["c"]["inputs"]["in0"][0].endswith("one.b") and new["c"]["inputs"]["in1"] == ["e", 0]
    assert new["d"]["override_display_id"] == "d"
    assert moved(["d", 3])[0].endswith("one.d") and moved(["d", 3])[1] == 3 and moved(["e", 0]) == ["e", 0]


def test_an_unchanged_setting_is_the_graph_itself(clones: ModuleType, pack_module: Callable):
    builder = pack_module("nodes.server.comfy_server").graph_builder()
    moved = clones.Clones(GRAPH, builder, lambda _: False).change("one", {"b": {"knob": 1}}, ["d", 0])
    assert builder.finalize() == {} and moved(["d", 0]) == ["d", 0]


def test_cache_stats_is_passed_by(clones: ModuleType):
    graph = {
        "s": {"class_type": "Stats", "inputs": {"value": ["x", 1], "handle": ["h", 1]}},
        "y": linked("Decode", "s"),
        "z": {"class_type": "Show", "inputs": {"text": ["s", 1]}},
    }
    around = clones.without_passing(graph, "Stats", "value")
    assert around["y"]["inputs"]["in0"] == ["x", 1] and around["z"]["inputs"]["text"] == ["s", 1]


def test_a_handle_of_nothing(pack_module: Callable):
    sweep = pack_module("nodes.sweep.node")
    for handle in (["e", 0], ["gone", 0], "text", None):
        with pytest.raises(ValueError, match="handle: it does not come from AdaCache Patch Model"):
            sweep.patch_of(GRAPH, handle)


def test_values(pack_module: Callable):
    parse = pack_module("nodes.sweep.values").parse
    assert parse("sensitivity", "1 2,4\n1;0.5") == [1, 2, 4, 0.5]
    assert parse("preset", "turbo, paper fast\nturbo") == ["turbo", "as published (fast)"]
    assert parse("max_reuses", "0 3") == [0, 3]
    for bad in ("nan", "inf", "-1", "1e9"):
        with pytest.raises(ValueError, match="values: entry 1 at character 1"):
            parse("sensitivity", bad)


@pytest.mark.parametrize(("count", "wanted", "found"), [(33, 5, [0, 8, 16, 24, 32]), (2, 5, [0, 1]), (9, 1, [4])])
def test_evenly_chosen_frames(pack_module: Callable, count: int, wanted: int, found: list[int]):
    assert pack_module("nodes.sweep.sheet").evenly(count, wanted) == found


@pytest.mark.parametrize("size", [(128, 128), (16, 300), (300, 16), (1, 1)])
@pytest.mark.parametrize("columns", [1, 16])
def test_sheets_of_any_shape(pack_module: Callable, size: tuple[int, int], columns: int):
    """Nothing fails, and nothing is wider than it may be."""
    row, contact = pack_module("nodes.plot.row"), pack_module("nodes.plot.contact")
    rows = [row.Row("uncached", "uncached"), row.Row("w" * 90, "w", 3, 9, 1e5, 1e-3, 20.0, None, note="w " * 300)]
    frames = [[np.zeros((*size, 3), np.uint8)] * columns] * 2
    sheet = contact.contact_sheet("x" * 200, "y" * 400, rows, frames, list(range(columns)))
    assert sheet.width % 2 == sheet.height % 2 == 0 and sheet.width <= 2000


@pytest.mark.parametrize("against", ["seconds", "computed steps"])
def test_plots_of_any_rows(pack_module: Callable, against: str):
    row, plot = pack_module("nodes.plot.row"), pack_module("nodes.plot.quality")
    uncached = row.Row("uncached", "uncached", 30, 30, 3.0)
    one = row.Row("a" * 60, "a" * 60, 9, 30, 1.0, 3.0, 30.0, 0.9)
    equal = row.Row("b", "b", 30, 30, 3.0, 1.0, 100.0, 1.0, equal=True)
    lost = row.Row("c", "c", psnr=40.0)
    dark = row.Row("d", "d", 9, 30, 1.0, measured=False)
    for rows in (
        [uncached],
        [uncached, dark],
        [uncached, one, dark],
        [uncached, one],
        [uncached, equal],
        [uncached, one, equal, lost, one],
        [lost, lost],
    ):
        assert plot.quality("sensitivity", rows, against).size == (1280, 800)


def test_a_video_without_numbers_is_shown_and_not_compared(call: Callable):
    """NaN from a decoder is one row's trouble: the sheet is made, says so, and its JSON stays valid."""
    good, bad = torch.rand(3, 8, 8, 3), torch.full((3, 8, 8, 3), torch.nan)
    (uncached,) = call("AdaCacheSweepTake", images=good, name="uncached", mark="uncached", handle="h")
    (take,) = call("AdaCacheSweepTake", images=bad, name="turbo", mark="turbo", handle="h", reference=uncached)
    row = take.row(uncached)
    assert row.close() == "not compared" and "turbo: frame 1 of 3 has values that are not finite" in row.note
    sheet, plot, table, told = call("AdaCacheSweepSheet", reference=uncached, title="preset", take_1=take, frames=2)
    assert torch.isfinite(sheet).all() and torch.isfinite(plot).all() and "| turbo |" in table
    assert json.loads(told, parse_constant=pytest.fail)["rows"][1]["psnr"] is None


@pytest.mark.parametrize(("computed", "said"), [(True, "Not cached: why"), (False, "Caching stopped: why")])
def test_a_row_says_what_the_summary_says_of_a_run_that_stopped_caching(
    pack_module: Callable, computed: bool, said: str
):
    engine = pack_module("adacache")
    record = engine.Record(1, 1, 0.5, computed, engine.Reason.SCHEDULED)
    trace = engine.Trace(engine.RunInfo(), 1, {}, "", [record], note="why", end="done")
    row = pack_module("nodes.sweep.take").Take("turbo", "turbo", torch.zeros(1, 8, 8, 3), [trace]).row()
    assert said in trace.summary().splitlines() and row.note == said[0].lower() + said[1:]
