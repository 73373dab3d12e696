"""Results that grow by a line for each thing measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def rows_of(out: Path) -> list[dict[str, Any]]:
    """What a file of results has; nothing where there is none."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
