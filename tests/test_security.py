"""What ships does not run code from elsewhere, does not open a network, and writes where it says.

`bandit` looks for the same and more (`.ci/check.sh`); its findings in what ships, and the answer to each: none.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
PYTHON = [REPO / "__init__.py", *sorted((REPO / "adacache").rglob("*.py")), *sorted((REPO / "nodes").rglob("*.py"))]
SCRIPTS = sorted((REPO / "web").glob("*.js"))

# Shells, sockets, servers, and formats that run code when they are read.
MODULES = {
    *("subprocess", "socket", "ssl", "http", "urllib", "requests", "ftplib", "smtplib", "asyncio", "multiprocessing"),
    *("pickle", "marshal", "shelve", "dill", "joblib", "yaml", "ctypes", "code", "runpy", "pip", "zipimport"),
}
CALLS = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
METHODS = {"system", "popen", "spawn", "execv", "fork", "startfile", "rmtree", "load_state_dict_from_url"}
WRITERS = {"write", "write_text", "write_bytes", "mkdir", "unlink", "replace", "rename", "mkstemp", "symlink_to"}

# Files that write, and import by a name of their own: what is saved by the user's word; libraries that measure.
MAY_WRITE = {"nodes/server/calibration_files.py"}
MAY_IMPORT = {"nodes/metrics.py"}
# What workers of Raylight tell ComfyUI: within this machine, with a key, and only where Raylight is loaded.
MAY_CONNECT = {("nodes/server/worker_feed.py", "socket")}


@pytest.mark.parametrize("file", PYTHON, ids=lambda file: str(file.relative_to(REPO)))
def test_python(file: Path) -> None:
    place = str(file.relative_to(REPO))
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            level = getattr(node, "level", 0)
            outside = {name.split(".")[0] for name in names if not level} & MODULES
            found += [name for name in outside if (place, name) not in MAY_CONNECT]
        if isinstance(node, ast.Call):
            found += _called(node, place)
    assert not found


def _called(node: ast.Call, place: str) -> list[str]:
    function = node.func
    if isinstance(function, ast.Name):
        opened = function.id == "open" and place not in MAY_WRITE
        return [function.id] if function.id in CALLS or opened else []
    if not isinstance(function, ast.Attribute):
        return []
    owner = function.value.id if isinstance(function.value, ast.Name) else ""
    forbidden = function.attr in METHODS or (owner, function.attr) in {("torch", "load"), ("os", "environ")}
    imported = function.attr == "import_module" and place not in MAY_IMPORT
    written = owner in ("os", "shutil", "tempfile", "path", "file", "Path") and function.attr in WRITERS
    return [f"{owner}.{function.attr}"] if forbidden or imported or (written and place not in MAY_WRITE) else []


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_scripts_render_text_as_text(file: Path) -> None:
    """No HTML is made of texts, and nothing is fetched but by the host's own way to its server."""
    forbidden = (
        r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\b|new Function|setTimeout\(\s*[\"'`]"
        r"|createContextualFragment|DOMParser|srcdoc|XMLHttpRequest|WebSocket|EventSource|sendBeacon|localStorage"
        r"|document\.cookie|(?<!\.)\bfetch\((?!new URL\(file, import\.meta\.url\))|(?<![.\w])import\((?!runs, title\))\s*[^\"'`)]|https?://(?!www\.w3\.org/)"
    )
    code = re.sub(r"^\s*(//|/?\*).*$", "", file.read_text(), flags=re.MULTILINE)
    assert not re.findall(forbidden, code)


def test_what_listens_is_of_this_machine() -> None:
    (place,) = (place for place, _ in MAY_CONNECT)
    text = (REPO / place).read_text()
    assert 'Server(("127.0.0.1", 0), ' in text and "compare_digest" in text


def test_routes_only_read() -> None:
    """Everything that the server answers is asked by GET."""
    text = (REPO / "nodes" / "server" / "routes.py").read_text()
    assert set(re.findall(r"routes\.(\w+)\(", text)) == {"get"}
