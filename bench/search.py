"""How far our plans are from the best one: random changes of a schedule, kept when they help.

    .venv/bin/python -m bench.search --computed 12

One schedule for all videos, sampled with the preset's own forecast and correction; PSNR of latents over their range,
on prompts and a seed that the frontier does not use. Lines go into `search.jsonl` as they come; what is there already
is gone on from. The best found is what a fixed schedule can reach; a schedule per video could reach further.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from .rows import rows_of
from .studio import LEVELS, Studio

RESULTS = Path(__file__).parent / "results"
SUBJECTS = ("one red star on a gray background", "two green circles on a navy background")
SEED = 77


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__.splitlines()[0])
    parser.add_argument("--computed", type=int, required=True)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--sampler", default="euler")
    parser.add_argument("--preset", default="fast", help="whose forecast and correction (default: %(default)s)")
    parser.add_argument("--tries", type=int, default=40)
    parser.add_argument("--begin", nargs="*", default=[], help='schedules to begin from, as "1 2 3 8 ..."')
    parser.add_argument("--out", type=Path, default=RESULTS / "search.jsonl")
    options = parser.parse_args()
    dice = random.Random(options.computed * 100 + options.steps)
    judge = Judge(options)
    for text in options.begin:
        judge(tuple(map(int, text.split())))
    ours = judge.ours()
    judge(ours)
    while len(judge.known) < options.tries:
        judge(neighbour(judge.best(), options.steps, dice))
    best = judge.best()
    for name, plan in (("ours", ours), (f"best of {len(judge.known)}", best)):
        print(f"{name}: {' '.join(map(str, plan))}: {judge.known[plan]:.1f} dB")


Plan = tuple[int, ...]


def neighbour(plan: Plan, steps: int, dice: random.Random) -> Plan:
    """A plan with one or two of its steps elsewhere; the first two stay."""
    chosen = set(plan)
    for _ in range(dice.choice((1, 1, 2))):
        old = dice.choice(sorted(chosen - {1, 2}))
        near = {old + d for d in (-2, -1, 1, 2)} if dice.random() < 0.7 else set(range(3, steps + 1))
        free = sorted(step for step in near - chosen if 2 < step <= steps)
        if free:
            chosen = chosen - {old} | {dice.choice(free)}
    return tuple(sorted(chosen))


class Judge:
    """What each plan is worth, over all videos."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.studio = Studio()
        self.videos = [f"{subject}, {level}" for level in LEVELS for subject in SUBJECTS]
        self.full = [self._latent(self.studio.model, prompt) for prompt in self.videos]
        self.known: dict[Plan, float] = {}
        for row in rows_of(options.out):
            kind = (row["steps"], len(row["plan"]), row["sampler"])
            if kind == (options.steps, options.computed, options.sampler) and row["mean"]:
                self.known[tuple(row["plan"])] = row["mean"]

    def _latent(self, model: Any, prompt: str) -> torch.Tensor:
        o = self.options
        return self.studio.sample(model, prompt, SEED, o.steps, o.sampler)["samples"].float()

    def ours(self) -> Plan:
        """What the preset itself plans."""
        model, trace = self.studio.cached(preset=self.options.preset)
        self._latent(model, self.videos[0])
        return tuple(record.step for record in trace().records if record.computed)

    def best(self) -> Plan:
        return max(self.known, key=self.known.__getitem__)

    def __call__(self, plan: Plan) -> None:
        if plan in self.known:
            return
        text = f"{self.options.steps} steps: {' '.join(map(str, plan))}"
        values: list[float] = []
        ahead = max(self.known.values(), default=0.0)
        for prompt, full in zip(self.videos, self.full, strict=True):
            model, _ = self.studio.cached(preset=self.options.preset, locked_schedule=text)
            off = ((self._latent(model, prompt) - full) ** 2).mean()
            values.append(float(10 * torch.log10((full.max() - full.min()) ** 2 / off)))
            if len(values) == 4 and mean(values) < self._half(ahead):
                break  # not worth the other half
        complete = len(values) == len(self.videos)
        self.known[plan] = mean(values) if complete else 0.0
        row = {
            "steps": self.options.steps,
            "sampler": self.options.sampler,
            "plan": plan,
            "mean": self.known[plan],
            "worst": min(values),
        }
        row["values"] = [round(value, 2) for value in values]
        with self.options.out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        if complete and mean(values) >= ahead:
            self.best_half = mean(values[:4])

    best_half = 0.0

    def _half(self, ahead: float) -> float:
        """What the first half of the videos has to reach."""
        return self.best_half - 0.7 if ahead else 0.0


if __name__ == "__main__":
    main()
