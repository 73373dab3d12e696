"""Procedural clips of coloured shapes, with captions: the demo's training data.

A caption reads "two red circles and one blue star on a navy background, moving
fast". Every shape keeps to a lane of its own, so a count can be read off any
frame. Lengths are in frame widths, times in pixel frames.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
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
MOST = 3  # shapes in a clip
PIECE = 4  # frames between two jumps of an erratic shape
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
    generator = _generator(seed)

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


def render(clips: Sequence[Clip], frames: int = FRAMES, size: int = SIZE, device: str | torch.device = "cpu"):
    """Pixels of clips, [clips, frames, size, size, 3], 0 to 1, drawn on the device."""
    canvas = _background([clip.background for clip in clips], size, device)[:, None].repeat(1, frames, 1, 1, 1)
    paths = _paths(clips, frames).to(device)
    groups = [[(colour, shape) for count, colour, shape in clip.groups for _ in range(count)] for clip in clips]
    for slot in range(MOST):
        for kind in words.SHAPES:
            rows = [row for row, group in enumerate(groups) if slot < len(group) and group[slot][1] == kind]
            if rows:
                colours = torch.tensor([COLOURS[groups[row][slot][0]] for row in rows]).to(device)
                where = torch.tensor(rows).to(device)
                canvas[where] = _draw(canvas[where], paths[where, slot], colours, kind)
    return canvas.clamp_(0, 1)


def _paths(clips: Sequence[Clip], frames: int) -> torch.Tensor:
    """Centre and radius of each clip's shapes in each frame: [clips, MOST, frames, 3].

    Every clip draws from its own seed, whatever batch it is in.
    """
    pieces = (frames + 2) // PIECE + 1
    draws = [torch.rand(MOST + 1 + pieces * MOST * 5, generator=_generator(clip.seed)) for clip in clips]
    keys, upright, draws = torch.stack(draws).split((MOST, 1, pieces * MOST * 5), 1)
    draws = draws.view(len(clips), pieces, MOST, 5)
    count = torch.tensor([sum(group[0] for group in clip.groups) for clip in clips])[:, None]
    # Places in a random order; those past the count come last and are not drawn.
    lane = (keys + (torch.arange(MOST) >= count)).argsort(1).argsort(1)[:, :, None]
    # An erratic shape starts anew every four frames: the length of a latent
    # frame, so that one latent frame never has to hold two places at once.
    erratic = torch.tensor([clip.motion == "erratic" for clip in clips])[:, None]
    which = torch.where(erratic, (torch.arange(frames) + PIECE - 1) // PIECE, 0)
    draws = draws.gather(1, which[:, :, None, None].expand(-1, -1, MOST, 5)).movedim(-1, 0).transpose(2, 3)
    start, (size, turn, pace) = draws[:2].movedim(0, -1), draws[2:]  # [clips, MOST, frames] each
    low, high = torch.tensor([RADIUS[number] for number in count.flatten().tolist()]).T[:, :, None, None]
    radius = low + (high - low) * size
    low, high = torch.tensor([SPEED[clip.motion] for clip in clips]).T[:, :, None, None]
    speed = low + (high - low) * pace
    count = count[:, :, None]
    angle = turn * 2 * math.pi
    # Along the lane, where there is room to move; one shape alone goes anywhere.
    along = torch.where(count > 1, torch.where(angle.sin() < 0, -1.0, 1.0), angle.sin())
    heading = torch.stack((angle.cos() * torch.where(count > 1, 0.3, 1.0), along), -1)
    low = torch.stack((lane / count + radius, radius), -1) + 0.01
    high = torch.stack(((lane + 1) / count - radius, 1 - radius), -1) - 0.01
    room = (high - low).clamp(min=0.005)
    # A triangle wave bounces a straight line between two walls.
    place = start + heading * (speed * torch.arange(frames))[..., None] / room
    centre = low + (1 - (place % 2 - 1).abs()) * room
    centre = torch.where((upright < 0.5)[:, :, None, None], centre, centre.flip(-1))
    return torch.cat((centre, radius[..., None]), -1)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(seed)


def _background(names: Sequence[str], size: int, device: str | torch.device) -> torch.Tensor:
    """[clips, size, size, 3], a little darker towards the bottom."""
    fall = torch.linspace(1.03, 0.93, size)[:, None, None]
    colours = torch.tensor([BACKGROUNDS[name] for name in names])[:, None, None]
    return (colours * fall).expand(-1, size, size, 3).to(device)


def _draw(canvas: torch.Tensor, path: torch.Tensor, colours: torch.Tensor, shape: str) -> torch.Tensor:
    """[clips, frames, size, size, 3] with one shape [clips, frames, 3] and its shadow painted over it."""
    size = canvas.shape[2]
    axis = (torch.arange(size, device=canvas.device) + 0.5) / size
    x, y, radius = path[..., None, None].unbind(2)
    x, y = axis - x, axis[:, None] - y
    shadow = 0.22 * torch.sigmoid(-_distance(shape, x - 0.02, y - 0.03, radius) * 90)
    cover = (0.5 - _distance(shape, x, y, radius) * size / 1.5).clamp(0, 1)
    light = 1.06 - 0.16 * (x + y) / radius  # lit from the upper left
    return (canvas * (1 - shadow[..., None])).lerp(colours[:, None, None, None] * light[..., None], cover[..., None])


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
