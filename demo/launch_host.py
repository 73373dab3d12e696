"""Runs the host's main.py as its own start script would; arguments are passed on to it."""

from __future__ import annotations

import runpy
import sys

from demo import host


def main() -> None:
    """Starts ComfyUI in this process."""
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(host.REPO))]
    host.put_first()
    if "--cpu" in sys.argv:  # else the host has to be the first to import torch: it sets up CUDA before
        host.allow_torchvision()
    runpy.run_path(str(host.HOST / "main.py"), run_name="__main__")


if __name__ == "__main__":
    main()
