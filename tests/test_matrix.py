"""The tables at the end of a test run: nothing that failed or was left out reads as proved."""

from __future__ import annotations

from types import SimpleNamespace

import matrix


def report(name: str, file: str = "test_families.py", **properties: str) -> SimpleNamespace:
    return SimpleNamespace(nodeid=f"tests/host/models/{file}::{name}", user_properties=list(properties.items()))


def test_tables() -> None:
    """One row per subject; the worst of several counts, and what was not run says so."""
    stats = {
        "passed": [
            report("test_identity[Wan t2v]"),
            report("test_reuse[Wan t2v]"),
            report("test_reuse[euler-ish]", "test_samplers.py", matrix="computed, with a reason"),
            report("test_step_counts[euler-ish-6]", "test_samplers.py"),
            report("test_other[Wan t2v]"),
        ],
        "failed": [report("test_step_counts[euler-ish-20]", "test_samplers.py")],
        "skipped": [report("test_identity[Mochi]")],
    }
    assert list(matrix.lines(stats)) == [
        "Model family  identity  reuse    batched = split  frame layout  motion",
        "Mochi         not here  not run  not run          not run       not run",
        "Wan t2v       yes       yes      not run          not run       not run",
        "",
        "Sampler    labels and totals  reuse                    1 to 20 steps",
        "euler-ish  not run            computed, with a reason  NO",
        "",
    ]
    assert list(matrix.lines({})) == []
