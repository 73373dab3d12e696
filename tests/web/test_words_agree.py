"""A run is told alike by Python (Cache Stats) and by JavaScript (the panel): words, counts, numbers and estimates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pack_parts import part

HERE = Path(__file__).parent
RUNS: dict[str, Any] = json.loads((HERE / "traces.json").read_text(encoding="utf-8"))
# Both sides of every change of form: digits, powers, minutes, hours, units. No ties: a half goes up in JavaScript, and
# to the even number in Python.
NUMBERS = [0, 1e-9, 4e-4, 0.00099, 0.001, 0.0012345, 0.00999, 0.01, 0.012345, 0.08, 0.1, 0.385, 1, 1.5, 2.26, 9.96, 10]
NUMBERS += [12.345, 59.94, 99.94, 100.4, 123.456, 431, 3599, 3600.4, 9999, 12345, 86400, 2.6e6, 2**30, 3.5 * 2**30]
NUMBERS += [-0.25, -3e-5]

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") or os.environ.get("CI")), reason="there is no Node.js to ask the panel's code"
)
words = part("nodes.plot.words")
trace = part("adacache.trace.trace")


@pytest.fixture(scope="module")
def panel() -> dict[str, Any]:
    """What the panel's code says."""
    asked = ["node", str(HERE / "say.mjs"), json.dumps(NUMBERS)]
    return json.loads(subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_told_alike(panel: dict[str, Any], name: str) -> None:
    run, said = trace.Trace.from_json(RUNS[name]), panel["runs"][name]
    counted, gained, how = words.headline(run)
    assert [counted, how] == said["headline"][::2]
    assert gained == said["headline"][1] or not run.end  # of a run that goes on, the panel knows the evaluations only
    assert [parts for parts in words.about(run) if parts] == said["facts"]
    # The panel says in a line of its own where a run is that goes on.
    assert [text for text in words.notices(run) if not text.startswith("Still running")] == said["notices"]


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_counted_alike(panel: dict[str, Any], name: str) -> None:
    run, said = trace.Trace.from_json(RUNS[name]), panel["runs"][name]
    derived = run.as_json()["derived"]
    assert derived == RUNS[name]["derived"]  # make_traces.py is to be run again where they differ
    assert {field: derived[field] for field in said["derived"]} == said["derived"]
    assert run.locked_text == said["locked"]
    if run.end:
        estimate = [run.estimated_seconds, run.speed_up] if run.saves else None
        assert said["estimate"] == (estimate and pytest.approx(estimate))


@pytest.mark.parametrize("name", RUNS)
def test_the_summary_says_what_the_panel_says(panel: dict[str, Any], name: str) -> None:
    summary, said = trace.Trace.from_json(RUNS[name]).summary(), panel["runs"][name]
    counted, gained, _ = said["headline"]
    assert summary.startswith(counted)
    assert not gained.endswith("faster") or f"about {gained}" in summary or not RUNS[name]["end"]
    for notice in said["notices"]:
        if notice.startswith(("Not cached", "Caching stopped", "Only a part")):
            assert notice in summary.splitlines()


@pytest.mark.parametrize("form", ["number", "duration"])
def test_numbers_read_alike(panel: dict[str, Any], form: str) -> None:
    for value, said in zip(NUMBERS, panel[form], strict=True):
        if value >= 1e-3 or form == "number":
            assert (value, getattr(words, form)(value)) == (value, said)
