"""Procedural clips of drifting wavelets in a palette, with labels: data unlike the demo's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

FRAMES, SIZE = 32, 128
PALETTES = {  # ground, crest, trough
    "ember": ((0.12, 0.07, 0.10), (0.98, 0.55, 0.20), (0.55, 0.10, 0.30)),
    "lagoon": ((0.85, 0.93, 0.90), (0.05, 0.45, 0.55), (0.55, 0.80, 0.70)),
    "orchid": ((0.93, 0.88, 0.95), (0.60, 0.20, 0.65), (0.95, 0.70, 0.80)),
    "moss": ((0.16, 0.20, 0.14), (0.65, 0.78, 0.35), (0.25, 0.45, 0.40)),
}
SPEEDS = {"resting": 0.0, "slow": 0.004, "fast": 0.02}  # frame widths a frame
WAVES = {"fine": 9.0, "coarse": 4.0}  # crests across the frame
NUMBERS = {"two": 2, "four": 4, "six": 6}
MOST = max(NUMBERS.values())


def label(seed: int) -> str:
    """What a seed's clip shows, as four words."""
    generator = torch.Generator().manual_seed(seed)
    tables = (NUMBERS, SPEEDS, WAVES, PALETTES)
    return " ".join(list(t)[int(torch.randint(len(t), (), generator=generator))] for t in tables)


def render(seeds: Sequence[int], device: torch.device) -> torch.Tensor:
    """[seeds, FRAMES, SIZE, SIZE, 3], 0 to 1."""
    labels = [label(seed).split() for seed in seeds]
    draws = torch.stack([torch.rand(MOST, 6, generator=torch.Generator().manual_seed(-1 - seed)) for seed in seeds])
    x0, y0, angle, width, phase, turn = draws.to(device)[..., None, None, None].unbind(2)  # [seeds, MOST, 1, 1, 1]

    def column(values: list[float]) -> torch.Tensor:
        return torch.tensor(values).to(device).view(-1, 1, 1, 1)

    speed = column([SPEEDS[words[1]] for words in labels])
    waves = column([WAVES[words[2]] for words in labels])
    axis = (torch.arange(SIZE, device=device) + 0.5) / SIZE
    time = torch.arange(FRAMES, device=device).view(1, -1, 1, 1).float()
    field = torch.zeros(len(seeds), FRAMES, SIZE, SIZE, device=device)
    for number in range(MOST):
        present = column([float(number < NUMBERS[words[0]]) for words in labels])
        heading, slant = 2 * math.pi * turn[:, number], math.pi * angle[:, number]
        x = axis - (x0[:, number] + speed * time * heading.cos()) % 1
        y = axis[:, None] - (y0[:, number] + speed * time * heading.sin()) % 1
        x, y = (x + 0.5) % 1 - 0.5, (y + 0.5) % 1 - 0.5  # round the edges
        envelope = torch.exp(-(x * x + y * y) / (2 * (0.08 + 0.08 * width[:, number]) ** 2))
        wave = torch.cos(2 * math.pi * (waves * (x * slant.cos() + y * slant.sin()) + phase[:, number]))
        field += present * envelope * wave
    ground, crest, trough = torch.tensor([PALETTES[words[3]] for words in labels]).to(device).unbind(1)
    amount = field.clamp(-1, 1)[..., None]
    colour = torch.where(amount > 0, crest[:, None, None, None], trough[:, None, None, None])
    return torch.lerp(ground[:, None, None, None].expand_as(colour), colour, amount.abs())
