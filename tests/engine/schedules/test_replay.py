"""`tests/replay_traces.py`: accepts what the published implementation recorded, and any faithful file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import replay_traces
from reference import MotionRule, drifting, golden_trace
from torch import Tensor

TESTS = Path(__file__).resolve().parents[2]
GOLDEN = TESTS / "golden" / "traces"
FAST = [(0.03, 12), (0.05, 10), (0.07, 8), (0.09, 6), (0.11, 4), (1.0, 3)]


def start(stem: object) -> subprocess.Popen[str]:
    script = [sys.executable, str(TESTS / "replay_traces.py"), str(stem)]
    return subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TESTS.parent)


def replay(stem: object, monkeypatch: pytest.MonkeyPatch) -> int:
    """The same without the seconds that a new process takes."""
    monkeypatch.setattr(sys, "argv", ["replay_traces.py", str(stem)])
    return replay_traces.main()


def write(stem: Path, traces: list[dict[str, Any]], residuals: list[Tensor]) -> Path:
    """A file pair in the format of tests/golden/README.md; float32, as recorded ones are."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".json").write_text(json.dumps(traces))
    arrays = {f"residuals_{trace['id']}": r.float().numpy() for trace, r in zip(traces, residuals, strict=True)}
    np.savez(stem.with_suffix(".npz"), **arrays)
    return stem


def test_command(tmp_path: Path) -> None:
    """The command accepts the recorded traces with status 0, and fails with 1 when a residual differs."""
    arrays = dict(np.load(GOLDEN.with_suffix(".npz")))
    first = next(iter(arrays))
    arrays[first] = arrays[first] * np.linspace(1, 3, len(arrays[first]), dtype=np.float32)[:, None, None, None]
    np.savez(tmp_path / "changed.npz", **arrays)
    (tmp_path / "changed.json").write_bytes(GOLDEN.with_suffix(".json").read_bytes())
    traces = json.loads(GOLDEN.with_suffix(".json").read_text())

    # Side by side, since importing torch takes most of the time.
    processes = start(GOLDEN), start(tmp_path / "changed")
    (said, errors), (refused, _) = (process.communicate(timeout=120) for process in processes)
    assert (processes[0].returncode, errors) == (0, "")
    assert len(said.splitlines()) == len(traces) + 1
    assert said.endswith(f"{len(traces)} traces, 0 mismatches\n")

    assert processes[1].returncode == 1
    mismatches = [line for line in refused.splitlines() if line.startswith("  ")]
    assert refused.endswith(f" traces, {len(mismatches)} mismatches\n") and len(mismatches) > 1


def test_golden_traces_cover_motion() -> None:
    """Among the recorded traces are some with and some without MoReg."""
    kinds = {trace["moreg"] is None for trace in json.loads(GOLDEN.with_suffix(".json").read_text())}
    assert kinds == {True, False}


def change_rate(rows: list[dict[str, Any]]) -> None:
    rows[4]["next_rate"] += 1


def change_prev_rate(rows: list[dict[str, Any]]) -> None:
    rows[4]["prev_rate"] += 1


def change_distance(rows: list[dict[str, Any]]) -> None:
    rows[5]["distance"] *= 1.00003


def change_motion(rows: list[dict[str, Any]]) -> None:
    row = next(row for row in rows if row["motion"] not in (None, 1.0))
    row["motion"] *= 0.9999


def drop_distance(rows: list[dict[str, Any]]) -> None:
    rows[5]["distance"] = None


def drop_step(rows: list[dict[str, Any]]) -> None:
    del rows[3]


def move_step(rows: list[dict[str, Any]]) -> None:
    rows[3]["step"] += 1


TAMPERED = [
    (change_rate, ": next_rate: recorded "),
    (change_prev_rate, ": prev_rate: recorded "),
    (change_distance, ": distance: recorded "),
    (change_motion, ": motion: recorded "),
    (drop_distance, ": distance: recorded None"),
    (drop_step, "computed steps: recorded ["),
    (move_step, "computed steps: recorded ["),
]


@pytest.mark.parametrize(("tamper", "printed"), TAMPERED, ids=lambda value: getattr(value, "__name__", ""))
def test_tampered_trace_is_refused(tamper, printed, tmp_path, monkeypatch, capsys) -> None:
    """One recorded step, rate, distance or motion that is changed is printed, and the command fails."""
    traces = json.loads(GOLDEN.with_suffix(".json").read_text())
    tamper(next(trace for trace in traces if trace["moreg"])["computed"])
    (tmp_path / "traces.json").write_text(json.dumps(traces))
    (tmp_path / "traces.npz").write_bytes(GOLDEN.with_suffix(".npz").read_bytes())
    assert replay(tmp_path / "traces", monkeypatch) == 1
    output = capsys.readouterr().out
    assert printed in output
    assert output.endswith(f"{len(traces)} traces, 1 mismatches\n")


OTHERS = {
    "two strides": ("a", FAST, MotionRule(5, 50, strides=(1, 2), norm=0.6), 60, 5),
    "stride 3 only": (7, FAST, MotionRule(0, 60, strides=(3,), norm=0.6, power=2, divisor=1.2), 60, 5),
    "one entry": ("one", [(0.5, 4)], None, 23, 2),
    "nine entries": (0, [(0.002 * 2**i, 10 - i) for i in range(9)], None, 80, 3),
    "no gradient": ("x-1", FAST, MotionRule(2, 30, norm=0.65, power=3, gradient_weight=0), 30, 4),
    "window past the end": (100, FAST, MotionRule(1, 99, norm=0.7, power=4), 41, 4),
    "one step": ("short", FAST, MotionRule(1, 1), 1, 2),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_file_of_the_format(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other ids, file names, folders, strides, windows and codebooks replay too, with or without a suffix."""
    name, codebook, motion, steps, frames = OTHERS[kind]
    residuals = drifting(steps, seed=11, frames=frames).float()
    trace = golden_trace(name, codebook, motion, residuals, frames)
    stem = write(tmp_path / "a folder" / "of.mine" / "my-traces", [trace], [residuals])
    monkeypatch.chdir(tmp_path)
    for written in (stem, "a folder/of.mine/my-traces", f"{stem}.npz", f"{stem}.json"):
        assert replay(written, monkeypatch) == 0


def test_codebook_order_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """A trace recorded with another codebook than the file says is refused."""
    residuals = drifting(60, seed=3).float()
    trace = golden_trace("t", FAST, None, residuals, 4)
    trace["codebook"] = [[threshold * 4, rate] for threshold, rate in trace["codebook"]]
    assert replay(write(tmp_path / "t", [trace], [residuals]), monkeypatch) == 1
    assert "mismatches" in capsys.readouterr().out
