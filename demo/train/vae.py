"""Trains the small Wan 2.1 VAE and writes demo/models/wan_demo_vae.safetensors.

Resumes from the last checkpoint, if there is one. Held-out PSNR is reported at the end.
"""

from __future__ import annotations

import argparse
import math
import time

import clips
import host
import torch
from safetensors.torch import load_file, save_file
from torch import nn

host.import_host()
from comfy.latent_formats import Wan21  # noqa: E402
from comfy.ldm.wan import vae as wan_vae  # noqa: E402

CHECKPOINT = host.CACHE / "vae.pt"
MODEL = host.MODELS / "wan_demo_vae.safetensors"
DIM = 8  # the host reads it from the checkpoint; Wan's own has 96
STAGES = (  # (steps, clips, frames, crop): stills first, then motion
    (1000, 4, 1, 64),
    (600, 4, 5, 64),
    (200, 4, 9, 64),
)
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


def pixels(seeds: range, frames: int, crop: int, motion: str | None = None) -> torch.Tensor:
    """Clips as the VAE sees them, [clips, 3, frames, crop, crop], -1 to 1."""
    batch = []
    for seed in seeds:
        clip = clips.render(clips.sample_clip(seed, motion), frames)
        generator = torch.Generator("cpu").manual_seed(seed)
        top, left = torch.randint(clips.SIZE - crop + 1, (2,), generator=generator).tolist()
        batch.append(clip[:, top : top + crop, left : left + crop])
    video = torch.stack(batch).permute(0, 4, 1, 2, 3) * 2 - 1
    # Channels last: CPUs run these thin convolutions several times faster so.
    return video.to(host.device(), memory_format=torch.channels_last_3d)


def loss_of(model: nn.Module, video: torch.Tensor, seed: int) -> torch.Tensor:
    """Squared plus a little absolute error of one reconstruction."""
    with host.mixed_precision():
        latent = model.encode(video)
        generator = torch.Generator(video.device).manual_seed(seed)
        noise = torch.randn(latent.shape, generator=generator, device=video.device)
        spread = latent.detach().float().std(dim=(0, 2, 3, 4), keepdim=True)
        error = model.decode(latent + LATENT_NOISE * spread * noise).float() - video
    return error.square().mean() + 0.2 * error.abs().mean()


@torch.no_grad()
def psnr(model: nn.Module, motion: str, count: int, autocast: bool = True) -> float:
    """Mean PSNR in dB of whole held-out clips."""
    values = []
    for seed in range(HELD_OUT, HELD_OUT + count):
        video = pixels(range(seed, seed + 1), clips.FRAMES, clips.SIZE, motion)
        with torch.autocast(video.device.type, torch.bfloat16, enabled=autocast):
            error = model.decode(model.encode(video)).float().clamp(-1, 1) - video
        values.append(10 * math.log10(4 / error.square().mean().item()))
    return sum(values) / len(values)


def stage_of(step: int) -> tuple[int, int, int]:
    """Clips, frames and crop of a step."""
    for steps, *stage in STAGES:
        if step < steps:
            return tuple(stage)
        step -= steps
    raise IndexError(step)


def train(learning_rate: float) -> nn.Module:
    """Trains from the last checkpoint, or from the start; returns the averaged model."""
    model, total = build(), sum(stage[0] for stage in STAGES)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995))
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate, betas=(0.9, 0.99), weight_decay=1e-4)
    parts, step = {"model": model, "average": average, "optimizer": optimizer}, 0
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT, map_location=host.device(), weights_only=True)
        step = saved.pop("step")
        for name, state in saved.items():
            parts[name].load_state_dict(state)
    began = time.monotonic()
    while step < total:
        warm = min(1.0, (step + 1) / 50)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / total)))
        size, frames, crop = stage_of(step)
        seeds = range(step * 4, step * 4 + size)[host.WORKER % size :: host.WORKERS]
        loss = loss_of(model, pixels(seeds, frames, crop), step)
        optimizer.zero_grad()
        loss.backward()
        host.share_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(model)
        step += 1
        if step % 20 == 0 and host.WORKER == 0:
            took = time.monotonic() - began
            print(f"step {step}/{total}  loss {loss.item():.5f}  {took:.0f} s", flush=True)
        if host.WORKER == 0 and (step % 100 == 0 or step == total):
            host.save({name: part.state_dict() for name, part in parts.items()} | {"step": step}, CHECKPOINT)
            levels = "  ".join(f"{motion} {psnr(average.module, motion, 1):.1f}" for motion in clips.SPEED)
            print(f"held-out PSNR, dB: {levels}", flush=True)
    return average.module


@torch.no_grad()
def export(model: nn.Module, clip_count: int = 32) -> None:
    """Writes the VAE with latents that have the mean and spread ComfyUI expects of Wan's own.

    ComfyUI normalises Wan latents by fixed figures per channel; an affine map,
    folded into the encoder's last convolution and undone in the decoder's
    first, gives ours the same ones.
    """
    latents = []
    for seed in range(clip_count):
        with host.mixed_precision():
            latents.append(model.encode(pixels(range(seed, seed + 1), clips.FRAMES, clips.SIZE)).float())
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
    MODEL.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().cpu().contiguous() for name, value in state.items()}, MODEL)


def main() -> None:
    """Trains, exports and reports the reconstruction of held-out clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--export", action="store_true", help="export the last checkpoint, without training")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    host.join_workers()
    if arguments.export:
        saved = torch.load(CHECKPOINT, map_location=host.device(), weights_only=True)
        average = torch.optim.swa_utils.AveragedModel(build())
        average.load_state_dict(saved["average"])
        model = average.module
    else:
        model = train(arguments.learning_rate)
    if host.WORKER:
        return
    export(model)
    model.load_state_dict(load_file(MODEL))
    for motion in clips.SPEED:
        print(f"{motion}: {psnr(model, motion, 8, autocast=False):.2f} dB")


if __name__ == "__main__":
    main()
