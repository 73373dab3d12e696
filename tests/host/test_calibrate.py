"""Calibration in the real host: a measured run, what it proposes, and a cached run that keeps it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import folder_paths
import pytest

OTHER = "three yellow stars on a navy background, standing still"


@pytest.fixture(scope="module")
def model(wan: Callable, call: Callable):
    return call("ModelSamplingSD3", model=wan(trained=True), shift=3.0)[0]


@pytest.fixture(scope="module")
def handle(model, patch: Callable, sample: Callable) -> str:
    """Of one measured run of 30 steps."""
    patched = patch(model, preset="measure only")
    sample(patched.model, steps=30)
    return patched.handle


@pytest.fixture
def saved(pack_module: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that saves, with a user folder of its own."""
    monkeypatch.setattr(folder_paths, "get_user_directory", lambda: str(tmp_path))
    return pack_module("nodes.server.calibration_files")


def test_measured_then_calibrated_then_kept(model, handle: str, call: Callable, sample: Callable, pack_module):
    """Another prompt and seed computes as many steps as was predicted, and forecasts the others."""
    codebook, moreg, sensitivity, text, report, plan = call(
        "AdaCacheCalibrate", handle=handle, target="computed steps (%)", amount=40.0
    )
    predicted = json.loads(text)["computed"]
    assert predicted == pytest.approx(12, abs=0.5) and f"{predicted:.1f} of 30 steps" in report
    assert moreg is None
    assert plan.startswith("30 steps: 1 2 3 ") and len(plan.split(":")[1].split()) == 12 and plan in report
    for preset, forecasts in (("balanced", True), ("as published (fast)", False)):
        linked = {"codebook": codebook, "moreg": moreg, "sensitivity": sensitivity}
        cached, its = call("AdaCachePatchModel", model=model, preset=preset, **linked)
        sample(cached, steps=30, seed=7, prompt=OTHER)
        (trace,) = pack_module("nodes.server.run_store").RUNS.find(its)
        assert abs(trace.computed - predicted) <= 2
        assert trace.codebook == str(codebook) and trace.settings["share"] is None
        assert [record.computed for record in trace.records][:4] == [True] * 4  # protected: 15 %
        assert any(record.error is not None for record in trace.records) is forecasts


@pytest.mark.parametrize(("sampler", "told"), [("euler", True), ("uni_pc", True), ("dpmpp_2m_sde", False)])
def test_a_plan_where_the_sampler_adds_no_noise(model, patch, sample, call, sampler: str, told: bool):
    """Locked to the plan, another prompt computes just these steps; with noise in every step there is none to make."""
    measuring = patch(model, preset="measure only")
    sample(measuring.model, steps=20, sampler_name=sampler)
    turns = [record.turns for record in measuring.runs()[-1].records]
    assert [len(row or ()) for row in turns] == [step if told else 0 for step in range(20)]
    *_, report, plan = call("AdaCacheCalibrate", handle=measuring.handle, target="computed steps (%)", amount=50.0)
    assert bool(plan) is told and ("plan: none" in report) is not told
    assert (f"plan (recommended): {plan}" in report) is told
    if told:
        using = patch(model, preset="balanced", locked_schedule=plan)
        sample(using.model, steps=20, sampler_name=sampler, seed=7, prompt=OTHER)
        steps = [record.step for record in using.runs()[-1].records if record.computed]
        assert plan == f"20 steps: {' '.join(map(str, steps))}" and len(steps) == 10


def test_measuring_with_it_changes_no_picture(model, call: Callable, sample: Callable, handle: str):
    """The older probe is only looked at."""
    patched, _ = call("AdaCachePatchModel", model=model, preset="measure only")
    assert sample(patched, steps=12).equal(sample(model, steps=12))


def test_a_cached_run_is_refused_with_what_to_do(model, patch: Callable, sample: Callable, call: Callable):
    patched = patch(model, preset="turbo")
    sample(patched.model)
    with pytest.raises(ValueError) as refused:
        call("AdaCacheCalibrate", handle=patched.handle)
    for words in ("AdaCache Calibrate: no measured run", '"turbo"', '"measure only" and queue once'):
        assert words in str(refused.value)


def test_session_takes_earlier_runs_of_the_same_kind(model, handle: str, patch: Callable, sample: Callable, call):
    """Another prompt's run, made with another handle, counts; one of other steps does not."""
    other = patch(model, preset="measure only")
    sample(other.model, steps=20)
    sample(other.model, steps=30, prompt=OTHER)
    alone = json.loads(call("AdaCacheCalibrate", handle=handle, runs="this graph's runs")[3])
    both = json.loads(call("AdaCacheCalibrate", handle=handle, runs="all measured runs of this session")[3])
    assert alone["runs"] == 1 and both["runs"] >= 2  # other tests may have measured, too
    sample(other.model, steps=30, prompt=OTHER, seed=2)
    with_moreg = {"runs": "all measured runs of this session", "with_moreg": True}
    moreg, text = call("AdaCacheCalibrate", handle=handle, **with_moreg)[1:4:2]
    assert moreg.norm == json.loads(text)["norm"]


def test_shared_runs_need_no_model(handle: str, call: Callable, pack_module):
    """The trace output of another machine's Cache Stats."""
    text = pack_module("adacache").dumps(pack_module("nodes.server.run_store").RUNS.find(handle))
    assert call("AdaCacheCalibrate", traces=text)[3] == call("AdaCacheCalibrate", handle=handle)[3]


def test_without_a_handle_the_next_node_goes_on_with_its_preset(call: Callable):
    """The measuring node is bypassed: nothing was measured, and nothing is proposed."""
    codebook, moreg, sensitivity, text, report, plan = call("AdaCacheCalibrate", save_as="never")
    assert (codebook, moreg, sensitivity, text, plan) == (None, None, 1.0, "", "")
    assert report.startswith("AdaCache is bypassed")


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"traces": "{"}, "traces: this is not JSON"),
        ({"traces": '{"version": 1, "runs": []}'}, "no measured run. Set the preset"),
        ({"runs": "mine"}, "runs: 'mine' is unknown"),
        ({"target": "beauty"}, "target: 'beauty' is unknown"),
        ({"amount": 0.5}, "amount: 0.5; allowed for speed-up (x): 1 to 20"),
        ({"save_as": "../evil"}, "save_as: '../evil' cannot be a file's name"),
    ],
)
def test_bad_inputs_name_node_and_field(handle: str, call: Callable, saved, inputs: dict, words: str):
    with pytest.raises(ValueError) as refused:
        call("AdaCacheCalibrate", **({} if "traces" in inputs else {"handle": handle}) | inputs)
    assert str(refused.value).startswith("AdaCache Calibrate: ") and words in str(refused.value)


def test_saved_then_loaded_then_shared(handle: str, call: Callable, saved: ModuleType, tmp_path: Path):
    made = call("AdaCacheCalibrate", handle=handle, save_as=" my model ")
    assert saved.names() == ["my model"]
    assert [path.name for path in (tmp_path / "adacache" / "calibrations").iterdir()] == ["my model.json"]
    assert call("AdaCacheCalibration", name="my model")[:4] == made[:4]
    assert call("AdaCacheCalibration", text=made[3])[:4] == made[:4]
    again = call("AdaCacheCalibrate", handle=handle, save_as="my model", target="computed steps (%)", amount=60.0)
    assert "saved as my model, in place of" in again[4] and "in place of" not in made[4]
    assert call("AdaCacheCalibration", name="my model")[3] == again[3]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "..",
            "../up",
            "a/b",
            "a\\b",
            "/etc/passwd",
            ".hidden",
            "a.json",
            "con",
            "LPT1",
            "a\0b",
            "a\nb",
            "a" * 61,
        ),
        *("COM\u00b9", "com\u00b2", "lpt\u00b3"),  # devices on Windows, too
    ],
)
def test_names_that_no_file_may_have(saved: ModuleType, call: Callable, name: str, tmp_path: Path):
    with pytest.raises(ValueError, match="allowed: 1 to 60 letters"):
        saved.check_name(name, "save_as")
    with pytest.raises(ValueError, match="AdaCache Load Calibration: name: .* allowed: 1 to 60 letters"):
        call("AdaCacheCalibration", name=name)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_gone(saved: ModuleType, call: Callable, handle: str):
    call("AdaCacheCalibrate", handle=handle, save_as="kept")
    with pytest.raises(ValueError, match="name: no calibration is saved as 'gone'; saved: kept"):
        call("AdaCacheCalibration", name="gone")


def test_what_is_not_ours_is_not_replaced(saved: ModuleType, call: Callable, handle: str, tmp_path: Path):
    """Nor is a link out of the folder followed."""
    folder = tmp_path / "adacache" / "calibrations"
    folder.mkdir(parents=True)
    (folder / "notes.json").write_text("my notes")
    (tmp_path / "outside.json").write_text("untouched")
    os.symlink(tmp_path / "outside.json", folder / "link.json")
    for name, words in (("notes", "It is not replaced"), ("link", "lies outside the folder")):
        with pytest.raises(ValueError, match=words):
            call("AdaCacheCalibrate", handle=handle, save_as=name)
    assert saved.names() == ["notes"]  # a link out of the folder is not offered
    assert (folder / "notes.json").read_text() == "my notes"
    assert (tmp_path / "outside.json").read_text() == "untouched"
    assert len(list(folder.iterdir())) == 2  # nothing half written is left


def test_a_file_too_large_to_be_one(saved: ModuleType, call: Callable, tmp_path: Path):
    folder = tmp_path / "adacache" / "calibrations"
    folder.mkdir(parents=True)
    (folder / "large.json").write_text(" " * 70_000)
    with pytest.raises(ValueError, match="'large' cannot be read: the text has"):
        call("AdaCacheCalibration", name="large")


def test_nothing_to_load(call: Callable):
    with pytest.raises(ValueError, match="AdaCache Load Calibration: text: it is empty"):
        call("AdaCacheCalibration")
