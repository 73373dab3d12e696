"""What a budget that follows the video gains: by what a run sees in time, and by knowing how hard each video is.

    .venv/bin/python -m bench.budgets
    .venv/bin/python -m bench.budgets --signals ltx_real

Reckoned from `results/counts.jsonl`, where every video has a PSNR at every number of computed steps; in all ways as
many are computed in the mean as by the preset. `--signals` adds to `results/signals.jsonl` what a run of *balanced* has
seen of each video by step 9, the first after a reused one: how far the forecast was off, and the motion score.

- *by error*, *by motion*: a video with more than the network's usual gets more steps, `STRENGTH` for each deviation.
- *hardness known*: a video is as hard as its PSNR lies below the mean of all, over the counts within `NEAR`. It gets
  the fewest steps at which the mean of all, less its hardness, reaches a level, the highest that can be had.
- *all known*: the same by its own PSNR at each count, luck included, which no rule could know.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import mean, median, pstdev

import numpy as np

from . import batches
from .counts import OURS, RESULTS, STEPS, tenth
from .rows import rows_of

SIGNALS = RESULTS / "signals.jsonl"
PRESETS = (15, 12, 10)
SIGNALS_OF, SEEN_AT = ("error", "motion"), 9
NEAR, STRENGTH = 4, 1.0

Table = dict[int, list[float]]
"""The PSNR of every video, by how many steps are computed."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.budgets", description=__doc__.splitlines()[0])
    parser.add_argument("--signals", nargs="+", default=[], choices=batches.NAMES)
    for name in parser.parse_args().signals:
        signals(name)
    seen = {row["network"]: row for row in rows_of(SIGNALS)}
    found: dict[str, Table] = defaultdict(dict)
    for row in rows_of(RESULTS / "counts.jsonl"):
        if row["way"] == OURS and row["sampler"] == "euler":
            found[row["network"]][row["computed"]] = row["psnr"]
    print("| network | computed | preset | by error | by motion | hardness known | all known |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for network, table in found.items():
        for count in PRESETS:
            hard = hardness(table, count)
            ways = [table[count]]
            ways += [followed(table, count, seen[network][name]) for name in SIGNALS_OF]
            ways += [spent(table, count, hard), spent(table, count)]
            print(f"| {network} | {count} | {' | '.join(map(told, ways))} |")
    print("\n| rank correlation with hardness at 15 | error | motion |\n|---|--:|--:|")
    for network, table in found.items():
        hard = hardness(table, PRESETS[0])
        print(f"| {network} | {' | '.join(f'{alike(seen[network][name], hard):+.2f}' for name in SIGNALS_OF)} |")


def signals(name: str, videos: int = 24) -> None:
    """What a run sees of each video, which is sampled by itself."""
    at = batches.hosted()
    plan = batches.locked(STEPS, batches.cost_of("euler").plan(STEPS, PRESETS[0]))
    (moreg,) = at.call("AdaCacheMoRegSettings", **at.defaults("AdaCacheMoRegSettings"))
    many = batches.subject(name, at, videos)
    row: dict = {"network": name, **{signal: [] for signal in SIGNALS_OF}}
    for video in range(videos):
        # The plan as a locked one, which scores motion where MoReg is connected and is not moved by it.
        subject = batches.alone(many, video)
        patched, run = at.patched(subject.model, locked_schedule=plan, moreg=moreg)
        subject.sample(patched, STEPS)
        record = run().records[SEEN_AT - 1]
        row["error"].append(round(record.error, 5))
        row["motion"].append(round(record.score, 5))
    with SIGNALS.open("a") as out:
        out.write(json.dumps(row) + "\n")


def alike(some: Sequence[float], others: Sequence[float]) -> float:
    """Rank correlation."""
    return float(np.corrcoef(*(np.argsort(np.argsort(values)) for values in (some, others)))[0, 1])


def told(values: Sequence[float]) -> str:
    """Mean (lowest tenth, worst; spread)."""
    return f"{mean(values):.1f} ({tenth(values):.1f}, {min(values):.1f}; {pstdev(values):.1f})"


def hardness(table: Table, count: int) -> list[float]:
    """How far each video lies below the mean of all, in dB."""
    near = [values for other, values in table.items() if abs(other - count) <= NEAR]
    return [mean(mean(values) - values[video] for values in near) for video in range(len(near[0]))]


def followed(table: Table, count: int, signal: Sequence[float], strength: float = STRENGTH) -> list[float]:
    """The PSNR of each video, where one gets so many steps more for each deviation of its signal above the usual."""
    usual = median(signal)
    spread = median(abs(one - usual) for one in signal) * 1.48  # a deviation, whatever lies far out
    more = [strength * (one - usual) / spread for one in signal]
    shifts = [number / 50 for number in range(-200, 201)]
    ways = [[min(max(round(count + shift + each), min(table)), max(table)) for each in more] for shift in shifts]
    best = min(ways, key=lambda way: abs(mean(way) - count))
    return [table[n][video] for video, n in enumerate(best)]


def spent(table: Table, count: int, hard: Sequence[float] | None = None) -> list[float]:
    """The PSNR of each video, where steps are spent so that all should reach one level.

    Args:
        hard: what is known of each video; None: all of it.
    """
    counts, videos = sorted(table), range(len(table[count]))
    expected: Callable[[int, int], float] = (
        (lambda n, video: table[n][video]) if hard is None else (lambda n, video: mean(table[n]) - hard[video])
    )
    best = [counts[0] for _ in videos]
    for level in sorted(expected(n, video) for n in counts for video in videos):
        chosen = [next((n for n in counts if expected(n, video) >= level), counts[-1]) for video in videos]
        if mean(chosen) > count:
            break
        best = chosen
    return [table[n][video] for video, n in enumerate(best)]


if __name__ == "__main__":
    main()
