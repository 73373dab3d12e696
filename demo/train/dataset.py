"""Encodes procedural clips into latents once: what the network trains on."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from demo.train import clips, host, vae

FILE = Path(__file__).resolve().parents[1] / ".cache" / "latents.pt"  # git ignores it
BATCH = 128 if host.device().type == "cuda" else 1


@torch.no_grad()
def encode(count: int, seconds: float, weights: Path, first: int = 0) -> torch.Tensor:
    """Normalised latents [clips, 16, 9, 16, 16] in half precision, on the device; clip i has seed `first` + i.

    Up to `count` clips, fewer if the time is up before.
    """
    model = vae.build()
    model.load_state_dict(load_file(weights))
    latents, began = [], time.monotonic()
    for seed in range(first, first + count, BATCH):
        with host.mixed_precision():
            latent = model.encode(vae.pixels(range(seed, seed + BATCH), clips.FRAMES))
        latents.append(vae.Wan21().process_in(latent.float()).half())
        if host.device().type == "cuda":
            torch.cuda.synchronize()
        if time.monotonic() - began > seconds:
            break
    latents = torch.cat(latents)
    print(f"{len(latents)} clips encoded in {time.monotonic() - began:.0f} s", flush=True)
    return latents


def load(count: int, seconds: float, weights: Path, first: int) -> torch.Tensor:
    """The encoded clips of FILE where this script has made it from these seeds, else encoded now."""
    if FILE.exists():
        kept = torch.load(FILE, map_location=host.device(), weights_only=True)
        if kept["first"] == first:
            return kept["latents"]
    return encode(count, seconds, weights, first)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=4000)
    parser.add_argument("--first-seed", type=int, default=0, help="of the clips")
    parser.add_argument("--seconds", type=float, default=3600)
    arguments = parser.parse_args()
    FILE.parent.mkdir(parents=True, exist_ok=True)
    latents = encode(arguments.clips, arguments.seconds, vae.MODEL, arguments.first_seed)
    torch.save({"first": arguments.first_seed, "latents": latents.cpu()}, FILE)


if __name__ == "__main__":
    main()
