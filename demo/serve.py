"""Starts the real ComfyUI server for the demo and the tests, and stops it again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from demo import host

START_LIMIT = 300  # seconds; a cold disk or a busy machine is slow to import torch


class ServerError(RuntimeError):
    """The server did not start."""


@contextlib.contextmanager
def serving(base: Path, log: Path, *more: str) -> Iterator[str]:
    """Runs a server on a free port of this machine only; gives its address.

    `base` is a folder from host.make_base; `more` are arguments for ComfyUI.
    """
    with running(base, log, *more) as (url, _):
        yield url


@contextlib.contextmanager
def running(base: Path, log: Path, *more: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The same; gives its process, too."""
    url = f"http://127.0.0.1:{_free_port()}"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as log_file:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo.launch_host", *_arguments(base, url), *more],
            cwd=host.REPO,
            # As in setup.sh: spinning threads take ten times as long on a busy machine.
            env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=log_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to handle: the server gets it once, when we stop it
        )
        try:
            _wait_until_ready(process, url, log)
            yield url, process
        finally:
            _stop(process)


def _arguments(base: Path, url: str) -> list[str]:
    return [
        *("--listen", "127.0.0.1", "--port", url.rpartition(":")[2]),
        *("--base-directory", str(base)),
        *("--database-url", "sqlite:///:memory:"),  # the default file is in the host's own folder
        *("--disable-api-nodes", "--disable-auto-launch"),
    ]


def accelerator() -> str:
    """The device that ComfyUI will use, "cpu" where torch finds no other."""
    import torch

    backends = {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}
    return next((name for name, backend in backends.items() if backend.is_available()), "cpu")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_ready(process: subprocess.Popen, url: str, log: Path) -> None:
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit:
        if process.poll() is not None:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise ServerError(f"ComfyUI did not start. The end of {log}:\n{tail}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/system_stats", timeout=5):
            return
        time.sleep(0.2)
    raise ServerError(f"ComfyUI was not ready after {START_LIMIT} seconds; see {log}")


def _stop(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
