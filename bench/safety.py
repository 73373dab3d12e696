"""What it costs a step that a failure of ours is caught: the guard's time, beside the step of the demo's network.

    .venv/bin/python -m bench.safety

The guard (`nodes/host/guard.py`) stands around every call of the host's that is ours. Its time is that of a call of
nothing through it, less the bare call's; times how often it is gone through in a step.
"""

from __future__ import annotations

import argparse
import sys
import timeit
from collections.abc import Callable
from statistics import median
from typing import Any

from .studio import Studio, prompts
from .ways import PRESETS

STEPS, SEED = 10, 9
REPEATED = 20_000


def main() -> None:
    """Command line."""
    argparse.ArgumentParser(prog="python -m bench.safety", description=(__doc__ or "").splitlines()[0]).parse_args()
    studio = Studio()
    guard = next(module for name, module in sys.modules.items() if name.endswith("nodes.host.guard"))
    each = _seconds(guard)
    print(f"one call through the guard: {1e6 * each:.2f} microseconds")
    for preset in ("measure only", *PRESETS):
        passed, milliseconds = _run(studio, guard, preset)
        share = each * passed / (milliseconds / 1000)
        print(f"{preset}: {passed:.0f} calls in a step of {milliseconds:.0f} ms, {share:.4%} of it", flush=True)


def _seconds(guard: Any) -> float:
    def bare() -> None:
        pass

    guarded = guard.Guard().around(lambda host: host(), bare)
    times = [min(timeit.repeat(one, number=REPEATED, repeat=5)) for one in (guarded, bare)]
    return (times[0] - times[1]) / REPEATED


def _run(studio: Studio, guard: Any, preset: str) -> tuple[float, float]:
    """Calls through the guard in a step, and the milliseconds of a computed one."""
    passed = [0]
    around = guard.Guard.around

    def counting(self: Any, ours: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
        guarded = around(self, ours, call)

        def counted(*args: Any, **kwargs: Any) -> Any:
            passed[0] += 1
            return guarded(*args, **kwargs)

        return counted

    model, trace = studio.cached(preset=preset)
    guard.Guard.around = counting
    try:
        studio.sample(model, prompts(1)[0], SEED, STEPS)
    finally:
        guard.Guard.around = around
    computed = [record.milliseconds for record in trace().records if record.computed]
    return passed[0] / STEPS, median(computed[1:])


if __name__ == "__main__":
    main()
