"""Trains the small Wan 2.1 VAE and writes demo/models/wan_demo_vae.safetensors.

Goes on from the exported weights, if there are some. Held-out PSNR is reported at the end.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from demo.train import clips, host, trainer

host.import_host()
from comfy.latent_formats import Wan21  # noqa: E402
from comfy.ldm.wan import vae as wan_vae  # noqa: E402

MODEL = host.MODELS / "wan_demo_vae.safetensors"
DIM = 8  # the host reads it from the checkpoint; Wan's own has 96
FRAMES = 13  # a first latent frame and three that follow
HELD_OUT = 1_000_000_000  # seeds from here on are never trained on
LATENT_NOISE = 0.05  # so that the decoder forgives a network's small errors


def build() -> nn.Module:
    """An untrained VAE that starts as a nearly linear, blurring autoencoder."""
    model = wan_vae.WanVAE(
        dim=DIM,
        z_dim=16,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=2,
        attn_scales=[],
        temperal_downsample=[False, True, True],
    )
    torch.manual_seed(0)
    for name, layer in model.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            nn.init.normal_(layer.weight, std=layer.weight[0].numel() ** -0.5)
            nn.init.zeros_(layer.bias)
            if not any(part in name for part in ("residual", "head", "to_qkv", "proj")):
                _carry_channels(layer.weight)
    for layer in model.modules():
        if isinstance(layer, wan_vae.ResidualBlock):
            nn.init.zeros_(layer.residual[-1].weight)
        elif isinstance(layer, wan_vae.AttentionBlock):
            nn.init.zeros_(layer.proj.weight)
    return model.to(host.device())


@torch.no_grad()
def _carry_channels(weight: torch.Tensor) -> None:
    """Makes a trunk convolution pass its input on, with some noise mixed in."""
    weight.mul_(0.5)
    out, into, height, width = weight.shape[0], weight.shape[1], weight.shape[-2], weight.shape[-1]
    last = weight if weight.dim() == 4 else weight[:, :, -1]  # causal: the present is the last tap
    for channel in range(out):
        if channel < into or out == 2 * into and weight.shape[-1] == 1:
            last[channel, channel % into, height // 2, width // 2] += 1


def pixels(seeds: range, frames: int, motion: str | None = None) -> torch.Tensor:
    """Clips as the VAE sees them, [clips, 3, frames, size, size], -1 to 1."""
    return _as_input(clips.render([clips.sample_clip(seed, motion) for seed in seeds], frames, device=host.device()))


def _as_input(video: torch.Tensor) -> torch.Tensor:
    # Channels last: CPUs run these thin convolutions several times faster so.
    return (video.permute(0, 4, 1, 2, 3) * 2 - 1).contiguous(memory_format=torch.channels_last_3d)


class Pool:
    """Clips drawn once and kept as bytes on the device; batches are drawn from them."""

    def __init__(self, count: int, batch: int) -> None:
        self.size = batch
        drawn = []
        for seed in range(0, count, 64):
            batch = [clips.sample_clip(other) for other in range(seed, min(seed + 64, count))]
            drawn.append((clips.render(batch, FRAMES, device=host.device()) * 255).round().byte())
        self.clips = torch.cat(drawn)

    def batch(self) -> torch.Tensor:
        """Clips as the VAE sees them."""
        chosen = torch.randint(len(self.clips), (self.size,), device=self.clips.device)
        return _as_input(self.clips[chosen].float() / 255)


def loss_of(model: nn.Module, video: torch.Tensor) -> torch.Tensor:
    """Squared plus a little absolute error of one reconstruction."""
    with host.mixed_precision():
        latent = model.encode(video)
        spread = latent.detach().float().std(dim=(0, 2, 3, 4), keepdim=True)
        error = model.decode(latent + LATENT_NOISE * spread * torch.randn_like(latent)).float() - video
    return error.square().mean() + 0.2 * error.abs().mean()


@torch.no_grad()
def psnr(model: nn.Module, motion: str, count: int, autocast: bool = True) -> float:
    """Mean PSNR in dB of whole held-out clips."""
    values = []
    for seed in range(HELD_OUT, HELD_OUT + count):
        video = pixels(range(seed, seed + 1), clips.FRAMES, motion)
        with torch.autocast(video.device.type, torch.bfloat16, enabled=autocast):
            error = model.decode(model.encode(video)).float().clamp(-1, 1) - video
        values.append(10 * math.log10(4 / error.square().mean().item()))
    return sum(values) / len(values)


@torch.no_grad()
def export(model: nn.Module, path: Path, clip_count: int = 32) -> None:
    """Writes the VAE with latents that have the mean and spread ComfyUI expects of Wan's own.

    ComfyUI normalises Wan latents by fixed figures per channel; an affine map,
    folded into the encoder's last convolution and undone in the decoder's
    first, gives ours the same ones.
    """
    latents = []
    for seed in range(0, clip_count, 8):
        with host.mixed_precision(), torch.backends.cudnn.flags(benchmark=False):
            latents.append(model.encode(pixels(range(seed, seed + 8), clips.FRAMES)).float())
    latents = torch.cat(latents)
    wan = Wan21()
    scale = wan.latents_std.flatten().to(latents) / latents.std(dim=(0, 2, 3, 4))
    shift = wan.latents_mean.flatten().to(latents) - latents.mean(dim=(0, 2, 3, 4)) * scale
    state = {name: value.float().clone() for name, value in model.state_dict().items()}
    into, back = state["conv1.weight"], state["conv2.weight"]
    into[:16] *= scale.view(-1, 1, 1, 1, 1)
    state["conv1.bias"][:16] = state["conv1.bias"][:16] * scale + shift
    back /= scale.view(1, -1, 1, 1, 1)
    state["conv2.bias"] -= back.flatten(1) @ shift
    save_file({name: value.half().cpu().contiguous() for name, value in state.items()}, path)


def main() -> None:
    """Trains, exports and reports the reconstruction of held-out clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--held-out", type=int, default=8, help="clips of each motion to report on")
    parser.add_argument("--out", type=Path, default=MODEL)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    model, averaged = build(), build()
    if MODEL.exists():
        model.load_state_dict(load_file(MODEL))
    pool = Pool(arguments.clips, arguments.batch)

    def save(state: dict[str, torch.Tensor]) -> None:
        averaged.load_state_dict(state)
        export(averaged, arguments.out)

    run = trainer.Run(model, lambda: loss_of(model, pool.batch()), arguments.learning_rate)
    run.train(arguments.seconds, save)
    torch.backends.cudnn.benchmark = False
    model.load_state_dict(load_file(arguments.out))
    for motion in clips.SPEED:
        print(f"{motion}: {psnr(model, motion, arguments.held_out, autocast=False):.2f} dB", flush=True)


if __name__ == "__main__":
    main()
