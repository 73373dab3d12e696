"""Locked schedules against one another and against fewer steps: PSNR of latents against the uncached run.

    .venv/bin/python -m bench.plans --lora wan_8_steps --steps 8 --reused 1 2
    .venv/bin/python -m bench.plans --sampler res_multistep --plans "1 2 3 5 7 9 11 13 15 17 20"

Euler, CFG 1, simple and shift 3, where nothing else is said. A line for each schedule is added to the file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from statistics import mean
from unittest.mock import patch

from demo import host

from . import batches

RESULTS = Path(__file__).parent / "results"


def measured(options: argparse.Namespace) -> Iterator[tuple[str, int, list[float]]]:
    """Rows as they come: fewer steps, then the schedules."""
    at = batches.hosted()
    if options.uncorrected:
        name = next(name for name in sys.modules if name.endswith(f"{host.PACK_NAME}.nodes.host.samplers"))
        patch.object(sys.modules[name], "is_correctable", lambda name: False).start()
    subject = batches.shifted(batches.subject(options.network, at, options.videos), options.shift)
    model = batches.with_lora(subject.model, options.lora) if options.lora else subject.model
    given = {"sampler": options.sampler, "cfg": options.cfg}
    expected = subject.sample(model, options.steps, **given)
    for fewer in options.fewer:
        yield f"{fewer} steps", fewer, batches.psnr(subject.sample(model, fewer, **given), expected)
    for preset in options.presets:
        cached, run = at.patched(model, preset=preset)
        latents = subject.sample(cached, options.steps, **given)
        steps = " ".join(str(record.step) for record in run().records if record.computed)
        yield f"{preset}: {steps}", run().computed, batches.psnr(latents, expected)
    for plan in plans(options):
        cached, run = at.patched(model, locked_schedule=f"{options.steps} steps: {plan}")
        latents = subject.sample(cached, options.steps, **given)
        yield plan, run().computed, batches.psnr(latents, expected)


def plans(options: argparse.Namespace) -> list[str]:
    found = list(options.plans)
    for reused in options.reused:
        for left in combinations(range(2, options.steps + 1), reused):
            found.append(" ".join(str(step) for step in range(1, options.steps + 1) if step not in left))
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default=batches.DEMO, choices=batches.NAMES)
    parser.add_argument("--lora", default="")
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--sampler", default="euler")
    parser.add_argument("--cfg", type=float, default=1.0)
    parser.add_argument("--shift", type=float, default=3.0)
    parser.add_argument("--fewer", type=int, nargs="*", default=[])
    parser.add_argument("--presets", nargs="*", default=[])
    parser.add_argument("--plans", nargs="*", default=[])
    parser.add_argument("--reused", type=int, nargs="*", default=[], help="all schedules that reuse so many steps")
    parser.add_argument("--uncorrected", action="store_true", help="forecast, but correct nothing")
    parser.add_argument("--out", type=Path, default=RESULTS / "plans.jsonl")
    options = parser.parse_args()
    kept = ("network", "lora", "videos", "steps", "sampler", "cfg", "shift", "uncorrected")
    for way, computed, values in measured(options):
        row = {name: getattr(options, name) for name in kept} | {"way": way, "computed": computed}
        with options.out.open("a") as out:
            out.write(json.dumps({**row, "psnr": [round(value, 2) for value in values]}) + "\n")
        print(f"{way}: {mean(values):.1f} ({min(values):.1f})", flush=True)


if __name__ == "__main__":
    main()
