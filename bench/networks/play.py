"""Samples the bench's own networks as the host does; `python -m bench.networks.play ltx_real` makes a picture."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from bench.networks.families import NETWORKS, TOKENS, Network, features
from bench.networks.linear_latents import LinearLatents

STEPS, CFG = 30, 3.0


def load(network: Network) -> Any:
    """The host's model with the recipe's shift; the host must be importable."""
    import comfy.model_sampling as sampling
    import comfy.sd

    model = comfy.sd.load_diffusion_model(str(network.weights))
    # LTX-Video's clock runs from 0 to 1 and takes the shift as a logarithm.
    kind = sampling.ModelSamplingFlux if network.layout == "ltx" else sampling.ModelSamplingDiscreteFlow

    class Sampling(kind, sampling.CONST):
        pass

    clock = Sampling(model.model.model_config)
    clock.set_parameters(shift=math.log(network.shift) if network.layout == "ltx" else network.shift)
    model.add_object_patch("model_sampling", clock)
    return model


def conditioning(network: Network, label: str) -> list:
    """What KSampler takes as positive or, for the empty label, as negative."""
    told = features(label, network.text_dim)
    also = (
        {"attention_mask": torch.ones(1, TOKENS, dtype=torch.long)}
        if network.layout == "ltx"
        else {"pooled_output": torch.zeros(1, 768)}
    )
    return [[told, also]]


def empty(network: Network) -> torch.Tensor:
    """The latent that sampling starts from."""
    return torch.zeros(1, *network.latent)


def frames(model: Any, network: Network, latent: torch.Tensor) -> torch.Tensor:
    """The video [frames, rows, columns, 3], 0 to 1, of a sampled latent."""
    return LinearLatents.load(network.decoder)[0].decode(model.model.process_latent_in(latent))[0]


def sample(model: Any, network: Network, label: str, seed: int, steps: int = STEPS) -> torch.Tensor:
    """The latent that KSampler would give, with Euler and the simple scheduler."""
    import comfy.sample

    start = empty(network)
    noise = comfy.sample.prepare_noise(start, seed)
    sides = (conditioning(network, label), conditioning(network, ""))
    return comfy.sample.sample(model, noise, steps, CFG, "euler", "simple", *sides, start, disable_pbar=True, seed=seed)


@torch.no_grad()
def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--labels", type=int, default=6)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    from demo.train import host

    host.import_host()
    network = NETWORKS[arguments.network]
    labels = LinearLatents.load(network.decoder)[1]
    model, rows = load(network), []
    for number in range(arguments.labels):
        label = labels[number * len(labels) // arguments.labels]
        video = frames(model, network, sample(model, network, label, number, arguments.steps))
        rows.append(torch.cat(list(video[:: max(1, len(video) // 6)]), 1))
        print(label, f"change from frame to frame {(video[1:] - video[:-1]).abs().mean():.4f}", flush=True)
    Image.fromarray((torch.cat(rows) * 255).round().byte().numpy()).save(arguments.out)


if __name__ == "__main__":
    main()
