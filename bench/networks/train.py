"""Trains one of the bench's own networks, `python -m bench.networks.train NAME`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from bench.networks import families, patterns, real_clips
from bench.networks.families import NETWORKS
from bench.networks.linear_latents import LinearLatents
from demo.train import clips, flow, host, trainer
from demo.train import network as wan

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
    if network.layout == "wan":
        return wan.build(network.architecture)
    torch.manual_seed(0)
    kind = lightricks.LTXVModel if network.layout == "ltx" else HunyuanVideo
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
    nn.init.zeros_((model.proj_out if network.layout == "ltx" else model.final_layer.linear).weight)
    return model.to(host.device())


def real_examples(frames: int, size: int) -> tuple[torch.Tensor, list[str]]:
    """Views of the real videos, [videos * VIEWS, frames, size, size, 3] as bytes, and a label each."""
    generator = torch.Generator().manual_seed(0)
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
    """Drifting wavelets, [count, frames, rows, columns, 3] as bytes, and a label each."""
    return _drawn(range(count), lambda seeds: patterns.render(seeds, host.device())), list(
        map(patterns.label, range(count))
    )


def shape_examples(count: int, frames: int, size: int) -> tuple[torch.Tensor, list[str]]:
    """The demo's clips of one kind of shape each, [count, frames, size, size, 3] as bytes, and their captions."""
    chosen = []
    for seed in range(count):
        clip = clips.sample_clip(seed)
        number = sum(group[0] for group in clip.groups)
        chosen.append(replace(clip, groups=((number, *clip.groups[0][1:]),)))
    videos = _drawn(chosen, lambda some: clips.render(some, frames, size, host.device()))
    return videos, [clip.caption for clip in chosen]


def _drawn(seeds: Sequence[Any], render: Callable[[Sequence[Any]], torch.Tensor]) -> torch.Tensor:
    """What `render` makes of them, 32 at a time, as bytes."""
    parts = (render(seeds[start : start + 32]) for start in range(0, len(seeds), 32))
    return torch.cat([(part * 255).round().byte() for part in parts])


def examples(network: families.Network, count: int) -> tuple[torch.Tensor, list[str]]:
    """Videos of a network's kind of clips and their labels; `count` is of drawn ones."""
    frames, size = network.latent[1] * network.block[0], network.latent[2] * network.block[1]
    if network.clips == "real":
        return real_examples(frames, size)
    return pattern_examples(count) if network.clips == "patterns" else shape_examples(count, frames, size)


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
        if network.layout == "ltx":
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
    parser.add_argument("--clips", type=int, default=4000, help="drawn ones")
    parser.add_argument("--out", type=Path, default=families.HERE)
    arguments = parser.parse_args()
    network = NETWORKS[arguments.network]
    videos, labels = examples(network, arguments.clips)
    linear, latents = encode(network, videos)
    known = sorted(set(labels))
    linear.save(arguments.out / network.decoder.name, known)
    table = torch.cat([families.features(label, network.text_dim) for label in ["", *known]]).to(latents.device)
    numbers = torch.tensor([known.index(label) + 1 for label in labels]).to(latents.device)
    model = build(network)

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.randint(len(latents), (arguments.batch,), device=latents.device)
        told = numbers[chosen] * flow.kept(arguments.batch, latents.device)
        return latents[chosen].float(), table[told]

    def save(state: dict[str, torch.Tensor]) -> None:
        halves = {name: value.half().cpu().contiguous() for name, value in state.items()}
        save_file(halves, arguments.out / network.weights.name, families.notes(network))

    blocks = nn.ModuleList(network.blocks(model))
    more = {"compiled": blocks}
    if network.layout != "wan":  # the host's blocks add to their input in place, which backpropagation must be told
        more = {"around": torch.autograd.graph.allow_mutation_on_saved_tensors}
    matrices = trainer.hidden_matrices(blocks)
    run = trainer.Run(model, lambda: loss_of(network, model, batch()), arguments.learning_rate, matrices, **more)
    run.train(arguments.seconds, save)


if __name__ == "__main__":
    main()
