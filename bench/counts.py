"""Quality at every number of computed steps, on every network: whoever pays for more must not get less.

    .venv/bin/python -m bench.counts --videos 24

The plans of the presets for 8 to 24 computed of 30 steps, and the same steps without a cache; PSNR of latents against
the uncached video. Rows go into `results/counts.jsonl` as they come, one for each network, sampler, way and count, and
are not measured again; the tables are written to `results/counts.md`. A GPU takes two minutes, two cores hours.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from . import batches
from .rows import rows_of

RESULTS = Path(__file__).parent / "results"
STEPS = 30
COUNTS = range(8, 25)
SAMPLERS = ("euler", "uni_pc")
OURS, FEWER = "ours", "fewer steps"
ALLOWED = 0.3  # dB by which a step more may come out lower


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.counts", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=batches.NAMES, choices=batches.NAMES)
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS, choices=SAMPLERS)
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--out", type=Path, default=RESULTS / "counts.jsonl")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    at = batches.hosted()
    for name in options.networks:
        subject = batches.subject(name, at, options.videos)
        for sampler in options.samplers:
            have = {tuple(row[key] for key in KEYS) for row in rows_of(options.out)}
            wanted = [(way, count) for count in COUNTS for way in (OURS, FEWER)]
            wanted = [(way, count) for way, count in wanted if (name, sampler, way, count) not in have]
            expected = subject.sample(subject.model, STEPS, sampler) if wanted else None
            for way, count in wanted:
                if way == FEWER:
                    latents = subject.sample(subject.model, count, sampler)
                else:
                    plan = batches.locked(STEPS, batches.cost_of(sampler).plan(STEPS, count))
                    patched, _ = at.patched(subject.model, preset="fast", locked_schedule=plan)
                    latents = subject.sample(patched, STEPS, sampler)
                values = [round(value, 2) for value in batches.psnr(latents, expected)]
                row = dict(zip(KEYS, (name, sampler, way, count), strict=True)) | {"psnr": values}
                with options.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            print(name, sampler, flush=True)
    options.out.with_suffix(".md").write_text(report(rows_of(options.out)))


KEYS = ("network", "sampler", "way", "computed")


def report(rows: list[dict[str, Any]]) -> str:
    """A table for each sampler, and where a step more came out lower."""
    parts = [
        "PSNR of latents in dB against the uncached video: mean (lowest tenth) of the plans of as many computed of "
        f"{STEPS} steps; in brackets, the mean of so many steps without a cache."
    ]
    for sampler in dict.fromkeys(row["sampler"] for row in rows):
        mine = [row for row in rows if row["sampler"] == sampler]
        names = list(dict.fromkeys(row["network"] for row in mine))
        found = {(row["network"], row["way"], row["computed"]): row["psnr"] for row in mine}
        videos = len(mine[0]["psnr"])
        lines = [f"## {sampler}, {videos} videos", "", "| computed | " + " | ".join(names) + " |"]
        lines.append("|--:|" + "--:|" * len(names))
        for count in COUNTS:
            cells = []
            for name in names:
                ours, fewer = found.get((name, OURS, count)), found.get((name, FEWER, count))
                told = f"{mean(ours):.1f} ({tenth(ours):.1f})" if ours else ""
                cells.append(told + (f" [{mean(fewer):.1f}]" if fewer else ""))
            lines.append(f"| {count} | " + " | ".join(cells) + " |")
        parts += ["\n".join(lines), "\n".join(falls(found, names)) or "Nowhere does a step more come out lower."]
    return "\n\n".join(parts) + "\n"


def falls(found: dict[tuple, list[float]], names: list[str]) -> list[str]:
    """Where a step more comes out lower by more than is allowed, in the mean or the lowest tenth."""
    lines = []
    for name in names:
        known = [(count, found[name, OURS, count]) for count in COUNTS if (name, OURS, count) in found]
        for (fewer, before), (more, after) in pairwise(known):
            for what, value in (("mean", mean), ("lowest tenth", tenth)):
                if value(after) < value(before) - ALLOWED:
                    told = f"{value(after):.1f} against {value(before):.1f}"
                    lines.append(f"- {name}: {more} computed below {fewer}, {what} {told}.")
    return lines


def tenth(values: list[float]) -> float:
    return float(np.percentile(values, 10))


if __name__ == "__main__":
    main()
