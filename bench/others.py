"""The presets on networks that they were not chosen on, beside EasyCache and fewer steps, at equal computed steps.

    .venv/bin/python -m bench.others --videos 6

Euler, 30 steps; PSNR of the decoded frames against the uncached video of the same seed. The table is written to
`results/others.md`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch

from .hosted import Hosted
from .networks import play
from .networks.families import NETWORKS, Network
from .networks.linear_latents import LinearLatents
from .ways import PRESETS

RESULTS = Path(__file__).parent / "results"
THRESHOLDS = (0.05, 0.1, 0.2)
Row = tuple[float, float]
"""Computed steps and PSNR in dB of one video."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.others", description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=6, help="labels, one seed each (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS / "others.md")
    options = parser.parse_args()
    hosted, parts = Hosted(extras=("nodes_easycache.py",)), [__doc__.splitlines()[0]]
    for name, network in NETWORKS.items():
        found = measured(hosted, network, options.videos)
        parts.append(f"## {name}, {options.videos} videos\n\n{table(found)}")
        print(parts[-1], flush=True)
        options.out.write_text("\n\n".join(parts) + "\n")


@torch.inference_mode()
def measured(hosted: Hosted, network: Network, videos: int) -> dict[str, list[Row]]:
    """By way, a row for each video."""
    model = play.load(network)
    calls: list[int] = []
    network.blocks(model.model.diffusion_model)[-1].register_forward_hook(lambda *_: calls.append(1))
    labels = LinearLatents.load(network.decoder)[1]
    found: dict[str, list[Row]] = {}
    for seed in range(videos):
        label = labels[seed * len(labels) // videos]

        def film(given: Any, steps: int = play.STEPS, label: str = label, seed: int = seed) -> tuple[float, Any]:
            calls.clear()
            latent = play.sample(given, network, label, seed, steps)
            return float(len(calls)), play.frames(model, network, latent)

        _, expected = film(model)
        ways: dict[str, Callable[[], tuple[float, Any]]] = {}
        for preset in PRESETS:
            ways[preset] = lambda film=film, preset=preset: film(hosted.patched(model, preset=preset)[0])
        for steps in (10, 12, 15, 20):
            ways[f"{steps} steps"] = lambda film=film, steps=steps: film(model, steps)
        for threshold in THRESHOLDS:
            ways[f"EasyCache {threshold:g}"] = lambda film=film, t=threshold: film(
                hosted.their_cache("EasyCache", model, t)
            )
        for way, sample in ways.items():
            computed, video = sample()
            error = float((video - expected).square().mean().clamp_min(1e-10))
            found.setdefault(way, []).append((computed, -10 * np.log10(error)))
    return found


def table(found: dict[str, list[Row]]) -> str:
    """Fewest computed steps first."""
    lines = ["| way | computed | PSNR, mean | lowest tenth | worst |", "|---|--:|--:|--:|--:|"]
    for way, rows in sorted(found.items(), key=lambda item: mean(computed for computed, _ in item[1])):
        values = [value for _, value in rows]
        cells = (mean(values), float(np.percentile(values, 10)), min(values))
        computed = mean(computed for computed, _ in rows)
        lines.append(f"| {way} | {computed:.1f} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
