"""How often the order of turbo drafts is the order of the finals.

    .venv/bin/python -m bench.drafts --prompts 6 --seeds 4

Several seeds are drafted, one is chosen, and that one is made whole: is it the one that would have been chosen of the
finals? Each seed of each prompt is made uncached (the final), with turbo, and with as few steps as turbo computes. Each
is scored by itself: how much moves, how sharp the frames are, and how much of what is seen is as the caption says.
Rows are appended to `results/drafts.jsonl`; a run that is started again goes on where it stopped. The table is written
beside them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from statistics import mean

import numpy as np
import torch

from demo.train.check import LOOKED_AT, objects

from .rows import rows_of
from .studio import Studio, prompts

RESULTS = Path(__file__).parent / "results"
STEPS, DRAFT = 30, 10
WAYS = ("final", "turbo", f"{DRAFT} steps")


def moves(video: np.ndarray, prompt: str) -> float:
    """Mean change of a pixel from frame to frame."""
    return float(np.abs(np.diff(video, axis=0)).mean())


def sharpness(video: np.ndarray, prompt: str) -> float:
    """Mean change from a pixel to its neighbours."""
    return float(np.mean([np.abs(np.diff(video, axis=axis)).mean() for axis in (1, 2)]))


def as_told(video: np.ndarray, prompt: str) -> float:
    """Of the objects seen and asked for, how many are both, by colour and form; mean of the frames looked at."""
    wanted = _wanted(prompt)
    shares = []
    for index in LOOKED_AT:
        seen = Counter((one.colour, one.form) for one in objects(video[index]))
        shares.append((wanted & seen).total() / max((wanted | seen).total(), 1))
    return mean(shares)


SCORES: dict[str, Callable[[np.ndarray, str], float]] = {
    "how much moves": moves,
    "how sharp it is": sharpness,
    "how much is as told": as_told,
}


def _wanted(prompt: str) -> Counter[tuple[str, str]]:
    """Of "two blue stars and one red circle on a ...": two of blue and star, one of red and circle."""
    wanted: Counter[tuple[str, str]] = Counter()
    for group in prompt.partition(" on a ")[0].split(" and "):
        count, colour, form = group.split()
        wanted[colour, form.removesuffix("s")] += ("one", "two", "three").index(count) + 1
    return wanted


@torch.inference_mode()
def measured(studio: Studio, prompt: str, seed: int) -> dict[str, dict[str, float]]:
    """By way, the scores of its video."""
    turbo, _ = studio.cached(preset="turbo")
    made = {
        "final": studio.sample(studio.model, prompt, seed, STEPS),
        "turbo": studio.sample(turbo, prompt, seed, STEPS),
        f"{DRAFT} steps": studio.sample(studio.model, prompt, seed, DRAFT),
    }
    videos = {way: studio.frames(sampled) for way, sampled in made.items()}
    return {way: {name: score(video, prompt) for name, score in SCORES.items()} for way, video in videos.items()}


def table(rows: list[dict]) -> str:
    """By score and kind of draft: pairs of seeds in the finals' order, prompts whose best draft is the best final."""
    seeds = len({row["seed"] for row in rows})
    groups = [[row for row in rows if row["prompt"] == prompt] for prompt in {row["prompt"]: None for row in rows}]
    lines = [
        f"{__doc__.splitlines()[0]}\n",
        f"{len(groups)} prompts, {seeds} seeds each. Guessing: 50 % of the pairs, {100 / seeds:.0f} % of the best.\n",
        "| ranked by | drafts | pairs in the finals' order | best draft is the best final |",
        "|---|---|--:|--:|",
    ]
    for score in SCORES:
        for way in WAYS[1:]:
            kept, best = [], []
            for group in groups:
                final = [row["scores"]["final"][score] for row in group]
                draft = [row["scores"][way][score] for row in group]
                kept += [
                    (draft[a] - draft[b]) * (final[a] - final[b]) > 0
                    for a, b in combinations(range(len(group)), 2)
                    if final[a] != final[b]
                ]
                if len(set(final)) > 1:
                    best.append(final[int(np.argmax(draft))] == max(final))
            lines.append(f"| {score} | {way} | {sum(kept)} of {len(kept)} | {sum(best)} of {len(best)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.drafts", description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=6, help="of the demo's, every motion level among them")
    parser.add_argument("--seeds", type=int, default=4, help="of each prompt")
    parser.add_argument("--out", type=Path, default=RESULTS / "drafts.jsonl")
    options = parser.parse_args()
    rows = rows_of(options.out)
    known = {(row["prompt"], row["seed"]) for row in rows}
    studio = Studio()
    with options.out.open("a") as file:
        for prompt in prompts(options.prompts):
            for seed in range(1, options.seeds + 1):
                if (prompt, seed) in known:
                    continue
                rows.append({"prompt": prompt, "seed": seed, "scores": measured(studio, prompt, seed)})
                file.write(json.dumps(rows[-1]) + "\n")
                file.flush()
                print(rows[-1], flush=True)
    options.out.with_suffix(".md").write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
