"""Trains all networks of the project on one GPU in at most ten minutes.

Usage: python -m demo.train.everything --out FOLDER

Each part is a process of its own with its share of the time, so that one that fails costs only its own. The small
networks of the bench train beside the VAE, which leaves most of the GPU idle; the demo's network has it alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from demo.train import host

REPO = Path(__file__).resolve().parents[2]
# Shares of the whole time; what the parts need to start is left over.
VAE, ENCODING, NETWORK, BESIDE = 0.25, 0.09, 0.56, 0.13
BATCH = 128  # clips a step


def run(name: str, module: str, *arguments: object, limit: float) -> bool:
    """Runs one part with its output after its name; whether it ended well, in time."""
    command = [sys.executable, "-u", "-m", module, *map(str, arguments)]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=REPO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    killer = threading.Timer(limit, process.kill)
    killer.start()
    for line in process.stdout:
        print(f"[{name}] {line}", end="", flush=True)
    killer.cancel()
    good = process.wait() == 0
    print(f"[{name}] {'done' if good else 'FAILED'} after {time.monotonic() - began:.0f} s", flush=True)
    return good


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=400)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--clips", type=int, default=30000)
    arguments = parser.parse_args()
    out, whole, batch = arguments.out.resolve(), arguments.seconds, arguments.batch
    out.mkdir(parents=True, exist_ok=True)
    vae, network = (
        out / path.name for path in (host.MODELS / "wan_demo_vae.safetensors", host.MODELS / "wan_demo_t2v.safetensors")
    )
    began, tried = time.monotonic(), []

    def beside() -> None:
        """A first short run of the demo's network, which fills the compiler's cache, then the bench's own."""
        first = ("--seconds", 1, "--clips", batch, "--encode-seconds", 9, "--batch", batch, "--out", out / "first")
        tried.append(run("first", "demo.train.network", *first, limit=0.22 * whole))
        (out / "first").unlink(missing_ok=True)
        for name, clips in (("ltx_real", 0), ("hunyuan_patterns", 4000)):
            options = (name, "--seconds", BESIDE * whole, "--batch", batch // 2, "--clips", clips, "--out", out)
            run(name, "bench.networks.train", *options, limit=(BESIDE + 0.15) * whole)

    other = threading.Thread(target=beside)
    other.start()
    options = ("--seconds", VAE * whole, "--clips", 40 * batch, "--held-out", 2, "--out", vae)
    if not run("vae", "demo.train.vae", *options, limit=(VAE + 0.1) * whole) and not vae.exists():
        shutil.copy2(host.MODELS / vae.name, vae)
    options = ["--clips", arguments.clips, "--encode-seconds", ENCODING * whole, "--batch", batch]
    options += ["--vae", vae, "--out", network] + ["--plain"] * (tried == [False])
    left = min(NETWORK * whole, whole - (time.monotonic() - began) - (ENCODING + 0.04) * whole)
    run("network", "demo.train.network", "--seconds", left, *options, limit=left + (ENCODING + 0.2) * whole)
    other.join()
    print(f"all after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
