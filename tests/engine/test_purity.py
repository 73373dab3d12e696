"""The engine works without ComfyUI, and its number files without torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = sorted((ROOT / "adacache").glob("*.py"))
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
NUMBERS = (
    "schedule",
    "settings",
    "moreg",
    "locked",
    "record",
    "reading",
    "trace",
    "calibration",
    "simulation",
    "plan",
    "paced",
    "noise",
)


def imports(path: Path) -> set[str]:
    """The top-level names that a file imports, at any place in it; relative ones with their dot."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{path.name} reaches out of the engine"
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {("." if node.level else "") + name.split(".")[0] for name in names}
    return found


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


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.stem)
def test_engine_imports(path: Path) -> None:
    """An engine file imports the standard library, torch and its own folder only."""
    siblings = {f".{file.stem}" for file in ENGINE}
    assert imports(path) <= {*sys.stdlib_module_names, "torch", *siblings}


@pytest.mark.parametrize("name", NUMBERS)
def test_number_files_need_no_torch(name: str) -> None:
    """Schedules, settings, MoReg and traces import the standard library and each other only."""
    allowed = {*sys.stdlib_module_names, *(f".{number}" for number in NUMBERS)}
    assert imports(ROOT / "adacache" / f"{name}.py") <= allowed
