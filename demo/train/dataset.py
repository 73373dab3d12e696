"""Encodes procedural clips into latents once: what the network trains on."""

from __future__ import annotations

import argparse
import time

import clips
import host
import torch
import vae
from safetensors.torch import load_file

FILE = host.CACHE / "latents.pt"


@torch.no_grad()
def encode(count: int) -> None:
    """Writes normalised latents [count, 16, 9, 16, 16] as float16; clip i has seed i."""
    model = vae.build()
    model.load_state_dict(load_file(vae.MODEL))
    latents, began = torch.zeros(count, 16, 9, 16, 16), time.monotonic()
    for seed in range(host.WORKER, count, host.WORKERS):
        with host.mixed_precision():
            latent = model.encode(vae.pixels(range(seed, seed + 1), clips.FRAMES, clips.SIZE))
        latents[seed] = vae.Wan21().process_in(latent.float())[0]
        if seed % 100 == 0:
            print(f"clip {seed}/{count}  {time.monotonic() - began:.0f} s", flush=True)
    if host.WORKERS > 1:
        torch.distributed.all_reduce(latents)
    if host.WORKER == 0:
        host.save({"latents": latents.half()}, FILE)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1200)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    host.join_workers()
    encode(arguments.clips)


if __name__ == "__main__":
    main()
