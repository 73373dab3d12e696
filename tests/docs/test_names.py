"""What the pages for developers name is there: every file, folder, function and class."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in ("CONTRIBUTING.md", "README.md"))]
MADE = {"demo/output/"}  # by a command, not in the repository
PATH = re.compile(r"[\w./-]*(?:/|\.(?:py|js|mjs|css|md|sh|toml|json|yml))")


def spans(text: str) -> Iterator[tuple[str, str]]:
    """Files or folders in code spans, each with the name in it that follows a colon, or ""."""
    plain = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for span in re.findall(r"`([^`\n]+)`", plain):
        path, _, name = span.partition(":")
        if "/" in path and PATH.fullmatch(path) and re.fullmatch(r"[\w.]*", name):
            yield path, name


def links(text: str) -> Iterator[str]:
    """Targets of links to files."""
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if ":" not in target:
            yield target


def names_in(path: Path) -> set[str]:
    """Dotted names that a file defines at its top, and in the classes there."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return set(re.findall(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", text, re.MULTILINE))
    return set(_defined(ast.parse(text), ""))


def _defined(node: ast.AST, within: str) -> Iterator[str]:
    for one in ast.iter_child_nodes(node):
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield within + one.name
            if isinstance(one, ast.ClassDef):
                yield from _defined(one, f"{within}{one.name}.")
        elif isinstance(one, (ast.Assign, ast.AnnAssign)):
            for target in one.targets if isinstance(one, ast.Assign) else [one.target]:
                if isinstance(target, ast.Name):
                    yield within + target.id


def test_names_are_found_in_files() -> None:
    assert {"Run", "Run.begin", "SAME_LEVEL"} <= names_in(ROOT / "adacache" / "sampling" / "run.py")
    assert {"layoutPlots", "NARROW"} <= names_in(ROOT / "web" / "layout.js")
    assert list(spans("see `web/layout.js:indexAt`, `tests/` and `x + R`, not `a:b`")) == [
        ("web/layout.js", "indexAt"),
        ("tests/", ""),
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [target for target in links(text) if not (page.parent / target).exists()]
    for path, name in spans(text):
        if path not in MADE and not (ROOT / path).exists():
            missing.append(path)
        elif name and name not in names_in(ROOT / path):
            missing.append(f"{path}:{name}")
    assert missing == []
