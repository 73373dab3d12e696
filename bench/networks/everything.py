"""Trains the bench's networks beside one another on one GPU: `python -m bench.networks.everything --out FOLDER`.

Each is a process of its own, so that one that fails costs only itself. All share the GPU, and all save on the way.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path

from bench.networks import families, wan_loras
from demo.train.everything import run

NAMES = (*families.NETWORKS, *wan_loras.EXPERTS, *wan_loras.DISTILLED)
MAKING, TRAINING, ALONE = 0.2, 0.65, 0.85  # shares of the time; what starting takes is left over


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=400)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--clips", type=int, default=8000)
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"There is no {', '.join(unknown)}: choose of {', '.join(NAMES)}.")
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    began, whole = time.monotonic(), options.seconds
    making = ("--clips", options.clips, "--make-seconds", MAKING * whole)

    def train(name: str, share: float, module: str, *more: object) -> None:
        given = (name, "--seconds", share * whole, "--batch", options.batch, "--out", options.out, *more)
        run(name, module, *given, limit=1.3 * whole)

    def experts(names: list[str]) -> None:
        given = ("--clips", options.clips, "--seconds", MAKING * whole, "--first-seed", wan_loras.FIRST)
        run("clips", "demo.train.dataset", *given, limit=0.4 * whole)
        together([lambda name=name: train(name, TRAINING, "bench.networks.wan_loras", *making) for name in names])

    parts = [
        lambda name=name: train(name, ALONE, "bench.networks.train", "--clips", options.clips // 2)
        for name in families.NETWORKS
        if name in options.names
    ]
    parts += [
        lambda name=name: train(name, TRAINING, "bench.networks.wan_loras", *making)
        for name in wan_loras.DISTILLED
        if name in options.names
    ]
    pair = [name for name in wan_loras.EXPERTS if name in options.names]
    if pair:
        parts.append(lambda: experts(pair))
    together(parts)
    print(f"all after {time.monotonic() - began:.0f} s", flush=True)


def together(parts: list) -> None:
    """Runs them beside one another and waits for all."""
    threads = [threading.Thread(target=part) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
