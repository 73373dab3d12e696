"""Trains LoRAs of networks of Wan's layout: two experts of a pair, and 8-step networks without guidance.

`python -m bench.networks.wan_loras NAME`; the host's LoraLoaderModelOnly reads the files.

- `wan_high_noise`, `wan_low_noise`: went on learning at noise levels above and below Wan 2.2's boundary, on clips
  that the demo's network has not seen.
- `wan_8_steps`, `wan_real_8_steps`: learnt to go in one step where their teacher, the demo's network or wan_real, goes
  in four of 32 with guidance, along its own trajectories (Euler, simple, shift 3); sample them with 8 steps and CFG 1.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from bench.networks import families, lora
from bench.networks.linear_latents import LinearLatents
from demo.train import dataset, flow, host, network, trainer, vae

BOUNDARY = 0.875  # of Wan 2.2's text-to-video pair
EXPERTS = {"wan_high_noise": (BOUNDARY, 1.0), "wan_low_noise": (0.0, BOUNDARY)}
DISTILLED = {"wan_8_steps": None, "wan_real_8_steps": families.WAN_REAL}  # by student: its teacher; None: the demo's
RANK = 64
FIRST = 1_000_000  # seed of the clips and captions: none that the demo's network was trained on
STEPS, FINER, CFG = 8, 4, 3.0  # of the distilled network; steps of its teacher to each; the teacher's guidance
DEMO_LATENT = (16, 9, 16, 16)
TOGETHER = 128 if host.device().type == "cuda" else 2  # trajectories


Told = Callable[[torch.Tensor], torch.Tensor]
"""From numbers of captions [rows] to their features [rows, words, 4096]."""


def labels(teacher: families.Network) -> Told:
    """The labels that a network of the bench knows, over and over."""
    known = LinearLatents.load(teacher.decoder)[1]
    table = torch.cat([families.features(label, teacher.text_dim) for label in known]).to(host.device())
    return lambda rows: table[rows % len(table)]


def noise_levels(steps: int) -> torch.Tensor:
    """Sigmas [steps + 1] of the simple scheduler at the recipe's shift, from 1 to 0."""
    even = torch.linspace(1, 0, steps + 1)
    return flow.SHIFT * even / (1 + (flow.SHIFT - 1) * even)


@torch.no_grad()
def trajectories(model: nn.Module, features: Told, shape: tuple[int, ...], count: int, seconds: float) -> torch.Tensor:
    """Latents at each of the student's noise levels, [captions, STEPS + 1, *shape] in half precision.

    Up to `count` captions, fewer if the time is up before.
    """
    levels, began, found = noise_levels(STEPS * FINER).tolist(), time.monotonic(), []
    device = host.device()
    for start in range(0, count, TOGETHER):
        rows = torch.arange(start, min(start + TOGETHER, count), device=device)
        told = features(rows)
        text = torch.cat((told, torch.zeros_like(told)))
        latent = torch.randn(len(rows), *shape, device=device)
        states = [latent.half()]
        for number, (level, lower) in enumerate(zip(levels, levels[1:], strict=False), 1):
            times = torch.full((2 * len(rows),), level * 1000, device=device)
            with host.mixed_precision():
                positive, negative = model(latent.repeat(2, 1, 1, 1, 1), times, text).float().chunk(2)
            latent = latent + (lower - level) * (negative + CFG * (positive - negative))
            if number % FINER == 0:
                states.append(latent.half())
        found.append(torch.stack(states, 1))
        if time.monotonic() - began > seconds:
            break
    print(f"{sum(map(len, found))} trajectories in {time.monotonic() - began:.0f} s", flush=True)
    return torch.cat(found)


def distilling(model: nn.Module, name: str, count: int, seconds: float, batch: int) -> Callable[[], torch.Tensor]:
    """The student's loss: the error of the velocity that leads from one of its levels to the next."""
    teacher = DISTILLED[name]
    features = labels(teacher) if teacher else network.Captions(count, FIRST, host.device()).features
    states = trajectories(model, features, teacher.latent if teacher else DEMO_LATENT, count, seconds)
    levels = noise_levels(STEPS).to(host.device())

    def loss() -> torch.Tensor:
        chosen = torch.randint(len(states), (batch,), device=states.device)
        step = torch.randint(STEPS, (batch,), device=states.device)
        here, there = states[chosen, step].float(), states[chosen, step + 1].float()
        velocity = (there - here) / (levels[step + 1] - levels[step]).view(-1, 1, 1, 1, 1)
        with host.mixed_precision():
            told = model(here, levels[step] * 1000, features(chosen))
        return (told.float() - velocity).square().mean()

    return loss


def becoming_expert(model: nn.Module, name: str, count: int, seconds: float, batch: int) -> Callable[[], torch.Tensor]:
    """An expert's loss: the demo's own, at its noise levels."""
    examples = network.Examples(dataset.load(count, seconds, vae.MODEL, FIRST), batch, FIRST)
    return lambda: network.loss_of(model, examples, EXPERTS[name])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=(*EXPERTS, *DISTILLED))
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--clips", type=int, default=4000, help="to learn from, or trajectories")
    parser.add_argument("--make-seconds", type=float, default=3600, help="at most, for those")
    parser.add_argument("--out", type=Path, default=families.HERE)
    parser.add_argument("--plain", action="store_true", help="without torch.compile")
    options = parser.parse_args()
    teacher = DISTILLED.get(options.name)
    model = network.build(teacher.architecture) if teacher else network.build()
    model.load_state_dict(load_file(teacher.weights if teacher else network.MODEL))
    losing = distilling if options.name in DISTILLED else becoming_expert
    loss = losing(model, options.name, options.clips, options.make_seconds, options.batch)
    lora.attach(model, model.blocks, RANK)

    def save(state: dict[str, torch.Tensor]) -> None:
        save_file(lora.exported(state), options.out / f"{options.name}.safetensors")

    compiled = [] if options.plain else model.blocks
    trainer.Run(model, loss, options.learning_rate, compiled=compiled).train(options.seconds, save)


if __name__ == "__main__":
    main()
