"""What was run, as tables at the end of the tests: model families and samplers, each with what was proved of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TABLES = {
    "test_families.py": (
        "Model family",
        {
            "test_identity": "identity",
            "test_reuse": "reuse",
            "test_batched_equals_split": "batched = split",
            "test_frames_are_where_we_look": "frame layout",
            "test_motion_score": "motion",
        },
    ),
    "test_samplers.py": (
        "Sampler",
        {
            "test_labels_and_totals": "labels and totals",
            "test_reuse": "reuse",
            "test_step_counts": "1 to 20 steps",
        },
    ),
}
WORDS = {"passed": "yes", "failed": "NO", "error": "NO", "skipped": "not here"}
WORST_LAST = ("yes", "not here", "NO")


def lines(stats: dict[str, list[Any]]) -> Iterator[str]:
    """The tables of the tests that ran.

    Args:
        stats: pytest's reports by outcome. A test may say something other than "yes" by a property named "matrix".
    """
    for file, (title, columns) in TABLES.items():
        rows: dict[str, dict[str, str]] = {}
        for outcome, word in WORDS.items():
            for report in stats.get(outcome, ()):
                place, _, name = getattr(report, "nodeid", "").rpartition("::")
                test, _, subject = name.rstrip("]").partition("[")
                if not (place.endswith(file) and test in columns):
                    continue
                row = rows.setdefault(subject.rsplit("-", 1)[0] if test == "test_step_counts" else subject, {})
                found = dict(report.user_properties).get("matrix", word) if outcome == "passed" else word
                row[test] = max(row.get(test, found), found, key=_badness)
        if rows:
            yield from _table(title, columns, rows)


def _badness(word: str) -> int:
    return WORST_LAST.index(word) if word in WORST_LAST else 1


def _table(title: str, columns: dict[str, str], rows: dict[str, dict[str, str]]) -> Iterator[str]:
    cells = [[title, *columns.values()]]
    cells += [[subject, *(row.get(test, "not run") for test in columns)] for subject, row in sorted(rows.items())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
