"""Trains one of the bench's own networks: `python -m bench.networks.train ltx_real` or `hunyuan_patterns`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from bench.networks import families, patterns, real_clips
from bench.networks.families import NETWORKS, REAL
from bench.networks.linear_latents import LinearLatents
from demo.train import flow, host, trainer

host.import_host()
from comfy.ldm.hunyuan_video.model import HunyuanVideo  # noqa: E402
from comfy.ldm.lightricks import model as lightricks  # noqa: E402

VIEWS = 12  # of each real video: crops, starts and mirror images


_coordinates: dict[torch.Size, torch.Tensor] = {}
_pixel_coordinates = lightricks.latent_to_pixel_coords


def _kept_coordinates(latent_coords: torch.Tensor, **options: Any) -> torch.Tensor:
    """The host's coordinates, made once: it copies a constant to the device, which a CUDA graph cannot hold."""
    if latent_coords.shape not in _coordinates:
        _coordinates[latent_coords.shape] = _pixel_coordinates(latent_coords, **options)
    return _coordinates[latent_coords.shape]


lightricks.latent_to_pixel_coords = _kept_coordinates


def build(network: families.Network) -> nn.Module:
    """An untrained network."""
    torch.manual_seed(0)
    kind = lightricks.LTXVModel if network is REAL else HunyuanVideo
    model = kind(**network.architecture, operations=nn, dtype=torch.float32, device="cpu")
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Conv3d):
            nn.init.xavier_uniform_(layer.weight.flatten(1))
            nn.init.zeros_(layer.bias)
    for name, parameter in model.named_parameters():
        if name.endswith("scale_shift_table"):
            nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
            if len(parameter) == 6:
                parameter.data[[2, 5]] += 0.5  # open gates learn faster in a short training
        elif name.endswith(("query_norm.scale", "key_norm.scale")):
            nn.init.ones_(parameter)
    nn.init.zeros_((model.proj_out if network is REAL else model.final_layer.linear).weight)
    return model.to(host.device())


def real_examples() -> tuple[torch.Tensor, list[str]]:
    """Views of the real videos, [videos * VIEWS, frames, rows, columns, 3] as bytes, and a label each."""
    generator = torch.Generator().manual_seed(0)
    frames, size = REAL.latent[1] * REAL.block[0], REAL.latent[2] * REAL.block[1]
    views, labels = [], []
    for name, video in real_clips.read().items():
        for view in range(VIEWS):
            start, top, left = (
                int(torch.randint(room + 1, (), generator=generator))
                for room in (real_clips.FRAMES - frames, real_clips.SIZE - size, real_clips.SIZE - size)
            )
            part = torch.tensor(video[start : start + frames, top : top + size, left : left + size])
            views.append(part.flip(2) if view % 2 else part)
            labels.append(name)
    return torch.stack(views), labels


def pattern_examples(count: int) -> tuple[torch.Tensor, list[str]]:
    """Procedural clips, [count, frames, rows, columns, 3] as bytes, and a label each."""
    parts = [
        (patterns.render(range(seed, min(seed + 32, count)), host.device()) * 255).round().byte()
        for seed in range(0, count, 32)
    ]
    return torch.cat(parts), [patterns.label(seed) for seed in range(count)]


def encode(network: families.Network, videos: torch.Tensor) -> tuple[LinearLatents, torch.Tensor]:
    """The latents' basis, and the videos' latents on the device in half precision."""
    sample = videos[:: max(1, len(videos) // 512)].to(host.device()).float() / 255
    latents = LinearLatents.fit(sample, network.block, network.latent[0])
    parts = [latents.encode(part.to(host.device()).float() / 255).half() for part in videos.split(64)]
    return latents, torch.cat(parts)


def loss_of(network: families.Network, model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """The loss of a batch of latents and features."""
    clean, text = batch

    def predict(mix: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        if network is REAL:
            return model(mix, times, text, None)
        return model(mix, times * 1000, text)

    with host.mixed_precision():
        return flow.loss(predict, clean)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--learning-rate", type=float, default=1.25e-3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--clips", type=int, default=4000, help="of the patterns")
    parser.add_argument("--out", type=Path, default=families.HERE)
    arguments = parser.parse_args()
    network = NETWORKS[arguments.network]
    videos, labels = real_examples() if network is REAL else pattern_examples(arguments.clips)
    linear, latents = encode(network, videos)
    known = sorted(set(labels))
    linear.save(arguments.out / network.decoder.name, known)
    table = torch.cat([families.features(label) for label in ["", *known]]).to(latents.device)
    numbers = torch.tensor([known.index(label) + 1 for label in labels]).to(latents.device)
    model = build(network)

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.randint(len(latents), (arguments.batch,), device=latents.device)
        told = numbers[chosen] * flow.kept(arguments.batch, latents.device)
        return latents[chosen].float(), table[told]

    def save(state: dict[str, torch.Tensor]) -> None:
        halves = {name: value.half().cpu().contiguous() for name, value in state.items()}
        save_file(halves, arguments.out / network.weights.name, families.notes(network))

    blocks = model.transformer_blocks if network is REAL else nn.ModuleList([model.double_blocks, model.single_blocks])
    matrices = trainer.hidden_matrices(blocks)
    # The host's blocks add to their input in place, which backpropagation must be told.
    around = torch.autograd.graph.allow_mutation_on_saved_tensors
    rate = arguments.learning_rate
    run = trainer.Run(model, lambda: loss_of(network, model, batch()), rate, matrices, around=around)
    run.train(arguments.seconds, save)


if __name__ == "__main__":
    main()
