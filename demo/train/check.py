"""What a video of the demo shows: coloured objects, their number, colour, form and motion, against its caption.

Pixels are told by the nearest of the data's colours, objects are connected pieces of one colour, and a form is told
by how much of its box and of its hull a piece fills. Colours and number are as told where they are in most of the
frames looked at; the form, where most pieces of the colour have it.
`python -m demo.train.check` makes 64 videos and reports; `--rendered` looks at drawn clips instead, the yardstick.
"""

from __future__ import annotations

import argparse
import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from skimage import color, measure, morphology

from demo.train import clips

SEEDS = 2_000_000_000  # of the prompts: never trained on
LOOKED_AT = range(0, clips.FRAMES, 4)  # one frame of each latent frame
BATCH = 4  # videos made at once
SMALLEST = 60  # pixels of an object at 128 x 128
FARTHEST = 28.0  # of a pixel from a colour, in CIELAB


@dataclass(frozen=True)
class Seen:
    """One object of a frame."""

    colour: str
    form: str
    row: float
    column: float


def objects(frame: np.ndarray) -> list[Seen]:
    """The objects of a frame [rows, columns, 3], 0 to 1."""
    lab = color.rgb2lab(frame)
    names = [*clips.COLOURS, *clips.BACKGROUNDS]
    table = color.rgb2lab(np.array([*clips.COLOURS.values(), *clips.BACKGROUNDS.values()])[None])[0]
    far = lab[..., None, :] - table
    far[..., 0] *= 0.5  # light and shade change lightness most
    distance = np.linalg.norm(far, axis=-1)
    nearest = np.where(distance.min(-1) < FARTHEST, distance.argmin(-1), -1)
    seen = []
    for number, name in enumerate(names[: len(clips.COLOURS)]):
        mask = morphology.opening(nearest == number, morphology.disk(1))
        for piece in measure.regionprops(measure.label(mask)):
            if piece.area >= SMALLEST:
                seen.append(Seen(name, _form(piece), *piece.centroid))
    return seen


def _form(piece) -> str:
    """Star, triangle, square or circle, by areas."""
    if piece.solidity < 0.85:
        return "star"
    if piece.extent < 0.66:
        return "triangle"
    return "square" if piece.extent > 0.89 else "circle"


@dataclass(frozen=True)
class Verdict:
    """Whether colour, number and form are as the caption says, and how much a video moves."""

    colours: bool
    count: bool
    forms: bool
    path: float  # frame widths that an object goes from one looked-at frame to the next
    flicker: float  # mean change from frame to frame, pixels from 0 to 1


def judge(video: np.ndarray, clip: clips.Clip) -> Verdict:
    """A video [frames, rows, columns, 3] against its clip's caption."""
    frames = [objects(video[index]) for index in LOOKED_AT]
    wanted = Counter({colour: count for count, colour, _ in clip.groups})
    pieces = [seen for frame in frames for seen in frame]
    return Verdict(
        colours=_most({seen.colour for seen in frame} == set(wanted) for frame in frames),
        count=_most(Counter(seen.colour for seen in frame) == wanted for frame in frames),
        forms=all(
            _most(seen.form == shape for seen in pieces if seen.colour == colour) for _, colour, shape in clip.groups
        ),
        path=_path(frames) / video.shape[1],
        flicker=float(np.abs(np.diff(video, axis=0)).mean()),
    )


def _most(answers) -> bool:
    answers = list(answers)
    return 2 * sum(answers) > len(answers)


def _path(frames: list[list[Seen]]) -> float:
    """Median way in pixels from an object to the nearest of its colour in the next looked-at frame."""
    ways = []
    for before, after in zip(frames, frames[1:], strict=False):
        for seen in before:
            others = [other for other in after if other.colour == seen.colour]
            if others:
                ways.append(min(np.hypot(seen.row - other.row, seen.column - other.column) for other in others))
    return float(np.median(ways)) if ways else 0.0


def prompts(count: int) -> list[clips.Clip]:
    """Captions that were not drawn for training, the motion levels in turn."""
    motions = list(clips.SPEED)
    return [clips.sample_clip(SEEDS + number, motions[number % len(motions)]) for number in range(count)]


def report(chosen: Sequence[clips.Clip], verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Shares of right colours, counts and forms; path and flicker of each motion level; whether no paths overlap."""
    figures = {
        name: float(np.mean([getattr(verdict, name) for verdict in verdicts])) for name in ("colours", "count", "forms")
    }
    paths = []
    for motion in clips.SPEED:
        of_it = [verdict for clip, verdict in zip(chosen, verdicts, strict=True) if clip.motion == motion]
        paths.append([verdict.path for verdict in of_it])
        figures[f"path {motion}"] = float(np.mean(paths[-1]))
        figures[f"flicker {motion}"] = float(np.mean([verdict.flicker for verdict in of_it]))
    figures["levels apart"] = float(all(max(less) < min(more) for less, more in zip(paths, paths[1:], strict=False)))
    return figures


@functools.cache
def _models():
    from demo.train import samples  # imports the host, which drawn clips do not need

    return samples, *samples.load()


@torch.no_grad()
def made(batch: Sequence[clips.Clip], seed: int) -> torch.Tensor:
    """Videos of the demo's network, [clips, frames, rows, columns, 3], from this seed on."""
    samples, model, vae = _models()
    return vae.decode(samples.sample(model, [clip.caption for clip in batch], list(range(seed, seed + len(batch)))))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--rendered", action="store_true", help="drawn clips instead of the network's videos")
    arguments = parser.parse_args()
    chosen, verdicts = prompts(arguments.prompts), []
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        videos = clips.render(batch) if arguments.rendered else made(batch, start)
        for clip, video in zip(batch, videos, strict=True):
            verdicts.append(judge(video.float().clamp(0, 1).numpy(), clip))
            wrong = [name for name in ("colours", "count", "forms") if not getattr(verdicts[-1], name)]
            print(f"{clip.caption}: {'wrong ' + ', '.join(wrong) if wrong else 'as told'}", flush=True)
    for name, figure in report(chosen, verdicts).items():
        print(f"{name:16} {figure:.4f}")


if __name__ == "__main__":
    main()
