"""Writes traces.json beside it: runs as the engine records them, for the tests of the web ring.

    python tests/web/make_traces.py

The distances are invented; every decision, rate and motion gradient is the engine's.
"""

from __future__ import annotations

import json
import math
import random
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from adacache import (  # noqa: E402
    FEWEST_STEPS,
    PAPER_FAST,
    PAPER_SLOW,
    LockedPlan,
    LockedSchedule,
    MoRegSettings,
    PublishedSchedule,
    RunInfo,
    Settings,
    Trace,
)
from adacache.schedules.codebook import nearest_codebook  # noqa: E402
from adacache.schedules.moreg import MoReg  # noqa: E402
from adacache.schedules.planned import CORRECTED, UNCORRECTED, PacedSchedule  # noqa: E402
from adacache.schedules.schedule import Reason, Schedule  # noqa: E402
from adacache.trace.trace import Record  # noqa: E402

FILE = Path(__file__).with_name("traces.json")
SLOW = Settings(codebooks=PAPER_SLOW, preset="paper slow")
MOREG = MoRegSettings(norm=0.37, gradient_weight=1.0)


def record_run(
    name: str, steps: int, settings: Settings, stop: int = 0, end: str = "done", level: float = 1.0
) -> Trace:
    """A run that ended as `end` after `stop` steps (0: all of them); `level` scales its distances."""
    chance = random.Random(name)
    codebook = nearest_codebook(settings.codebooks, steps)
    moreg = MoReg(settings.moreg, steps) if settings.moreg else None
    if settings.locked:
        schedule = LockedSchedule(settings.locked, moreg, settings.sensitivity)
    elif settings.share:
        cost = CORRECTED if steps < FEWEST_STEPS else UNCORRECTED
        schedule = PacedSchedule(steps, settings.share, settings.sensitivity, cost=cost)
        codebook = ""
    else:
        schedule = PublishedSchedule(steps, codebook, moreg, settings.sensitivity, settings.max_reuses)
    info = RunInfo(
        "Wan 2.1", (1, 16, 21, 60, 104), "euler", name, f"handle-{name}", f"prompt-{name}", "12",
        "2025-11-22T14:03:22+00:00",
    )  # fmt: skip
    trace = Trace(info, steps, settings.as_json(), str(codebook), cache_place="model", probe="attention", end=end)
    trace.caution = schedule.caution
    for step in range(1, (stop or steps) + 1):
        trace.records.append(_evaluate(schedule, step, steps, settings, chance, level))
    if end:
        trace.seconds = round(sum(record.milliseconds for record in trace.records) / 1000 * 1.02, 3)
    trace.cache_bytes = 212 * 2**20
    return trace


def _evaluate(
    schedule: Schedule,
    step: int,
    steps: int,
    settings: Settings,
    chance: random.Random,
    level: float,
) -> Record:
    since = step - schedule.previous
    decision = schedule.decide(Reason.MEASURING if settings.mode == "measure" else None)
    usual = 420 + 25 * chance.random() if decision.compute else 12 + 3 * chance.random()
    record = Record(step, step, round(1 - step / steps, 4), decision.compute, decision.reason)
    record.milliseconds = round(usual, 2)
    if decision.compute:
        x = step / steps
        wave = 2 * math.exp(-14 * x) + 0.05 * (1 + 0.5 * math.sin(9 * x) + 8 * max(0, x - 0.85))
        change = None if step == 1 else level * since * 30 / steps * wave * (1 + 0.15 * chance.random())
        record.score = round(0.36 + 0.03 * math.sin(6 * x) + 0.01 * chance.random(), 4) if schedule.moreg else None
        record.error = round(0.4 * change, 5) if settings.share and change else None
        seen = schedule.observe(change, record.score)
        record.rate = schedule.rate
        if seen:
            record.distance, record.looked_up = round(seen.distance, 5), round(seen.looked_up, 5)
            if seen.motion:
                record.motion, record.gradient = round(seen.motion.motion, 5), round(seen.motion.gradient, 5)
    return record


def refused() -> Trace:
    note = "the sampler heun evaluates the network a varying number of times per step"
    trace = record_run("refused", 12, Settings())
    records = [
        Record(n, (n + 1) // 2, round(1 - n / 24, 4), True, Reason.REFUSED, milliseconds=400.0 + n % 7)
        for n in range(1, 24)
    ]
    info = replace(trace.info, sampler="heun")
    return replace(trace, info=info, records=records, note=note, cache_bytes=0, cache_place="", seconds=9.3)


def heun() -> Trace:
    """Two evaluations per step, of which the first decides, and one for the last step."""
    trace = record_run("heun", 20, Settings(codebooks=PAPER_FAST, preset="paper fast"))
    unmeasured = dict.fromkeys(("distance", "looked_up", "score", "motion", "gradient", "rate"))
    pairs = [(record, replace(record, **unmeasured)) for record in trace.records[:-1]]
    records = [record for pair in pairs for record in pair] + trace.records[-1:]
    records = [replace(record, evaluation=n) for n, record in enumerate(records, 1)]
    seconds = round(sum(record.milliseconds for record in records) / 1000 * 1.02, 3)
    info, probe = replace(trace.info, sampler="heun"), "output of the whole network"
    return replace(trace, info=info, records=records, seconds=seconds, probe=probe)


def parts() -> Trace:
    """Four passes per step, two prompts in two context windows, of which one moves on: its passes are computed."""
    trace = record_run("parts", 30, Settings(codebooks=PAPER_FAST, preset="paper fast"))
    for record in trace.records:
        record.passes, record.computed_passes = 4, 4 if record.computed else 0
        if not record.computed and record.step % 3:
            record.computed, record.reason, record.computed_passes = True, Reason.MISSING, 2
            record.milliseconds = round(record.milliseconds + 215, 2)
    trace.seconds = round(sum(record.milliseconds for record in trace.records) / 1000 * 1.02, 3)
    return trace


def split() -> Trace:
    """Sampled by two processes together."""
    trace = record_run("split", 30, Settings(preset="balanced", share=0.5, forecast=True))
    return replace(trace, info=replace(trace.info, workers=2))


def compiled() -> Trace:
    """A first step that takes twenty times as long, and a run that stops caching half-way."""
    trace = record_run("compiled", 30, Settings(codebooks=PAPER_FAST, preset="paper fast", start=0.1, max_reuses=3))
    trace.records[0].milliseconds *= 20
    for record in trace.records[15:]:
        record.computed, record.reason, record.milliseconds = True, Reason.REFUSED, 431.0
    seconds = round(sum(record.milliseconds for record in trace.records) / 1000 * 1.02, 3)
    return replace(trace, note="another node answered in place of the network", seconds=seconds)


def main() -> None:
    fast = Settings(preset="paper fast", codebooks=PAPER_FAST)
    runs = {
        "fast": record_run("fast", 30, replace(fast, sensitivity=2.0, moreg=MOREG)),
        "plain": record_run("plain", 30, fast),
        "slow": record_run("slow", 30, SLOW),
        "running": record_run("running", 30, fast, stop=10, end=""),
        "cancelled": record_run("cancelled", 30, fast, stop=7, end="cancelled"),
        "failed": replace(
            record_run("failed", 30, fast, stop=12, end="failed"), end_detail="RuntimeError: out of memory"
        ),
        "measured": record_run("measured", 30, Settings(mode="measure", preset="measure only")),
        "nothing": record_run("nothing", 20, SLOW, level=30.0),
        "short": record_run("short", 8, Settings(preset="balanced", share=0.5, forecast=True)),
        "refused": refused(),
        "heun": heun(),
        "parts": parts(),
        "compiled": compiled(),
        "locked": record_run("locked", 30, replace(fast, locked=LockedPlan(30, (1, 2, 9, 29, 30)))),
        "planned": record_run("planned", 30, Settings(preset="balanced", share=0.5, forecast=True, moreg=MOREG)),
        "split": split(),
    }
    text = json.dumps({name: trace.as_json() for name, trace in runs.items()}, separators=(",", ":"), allow_nan=False)
    FILE.write_text(text.replace('{"evaluation"', '\n{"evaluation"') + "\n")


if __name__ == "__main__":
    main()
