"""The engine works without ComfyUI, and its number files without torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = sorted((ROOT / "adacache").rglob("*.py"))
HOST = (
    "comfy",
    "comfy_api",
    "comfy_execution",
    "comfy_extras",
    "execution",
    "folder_paths",
    "nodes",
    "server",
)
# Each room of the engine, and the rooms that it may import; the files beside the rooms are settings and the like.
ROOMS = {
    "schedules": {"schedules", ""},
    "trace": {"trace", "schedules", ""},
    "sampling": {"sampling", "trace", "schedules", ""},
    "calibration": {"calibration", "sampling", "trace", "schedules", ""},
    "": {"", "schedules"},
}
NUMBERS = ("schedules", "trace")  # rooms that need no torch


def name_of(path: Path) -> str:
    """Dotted name of an engine file, without the package's own."""
    parts = path.relative_to(ROOT / "adacache").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> set[str]:
    """What a file imports at any place in it: top-level names, and files of the engine with a dot in front."""
    package = path.parent.relative_to(ROOT / "adacache").parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= len(package) + 1, f"{path.name} reaches out of the engine"
            base = [*package[: len(package) + 1 - node.level], *(node.module.split(".") if node.module else ())]
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                found.add("." + (whole if whole in NAMES else ".".join(base)))
    return found


NAMES = {name_of(path) for path in ENGINE}


def room(name: str) -> str:
    return name.partition(".")[0] if "." in name else ""


def test_engine_runs_without_the_host() -> None:
    """With every module of ComfyUI barred, the engine imports and samples, without a word."""
    script = f"""
import sys
sys.modules.update(dict.fromkeys({HOST!r}))
import torch
from adacache import Run, Settings, run_blocks
with Run(Settings(), steps=30) as run:
    for step in range(30):
        with run.evaluation(1 - step / 30) as evaluation:
            run_blocks(evaluation, [torch.nn.Identity()] * 3, torch.ones(1, 2, 2))
assert len(run.trace.records) == 30
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


FILES = pytest.mark.parametrize("path", ENGINE, ids=name_of)


@FILES
def test_engine_imports(path: Path) -> None:
    """An engine file imports the standard library, torch and the rooms below its own only."""
    here, found = room(name_of(path)), imports(path)
    assert {name for name in found if name[0] != "."} <= {*sys.stdlib_module_names, "torch"}
    if path.name != "__init__.py":
        assert {room(name[1:]) for name in found if name[0] == "."} <= ROOMS[here]


@FILES
def test_number_rooms_need_no_torch(path: Path) -> None:
    """Schedules and traces are numbers, and so is all that they import."""
    if room(name_of(path)) not in NUMBERS:
        return
    seen, waiting = set(), {"." + name_of(path)}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        found = imports(next(file for file in ENGINE if name_of(file) == name[1:]))
        assert "torch" not in found, name
        waiting |= {one for one in found if one[0] == "."} - seen


def test_no_circles() -> None:
    """No file of the engine imports, over however many others, itself."""
    graph = {name_of(path): {name[1:] for name in imports(path) if name[0] == "."} for path in ENGINE}
    for name in graph:
        seen, waiting = set(), set(graph[name])
        while waiting:
            one = waiting.pop()
            seen.add(one)
            waiting |= graph.get(one, set()) - seen
        assert name not in seen, name
