"""What AdaCache Calibrate promises against what new videos get, and whether its codebook or its plan is closer.

    .venv/bin/python -m bench.calibration --videos 8

Calibrates from measured runs of three videos for the shares of two presets, and samples these and others with the
codebook; the others also with the plan of as many steps as it came to, and with the preset's plan of as many. PSNR is
of latents against the uncached ones. Rows go into `results/calibration.jsonl` as they come, and are not measured again;
the table is written to `results/calibration.md`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import batches
from .hosted import Hosted
from .rows import rows_of

RESULTS = Path(__file__).parent / "results"
STEPS, MEASURED = 30, 3
FIRST = 7001  # seed of the measured videos: none of those compared
SHARES = (50.0, 40.0)
KEYS = ("network", "sampler", "share")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=batches.NAMES, choices=batches.NAMES)
    parser.add_argument("--sampler", default="euler")
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--out", type=Path, default=RESULTS / "calibration.jsonl")
    options = parser.parse_args()
    at = batches.hosted()
    for name in options.networks:
        have = {tuple(row[key] for key in KEYS) for row in rows_of(options.out)}
        wanted = [share for share in SHARES if (name, options.sampler, share) not in have]
        for row in measured(name, options.sampler, options.videos, wanted, at) if wanted else ():
            with options.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(table([row]).splitlines()[-1], flush=True)
    options.out.with_suffix(".md").write_text(table(rows_of(options.out)))


def measured(name: str, sampler: str, videos: int, shares: list[float], at: Hosted) -> Any:
    """A row for each share, as it comes."""
    first, of = batches.subject(name, at, MEASURED, FIRST), batches.subject(name, at, videos)
    traces = []
    for one in batches.each(first):
        model, run = at.patched(one.model, preset="measure only")
        one.sample(model, STEPS, sampler)
        traces.append(run())

    def calibrate(share: float) -> tuple[Any, ...]:
        return at.call(
            "AdaCacheCalibrate",
            target="computed steps (%)",
            amount=share,
            runs="this graph's runs",
            protect=0.15,
            with_moreg=False,
            save_as="",
            traces=at.dumps(traces),
        )

    def followed(those: batches.Subject, codebook: Any, sensitivity: float) -> tuple[list[int], Tensor]:
        """Computed steps of each video, since the codebook follows it, and the latents."""
        counts, latents = [], []
        for one in batches.each(those):
            model, run = at.patched(one.model, preset="balanced", codebook=codebook, sensitivity=sensitivity)
            latents.append(one.sample(model, STEPS, sampler))
            counts.append(run().computed)
        return counts, torch.cat(latents)

    expected = of.sample(of.model, STEPS, sampler)

    def locked(plan: str) -> list[float]:
        model, _ = at.patched(of.model, preset="balanced", locked_schedule=plan)
        return batches.psnr(of.sample(model, STEPS, sampler), expected)

    for share in shares:
        codebook, _, sensitivity, text, _, _ = calibrate(share)
        told = json.loads(text)
        own, _ = followed(first, codebook, sensitivity)
        counts, latents = followed(of, codebook, sensitivity)
        count = round(mean(counts))
        ways = {
            "codebook": batches.psnr(latents, expected),
            "plan": locked(calibrate(100 * count / STEPS)[-1]),
            "preset": locked(batches.locked(STEPS, batches.cost_of(sampler).plan(STEPS, count))),
        }
        yield {
            **dict(zip(KEYS, (name, sampler, share), strict=True)),
            "told": [told["computed"], told["fewest"], told["most"]],
            "own": own,
            "computed": counts,
            "psnr": {way: [round(value, 2) for value in values] for way, values in ways.items()},
        }


def table(rows: list[dict[str, Any]]) -> str:
    """What was told, what came of it, and quality: mean (lowest tenth)."""
    ways = ("codebook", "plan", "preset")
    heads = ("network", "told", "range told", "measured videos", "others", "each of them", "within the range", *ways)
    lines = ["| " + " | ".join(heads) + " |", "|---|--:|--:|--:|--:|---|--:" + "|--:" * len(ways) + "|"]
    for row in rows:
        (told, fewest, most), counts = row["told"], row["computed"]
        inside = sum(fewest <= count <= most for count in counts)
        came = [f"{mean(those):.1f} ({mean(those) / told - 1:+.0%})" for those in (row["own"], counts)]
        cells = [row["network"] + ("" if row["sampler"] == "euler" else f", {row['sampler']}"), f"{told:.1f}"]
        cells += [f"{fewest:g} to {most:g}", *came, " ".join(map(str, counts)), f"{inside} of {len(counts)}"]
        cells += [f"{mean(row['psnr'][way]):.1f} ({np.percentile(row['psnr'][way], 10):.1f})" for way in ways]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
