"""The command that times networks of true size: at small size as a whole, and what needs no host by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.real_size.budget import SPARE, Budget
from bench.real_size.networks import H3, HUNYUAN, ORDER, SIZES, WAN_1B, WAN_14B
from bench.real_size.report import fields_of, table
from bench.real_size.rig import Run, Step
from bench.real_size.ways import PRESET, UNPATCHED, WAYS
from demo import host

ROOT = Path(__file__).parents[2]


def run(way, *seconds: float, peak: int | None = None, plain: dict | None = None) -> dict:
    """Steps of so many seconds; those of a tenth or less are reused."""
    return fields_of(way, Run([Step(s, int(s > 0.1)) for s in seconds], peak), 1000, plain)


def test_against_the_unpatched_run() -> None:
    """Medians of steps, the sampling's speed-up and what of it is lost, and the memory that is added."""
    plain = run(UNPATCHED, 2.0, 1.0, 1.0, peak=300)
    assert plain["computed"] == plain["steps"] == 3 and "speed_up" not in plain
    cached = run(PRESET, 1.5, 1.0, 0.1, 0.1, 1.0, peak=310, plain=plain)
    assert cached["computed"] == 3
    assert cached["of_unpatched"] == {"computed": 1.0, "reused": pytest.approx(0.1)}
    assert cached["speed_up"] == pytest.approx(5.0 / 3.7)
    assert cached["efficiency"] == pytest.approx(3.0 / 3.7)
    assert (cached["added_bytes"], cached["added_share"]) == (10, 0.01)


def test_table_says_what_was_left_out() -> None:
    """A line for each run, empty where nothing was measured."""
    runs = {"unpatched": run(UNPATCHED, 2.0, 2.0, 2.0)}
    runs["balanced"] = run(PRESET, 2.0, 2.0, 0.02, plain=runs["unpatched"])
    found = {"device": "a card", "torch": "2.13.0", "host": "0.3.75", "dtype": "bfloat16"}
    found |= {"cases": [{"network": "Wan", "size": "480p", "runs": runs}]}
    head, _, _, _, plain, ours, _, left = table(found | {"left_out": [{"what": "H3", "why": "too large"}]}).splitlines()
    assert head == "a card, PyTorch 2.13.0, ComfyUI 0.3.75, bfloat16"
    assert plain == "| Wan | 480p | unpatched | 3 of 3 | 2.00 s |  |  |  |  |  |  |  |  |"
    assert ours.startswith("| Wan | 480p | balanced | 2 of 3 | 2.00 s | 1.000 | 20.0 ms | 0.0100 | 1.49x | 0.995 |")
    assert left == "Left out: H3: too large."


def test_budget() -> None:
    """Before anything is measured all is tried; then by the work of a step. What does not fit is named."""
    budget = Budget(end=100.0, clock=lambda: 40.0)
    assert not budget.refusal(budget.case(1e15, 8))
    budget.learn(1e15, 2.0)
    assert budget.case(5e15, 4) == SPARE + 40.0
    assert not budget.refusal(60.0)
    assert budget.refusal(60.6) == "it would take 61 s, and 60 s are left"


def test_sizes() -> None:
    """Tokens and the latents' shapes are those of the released models."""
    small, large = SIZES
    assert WAN_14B.latent(small) == ((16, 21, 60, 104),) and WAN_14B.tokens(small) == 32760
    assert HUNYUAN.latent(large) == ((32, 21, 45, 80),) and HUNYUAN.tokens(large) == WAN_14B.tokens(large) == 75600
    assert H3.latent(large) == ((24, 27, 45, 80), (32, 2, 150)) and H3.tokens(large) == 27 * 23 * 40
    assert ORDER[0] == (WAN_1B, small) and len(set(ORDER)) == 8


def test_command(tmp_path: Path) -> None:
    """On a CPU, with tiny networks of the host's classes: everything that the JSON of a GPU has, but memory."""
    if not host.is_here():
        pytest.skip("there is no ComfyUI")
    out = tmp_path / "found.json"
    command = [sys.executable, "-W", "ignore", "-m", "bench.real_size", "--small", "--out", str(out)]
    told = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    found = json.loads(out.read_text())
    assert found["small"] and found["host"] and found["torch"] and found["device"]
    measured = {case["network"]: case for case in found["cases"]}
    missing = {left["what"] for left in found["left_out"]}
    assert set(measured) | {name.removesuffix(" small") for name in missing} == {n.name for n, _ in ORDER}
    assert missing <= {"HunyuanVideo 1.5 small", "MiniMax H3 small"}, found["left_out"]
    for name, case in measured.items():
        assert f"| {name} | small | balanced |" in told.stdout
        assert list(case["runs"]) == [way.name for way in WAYS]
        for way in WAYS[1:]:
            cached = case["runs"][way.name]
            assert not cached["note"] and len(cached["step_seconds"]) == cached["steps"] == way.steps
            assert 3 <= cached["computed"] <= way.steps - 3, (name, way.name)
            assert min(cached["seconds"].values()) > 0 and cached["efficiency"] > 0
        assert case["runs"]["unpatched"]["computed"] == 6, "measured before the other ways and after them"
        assert case["runs"]["balanced"]["cache_bytes"] > 0
