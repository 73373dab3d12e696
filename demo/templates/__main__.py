"""Writes the example workflows of the host that COMFYUI_PATH names: those that are for its version.

    .venv/bin/python -m demo.templates

A template is written on the oldest ComfyUI that has its nodes, which `recipes.py` names: later ones only add to them.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from demo import host
from demo.client import Client
from demo.run import WORKFLOW
from demo.serve import serving
from demo.templates.graph import Sheet
from demo.templates.recipes import RECIPES

FOLDER = host.REPO / "example_workflows"


def file(name: str) -> Path:
    """Where a template lies: the pack's, or the demo's own."""
    return WORKFLOW if name == WORKFLOW.stem else FOLDER / f"{name}.json"


def main() -> None:
    """Command line."""
    with tempfile.TemporaryDirectory() as temp:
        base = host.make_base(Path(temp))
        with serving(base, base / "server.log", "--cpu") as url, Client(url) as client:
            infos, version = client.node_infos(), client.version()
    for recipe in RECIPES:
        if recipe.since == version:
            sheet = Sheet(infos, version)
            recipe.build(sheet)
            file(recipe.name).write_text(json.dumps(sheet.saved(), ensure_ascii=False, indent=1) + "\n")
            print(f"{recipe.name}: written")
        else:
            print(f"{recipe.name}: for ComfyUI {recipe.since}; this is {version}")


if __name__ == "__main__":
    main()
