"""Replay schedule traces recorded from the published implementation through our engine.

    python tests/replay_traces.py STEM        # reads STEM.npz and STEM.json

For every trace the probe at each step that our schedule computes is measured with the engine's distance and motion,
and steps, rates, distances and motion scores are compared with what was recorded. Prints each mismatch and exits
with 1 if there is any. The format: `residuals_<id>` of shape (steps, batch, frames * tokens_per_frame, channels) in
the npz; in the json a list of objects with num_steps, codebook, batch, frames, tokens_per_frame, channels, moreg and
computed (per computed step: step, prev_rate, distance, motion, next_rate).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from adacache.sampling.measures import FrameGrid, change_sums, motion_score, motion_sums, relative_change  # noqa: E402
from adacache.schedules.codebook import Codebook  # noqa: E402
from adacache.schedules.moreg import MoReg, MoRegSettings  # noqa: E402
from adacache.schedules.published import PublishedSchedule  # noqa: E402

TOLERANCE = 1e-5


def moreg_settings(plain: dict[str, Any] | None) -> MoRegSettings | None:
    return MoRegSettings(**{**plain, "strides": tuple(plain["strides"])}) if plain else None


def replay(trace: dict[str, Any], residuals: torch.Tensor) -> list[dict[str, Any]]:
    """The computed steps of our schedule on recorded residuals, in the trace's own form."""
    steps = trace["num_steps"]
    settings = moreg_settings(trace.get("moreg"))
    codebook = Codebook(tuple((float(t), int(r)) for t, r in trace["codebook"]))
    schedule = PublishedSchedule(steps, codebook, MoReg(settings, steps) if settings else None)
    grid = FrameGrid(trace["frames"], trace["tokens_per_frame"])
    old, computed = None, []
    for step in range(1, steps + 1):
        if not schedule.decide().compute:
            continue
        new, in_force = residuals[step - 1], schedule.rate
        change = score = None
        if old is not None:
            change = relative_change(change_sums(new, old).tolist())
            if settings:
                score = motion_score(motion_sums(grid.cut(new), settings.strides).tolist())
        seen = schedule.observe(change, score)
        computed.append({
            "step": step,
            "prev_rate": in_force,
            "distance": seen.distance if seen else None,
            "motion": seen.motion.motion if seen and seen.motion else None,
            "next_rate": schedule.rate,
        })  # fmt: skip
        old = new
    return computed


def mismatches(expected: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[str]:
    """One line per difference; numbers may differ by 1e-5 relative."""
    steps = [row["step"] for row in expected], [row["step"] for row in ours]
    found = [] if steps[0] == steps[1] else [f"computed steps: recorded {steps[0]}, ours {steps[1]}"]
    by_step = {row["step"]: row for row in ours}
    for row in expected:
        mine = by_step.get(row["step"])
        if mine is None:
            continue
        for name in ("prev_rate", "distance", "motion", "next_rate"):
            if not same(row[name], mine[name]):
                found.append(f"step {row['step']}: {name}: recorded {row[name]}, ours {mine[name]}")
    return found


def same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-12)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stem", help="path of the traces without .npz and .json")
    stem = parser.parse_args().stem.removesuffix(".npz").removesuffix(".json")
    traces = json.loads(Path(f"{stem}.json").read_text())
    arrays = np.load(f"{stem}.npz")
    wrong = 0
    for number, trace in enumerate(traces):
        name = trace.get("id", number)
        ours = replay(trace, torch.from_numpy(arrays[f"residuals_{name}"]))
        found = mismatches(trace["computed"], ours)
        wrong += len(found)
        print(f"trace {name}: {len(ours)} of {trace['num_steps']} steps computed, {len(found)} mismatches")
        for line in found:
            print(f"  {line}")
    print(f"{len(traces)} traces, {wrong} mismatches")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
