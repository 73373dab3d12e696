"""Packs the project, the host's sources and wheels into one folder that runs on a machine without a network.

The folder is laid out like a checkout after its set-up: the host stands where the demo looks for it. There,
once: `python -m pip install --no-index --no-deps --target SITE wheels/*.whl`, and SITE onto PYTHONPATH.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from demo import host

LIMIT = 60  # MiB in all
# Folders at its top that a host which draws no page and runs no test of its own can do without.
LEFT_OUT = ("tests", "tests-unit", "script_examples", "input", "output", "temp", "user", "models", "custom_nodes")
# Linux on x86-64 with a glibc of 2.28 or later; pip matches each name exactly.
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def pack(
    folder: Path,
    wheels: list[str],
    also: list[Path],
    python: str,
    pure: Sequence[str] = (),
    without: Sequence[str] = (),
    host_without: Sequence[str] = (),
) -> int:
    """Fills the folder anew; returns its size in bytes.

    Args:
        wheels: packages that the other machine lacks.
        also: paths of the project to take along though git ignores them.
        python: the other machine's version.
        pure: packages of which the wheel without compiled code is enough.
        without: folders of the project to leave behind.
        host_without: names of the host's files and folders to leave behind, with the usual wildcards.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for path in _own_files():
        if not any(Path(path).is_relative_to(left) for left in without):
            _copy(host.REPO / path, folder / path)
    for path in also:
        _copy(host.REPO / path, folder / path)
    shutil.copytree(host.HOST, folder / "demo" / ".cache" / "ComfyUI", ignore=partial(_skipped, host_without))
    if wheels:
        compiled = [part for platform in PLATFORMS for part in ("--platform", platform)]
        _download(wheels, folder / "wheels", ["--implementation", "cp", "--python-version", python, *compiled])
    if pure:
        any_machine = ["--implementation", "py", "--abi", "none", "--platform", "any"]
        _download(pure, folder / "wheels", [*any_machine, "--python-version", python])
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _own_files() -> list[str]:
    """Files of the checkout that git knows or would take, but no links."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=host.REPO, check=True, capture_output=True, text=True).stdout.splitlines()
    return [path for path in listed if (host.REPO / path).is_file() and not (host.REPO / path).is_symlink()]


def _skipped(without: Sequence[str], folder: str, names: list[str]) -> list[str]:
    """What of a folder of the host stays behind."""
    top = LEFT_OUT if Path(folder) == host.HOST else ()
    patterns = ("__pycache__", ".*", *top, *without)
    return [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _download(names: Sequence[str], folder: Path, target: list[str]) -> None:
    """Wheels of the named packages alone, for the machine that pip's options describe."""
    command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "download", "--no-deps"]
    subprocess.run([*command, "--only-binary=:all:", *target, "--dest", folder, *names], check=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="emptied first")
    parser.add_argument("--wheels", nargs="*", default=[], metavar="NAME", help="packages that the machine lacks")
    parser.add_argument("--also", nargs="*", default=[], type=Path, metavar="PATH", help="ignored paths to take along")
    parser.add_argument("--without", nargs="*", default=[], metavar="PATH", help="of the project, to leave behind")
    parser.add_argument("--host-without", nargs="*", default=[], metavar="NAME", help="of the host, likewise")
    parser.add_argument("--python", default="3.12", help="the other machine's Python (default: %(default)s)")
    arguments = parser.parse_args()
    left = {"without": arguments.without, "host_without": arguments.host_without}
    size = pack(arguments.out, arguments.wheels, arguments.also, arguments.python, **left) / 2**20
    print(f"{arguments.out}: {size:.1f} MiB")
    if size > LIMIT:
        raise SystemExit(f"That is more than {LIMIT} MiB.")


if __name__ == "__main__":
    main()
