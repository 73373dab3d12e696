"""Procedural clips of coloured shapes, with captions: the demo's training data.

A caption reads "two red circles and one blue star on a navy background, moving
fast". Every shape keeps to a lane of its own, so a count can be read off any
frame. Lengths are in frame widths, times in pixel frames.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import torch

_WORDS_FILE = Path(__file__).parents[1] / "custom_nodes" / "adacache_demo" / "words.py"


def load_words():
    """The node's word module, by file path: the node folder is no package of ours."""
    spec = importlib.util.spec_from_file_location("adacache_demo_words", _WORDS_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


words = load_words()

FRAMES = 33  # nine latent frames
SIZE = 128  # pixels, both ways

COLOURS = {
    "red": (0.89, 0.31, 0.27),
    "yellow": (0.97, 0.77, 0.25),
    "green": (0.25, 0.66, 0.37),
    "blue": (0.20, 0.49, 0.86),
    "purple": (0.58, 0.35, 0.74),
}
BACKGROUNDS = {
    "cream": (0.97, 0.93, 0.85),
    "gray": (0.66, 0.69, 0.73),
    "mint": (0.72, 0.89, 0.81),
    "navy": (0.13, 0.18, 0.31),
}
SPEED = {"still": (0.0, 0.0), "slow": (0.003, 0.006), "fast": (0.020, 0.030), "erratic": (0.008, 0.014)}
RADIUS = {1: (0.15, 0.21), 2: (0.125, 0.17), 3: (0.105, 0.135)}


@dataclass(frozen=True)
class Clip:
    """One clip before it is drawn: what the caption says, and the seed of the rest."""

    groups: tuple[tuple[int, str, str], ...]  # (count, colour, shape)
    background: str
    motion: str
    seed: int

    @property
    def caption(self) -> str:
        parts = [
            f"{words.COUNTS[count - 1]} {colour} {shape}{'s' if count > 1 else ''}"
            for count, colour, shape in self.groups
        ]
        return f"{' and '.join(parts)} on a {self.background} background, {words.MOTIONS[self.motion]}"


def sample_clip(seed: int, motion: str | None = None) -> Clip:
    """A random clip; the same seed always gives the same one."""
    generator = torch.Generator("cpu").manual_seed(seed)

    def pick(options):
        options = tuple(options)
        return options[int(torch.randint(len(options), (), generator=generator))]

    count = pick((1, 2, 3))
    first = pick(range(1, count)) if count > 1 and pick((True, False)) else count
    groups = [(first, pick(COLOURS), pick(words.SHAPES))]
    if first < count:
        groups.append((count - first, pick(set_without(COLOURS, groups[0][1])), pick(words.SHAPES)))
    background, drawn = pick(BACKGROUNDS), pick(SPEED)
    return Clip(tuple(groups), background, motion or drawn, seed)


def set_without(options, left_out: str) -> tuple[str, ...]:
    """The options without one of them, in order."""
    return tuple(option for option in options if option != left_out)


def render(clip: Clip, frames: int = FRAMES, size: int = SIZE) -> torch.Tensor:
    """Pixels of a clip, [frames, size, size, 3], 0 to 1."""
    generator = torch.Generator("cpu").manual_seed(clip.seed)
    shapes = [(colour, shape) for count, colour, shape in clip.groups for _ in range(count)]
    paths = _paths(len(shapes), clip.motion, frames, generator)
    drawn = 1 if clip.motion == "still" else frames
    canvas = _background(clip.background, size).expand(drawn, size, size, 3).clone()
    for (colour, shape), path in zip(shapes, paths, strict=True):
        _draw(canvas, path[:drawn], COLOURS[colour], shape)
    return canvas.clamp_(0, 1).expand(frames, size, size, 3)


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _paths(count: int, motion: str, frames: int, generator: torch.Generator) -> list[torch.Tensor]:
    """Centre and radius of each shape in each frame: [frames, 3] each."""
    lanes = torch.randperm(count, generator=generator).tolist()
    # An erratic shape starts anew every four frames: the length of a latent
    # frame, so that one latent frame never has to hold two places at once.
    piece = 4 if motion == "erratic" else frames + 3
    which = (torch.arange(frames) + 3) // piece
    pieces = int(which[-1]) + 1
    upright = bool(torch.rand((), generator=generator) < 0.5)
    paths = []
    for lane in lanes:
        radius = _uniform(*RADIUS[count], (pieces,), generator)[which]
        start = torch.rand((pieces, 2), generator=generator)[which]
        angle = _uniform(0, 2 * math.pi, (pieces,), generator)[which]
        speed = _uniform(*SPEED[motion], (pieces,), generator)[which]
        heading = torch.stack((angle.cos(), angle.sin()), -1)
        if count > 1:  # along the lane, where there is room to move
            heading = torch.stack((heading[:, 0] * 0.3, torch.where(heading[:, 1] < 0, -1.0, 1.0)), -1)
        low = torch.stack((lane / count + radius, radius), -1) + 0.01
        high = torch.stack(((lane + 1) / count - radius, 1 - radius), -1) - 0.01
        room = (high - low).clamp(min=0.005)
        # A triangle wave bounces a straight line between two walls.
        place = start + heading * (speed * torch.arange(frames))[:, None] / room
        place = 1 - (place % 2 - 1).abs()
        centre = low + place * room
        paths.append(torch.cat((centre if upright else centre.flip(-1), radius[:, None]), -1))
    return paths


def _background(name: str, size: int) -> torch.Tensor:
    fall = torch.linspace(1.03, 0.93, size)[:, None, None]
    return (torch.tensor(BACKGROUNDS[name]) * fall).expand(size, size, 3)


def _draw(canvas: torch.Tensor, path: torch.Tensor, colour: tuple[float, ...], shape: str) -> None:
    """Paints one shape with its shadow over [frames, size, size, 3], in place."""
    size = canvas.shape[1]
    axis = (torch.arange(size) + 0.5) / size
    x, y = axis[None, None, :] - path[:, 0, None, None], axis[None, :, None] - path[:, 1, None, None]
    radius = path[:, 2, None, None]
    shadow = 0.22 * torch.sigmoid(-_distance(shape, x - 0.02, y - 0.03, radius) * 90)
    cover = (0.5 - _distance(shape, x, y, radius) * size / 1.5).clamp(0, 1)
    light = 1.06 - 0.16 * (x + y) / radius  # lit from the upper left
    canvas.mul_(1 - shadow[..., None])
    canvas.lerp_(torch.tensor(colour) * light[..., None], cover[..., None])


def _distance(shape: str, x: torch.Tensor, y: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """About how far a point lies outside the shape's edge (below zero inside)."""
    if shape == "circle":
        return (x * x + y * y).sqrt() - radius * 0.95
    if shape == "square":
        return torch.maximum(x.abs(), y.abs()) - radius * 0.85
    if shape == "triangle":
        return torch.maximum(x.abs() * 0.866 - (y - radius * 0.3) * 0.5 - radius * 0.6, y - radius * 0.8)
    # A star of five points: fold the plane onto one half point, whose edge is straight.
    turn = math.pi / 5
    angle = torch.atan2(x, -y)
    folded = (angle - 2 * turn * torch.round(angle / (2 * turn))).abs()
    length = (x * x + y * y).sqrt()
    tip, dent = 1.08 * radius, 0.50 * radius
    edge_x, edge_y = tip - dent * math.cos(turn), dent * math.sin(turn)
    norm = (edge_x**2 + edge_y**2).sqrt()
    return ((length * folded.cos() - tip) * edge_y + length * folded.sin() * edge_x) / norm
