"""What is made of the measured runs: the fields of the JSON, and the table."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from .rig import Rig, Run
from .ways import Way


def about(rig: Rig, tokens: int) -> dict[str, Any]:
    """A network at a size, before anything of it is measured."""
    size = rig.size
    return {
        "width": size.width,
        "height": size.height,
        "frames": size.length,
        "tokens": tokens,
        "parameters": rig.parameters,
        "model_bytes": rig.bytes,
        "runs": {},
    }


def fields_of(way: Way, run: Run, model_bytes: int, plain: dict[str, Any] | None) -> dict[str, Any]:
    """A run as JSON, compared with the fields of the unpatched one where there is one.

    Returns:
        seconds (medians of a step), of_unpatched (their ratio to an unpatched step), speed_up (of the sampling),
        efficiency (that over steps / computed), bytes above the model's own, and what a patch adds to them.
    """
    computed = [step.seconds for step in run.steps if step.calls]
    reused = [step.seconds for step in run.steps if not step.calls]
    total = sum(step.seconds for step in run.steps)
    medians = {name: median(found) if found else None for name, found in (("computed", computed), ("reused", reused))}
    found = {
        "settings": dict(way.settings),
        "steps": len(run.steps),
        "computed": len(computed),
        "calls_per_computed": max((step.calls for step in run.steps), default=0),
        "step_seconds": [step.seconds for step in run.steps],
        "seconds": medians,
        "peak_bytes": run.peak,
        "cache_bytes": run.cache,
        "note": run.note,
    }
    if plain is None:
        return found
    step = plain["seconds"]["computed"]
    speed_up = step * len(run.steps) / total
    found["of_unpatched"] = {name: value and value / step for name, value in medians.items()}
    found["speed_up"] = speed_up
    found["efficiency"] = speed_up / (len(run.steps) / len(computed)) if computed else None
    if run.peak is not None:
        found["added_bytes"] = run.peak - plain["peak_bytes"]
        found["added_share"] = found["added_bytes"] / model_bytes
    return found


COLUMNS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("computed", lambda run: f"{run['computed']} of {run['steps']}"),
    ("a computed step", lambda run: _seconds(run["seconds"]["computed"])),
    ("of unpatched", lambda run: _number(run.get("of_unpatched", {}).get("computed"), "{:.3f}")),
    ("a reused step", lambda run: _seconds(run["seconds"]["reused"])),
    ("of unpatched", lambda run: _number(run.get("of_unpatched", {}).get("reused"), "{:.4f}")),
    ("faster", lambda run: _number(run.get("speed_up"), "{:.2f}x")),
    ("efficiency", lambda run: _number(run.get("efficiency"), "{:.3f}")),
    ("peak above the model", lambda run: _bytes(run["peak_bytes"])),
    ("added", lambda run: _bytes(run.get("added_bytes"))),
    ("of the model", lambda run: _number(run.get("added_share"), "{:.2%}")),
)


def table(found: dict[str, Any]) -> str:
    """As Markdown: a line for each run, then what was left out and why."""
    host = f"{found['device']}, PyTorch {found['torch']}, ComfyUI {found['host']}, {found['dtype']}"
    lines = [host, "", "| network | | way |" + "".join(f" {name} |" for name, _ in COLUMNS)]
    lines.append("|---|---|---|" + "--:|" * len(COLUMNS))
    for case in found["cases"]:
        for way, run in case["runs"].items():
            cells = "".join(f" {show(run)} |" for _, show in COLUMNS)
            lines.append(f"| {case['network']} | {case['size']} | {way} |{cells}")
    lines += ["", *(f"Left out: {left['what']}: {left['why']}." for left in found["left_out"])]
    return "\n".join(lines).rstrip()


def _number(value: float | None, shape: str) -> str:
    return "" if value is None else shape.format(value)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s" if value >= 1 else f"{1000 * value:.1f} ms"


def _bytes(value: int | None) -> str:
    return "" if value is None else f"{value / 2**20:.0f} MiB"
