"""What the registry gets: the fields of its page, and an archive without what an installed pack does not need."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

REPO = Path(__file__).parents[2]


def test_publishing_fills_in_the_addresses():
    tomllib = pytest.importorskip("tomllib")
    spec = importlib.util.spec_from_file_location("registry", REPO / ".ci" / "registry.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = (REPO / "pyproject.toml").read_text()
    filled = tomllib.loads(module.filled(before, "someone/pack"))
    assert filled["project"]["urls"]["Repository"] == "https://github.com/someone/pack"
    for field in ("Icon", "Banner"):
        address = filled["tool"]["comfy"].pop(field)
        assert address.startswith("https://raw.githubusercontent.com/someone/pack/HEAD/")
        assert (REPO / address.partition("/HEAD/")[2]).exists()
    del filled["project"]["urls"]
    assert filled == tomllib.loads(before)
    with pytest.raises(ValueError, match="addresses already"):
        module.filled(module.filled(before, "someone/pack"), "someone/pack")


def test_pictures_have_the_sizes_that_the_registry_asks_for():
    pictures = REPO / "docs" / "pictures"
    with Image.open(pictures / "icon.png") as one, Image.open(pictures / "banner.png") as other:
        icon, banner = one.size, other.size
    assert icon[0] == icon[1] <= 400
    assert banner[0] * 9 == banner[1] * 21


@pytest.mark.skipif(sys.platform == "win32", reason="git ls-files gives paths with slashes")
def test_the_archive_is_small():
    """Only what an installed pack needs; .ci/pack.sh makes the archive itself."""
    rules = (REPO / ".comfyignore").read_text().splitlines()
    left_out = tuple(rule for rule in rules if rule and not rule.startswith("#"))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPO, capture_output=True, text=True, check=True).stdout
    packed = [REPO / name for name in listed.split("\0") if name and not name.startswith(left_out)]
    assert {path.parts[len(REPO.parts)] for path in packed} >= {"adacache", "nodes", "web", "example_workflows"}
    assert sum(path.stat().st_size for path in packed if path.exists()) < 1_700_000  # a third of it, packed
