"""What it costs a step that a failure of ours is caught: the guard's time, beside the step of the demo's network.

    .venv/bin/python -m bench.safety

The guard (`nodes/host/guard.py`) stands around every call of the host's that is ours. Its time is that of a call of
nothing through it, less the bare call's; times how often it is gone through in a step. A step is the mean of all,
reused ones among them. Both are seconds of one core, so that a busy machine tells the same.
"""

from __future__ import annotations

import argparse
import sys
import time
import timeit
from collections.abc import Callable
from typing import Any

import torch

from .studio import Studio, prompts
from .ways import PRESETS

STEPS, SEED = 10, 9
REPEATED = 20_000


def main() -> None:
    """Command line."""
    argparse.ArgumentParser(prog="python -m bench.safety", description=(__doc__ or "").splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    studio = Studio()
    guard = next(module for name, module in sys.modules.items() if name.endswith("nodes.host.guard"))
    each = _seconds(guard)
    print(f"one call through the guard: {1e6 * each:.2f} microseconds")
    for preset in ("measure only", *PRESETS):
        calls, seconds = _run(studio, guard, preset)
        print(f"{preset}: {calls:.0f} calls in a step of {1000 * seconds:.0f} ms, {each * calls / seconds:.4%} of it")


def _seconds(guard: Any) -> float:
    def bare() -> None:
        pass

    keeper = guard.Guard()

    def guarded() -> None:
        keeper.around(lambda host: host(), bare)()

    clock = time.process_time
    times = [min(timeit.repeat(one, timer=clock, number=REPEATED, repeat=5)) for one in (guarded, bare)]
    return (times[0] - times[1]) / REPEATED


def _run(studio: Studio, guard: Any, preset: str) -> tuple[float, float]:
    """Calls through the guard in a step, and its seconds."""
    passed = [0]
    around = guard.Guard.around

    def counting(self: Any, ours: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
        guarded = around(self, ours, call)

        def counted(*args: Any, **kwargs: Any) -> Any:
            passed[0] += 1
            return guarded(*args, **kwargs)

        return counted

    model, _ = studio.cached(preset=preset)
    guard.Guard.around = counting
    try:
        began = time.process_time()
        studio.sample(model, prompts(1)[0], SEED, STEPS)
        seconds = time.process_time() - began
    finally:
        guard.Guard.around = around
    return passed[0] / STEPS, seconds / STEPS


if __name__ == "__main__":
    main()
