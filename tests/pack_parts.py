"""Parts of the pack that need no ComfyUI, loaded as its loader does: by the folder's path, under any name."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
NAME = "ComfyUI-AdaCache"


def part(name: str) -> ModuleType:
    """A module of the pack by its dotted name, for example part("nodes.plot")."""
    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(NAME, ROOT / "__init__.py")
        sys.modules[NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[NAME])
    return importlib.import_module(f"{NAME}.{name}")
