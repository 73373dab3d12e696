"""Runs the host's main.py as its own start script would; arguments are passed on to it."""

from __future__ import annotations

import runpy
import sys

from demo import host


def main() -> None:
    """Starts ComfyUI in this process, on the CPU where torch finds no accelerator."""
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(host.REPO))]
    host.put_first()
    host.allow_torchvision()
    if not _has_accelerator() and "--cpu" not in sys.argv:
        sys.argv.append("--cpu")
    runpy.run_path(str(host.HOST / "main.py"), run_name="__main__")


def _has_accelerator() -> bool:
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()


if __name__ == "__main__":
    main()
