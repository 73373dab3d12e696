"""What calibration promises against what it keeps, on the demo's network in the real host, in this process.

    .venv/bin/python -m bench.calibration --out bench/results/calibration.json

Calibrates from measured runs of one prompt and of three, and samples twelve other prompts with what was proposed: the
codebook, the plan, and beside them the preset by intent of the same share. PSNR is of latents over their range, against
the uncached ones. What was measured before is read from the output file and not measured again, so it may be stopped
and gone on with; delete the file after the network or the method changed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
import torch

from .studio import Studio, prompts

SEED = 1
# Of the demo's 24 prompts, by their number, to calibrate on; and every second one, which are others.
FROM = {"still": 3, "slow": 11, "erratic": 19, "still 2": 1, "slow 2": 9, "fast": 15}
THREE = ("still", "slow", "erratic")
SIX = tuple(FROM)
NEW = range(0, 24, 2)
SHARES = {50.0: "balanced", 40.0: "fast", 100 / 3: "turbo"}  # of 15, 12 and 10 in 30 steps


class Way(NamedTuple):
    """A calibration, and how it is used."""

    steps: int
    runs: tuple[str, ...]
    target: str
    amount: float
    preset: str = "balanced"
    with_moreg: bool = False

    @property
    def wanted(self) -> float:
        """The target as a number that is compared: computed steps, times, or percent."""
        return self.amount / 100 * self.steps if self.target.startswith("computed") else self.amount


def ways() -> list[Way]:
    """What is measured."""
    shares = tuple(SHARES)
    found = [Way(30, runs, "computed steps (%)", share) for runs in (THREE, *((k,) for k in THREE)) for share in shares]
    found += [Way(30, runs, "speed-up (x)", 2.0) for runs in (THREE, ("slow",))]
    found += [
        Way(s, runs, "computed steps (%)", share) for s in (20, 50) for runs in (THREE, ("slow",)) for share in shares
    ]
    found.append(Way(30, THREE, "computed steps (%)", 40.0, preset="paper fast"))
    found += [Way(30, THREE, "largest change (%)", change) for change in (20.0, 30.0)]
    found += [Way(30, runs, "computed steps (%)", s, with_moreg=True) for runs in (SIX, THREE) for s in shares[:2]]
    return found


class Calibrating:
    """The host with the demo's network, and the prompts' runs."""

    def __init__(self) -> None:
        self.studio = Studio()
        self.prompts = prompts()
        self._measured: dict[tuple[int, str], Any] = {}
        self._full: dict[tuple[int, int], torch.Tensor] = {}

    def latent(self, model: Any, prompt: int, steps: int) -> torch.Tensor:
        return self.studio.sample(model, self.prompts[prompt], SEED, steps)["samples"].float()

    def sample(self, steps: int, prompt: int, preset: str, **linked: Any) -> tuple[Any, float]:
        """The trace of one video, and its PSNR against the uncached one."""
        if (steps, prompt) not in self._full:
            self._full[steps, prompt] = self.latent(self.studio.model, prompt, steps)
        full = self._full[steps, prompt]
        model, trace = self.studio.cached(preset=preset, **linked)
        off = ((self.latent(model, prompt, steps) - full) ** 2).mean().clamp(min=1e-10)
        return trace(), float(10 * torch.log10((full.max() - full.min()) ** 2 / off))

    def psnr(self, steps: int, preset: str, **linked: Any) -> list[float]:
        """Of all new prompts."""
        return [round(self.sample(steps, prompt, preset, **linked)[1], 2) for prompt in NEW]

    def calibrate(self, way: Way) -> tuple[Any, ...]:
        """The outputs of AdaCache Calibrate, from shared traces."""
        for name in way.runs:
            if (way.steps, name) not in self._measured:
                self._measured[way.steps, name] = self.sample(way.steps, FROM[name], "measure only")[0]
        return self.studio.call(
            "AdaCacheCalibrate",
            target=way.target,
            amount=way.amount,
            runs="this graph's runs",
            protect=0.15,
            with_moreg=way.with_moreg,
            save_as="",
            traces=self.studio.dumps([self._measured[way.steps, name] for name in way.runs]),
        )


def row(calibrating: Calibrating, way: Way) -> dict[str, Any]:
    """What one calibration predicted and what twelve new prompts got."""
    codebook, moreg, sensitivity, text, _, plan = calibrating.calibrate(way)
    linked = {"codebook": codebook, "sensitivity": sensitivity, "moreg": moreg}
    traces, psnr = zip(*(calibrating.sample(way.steps, prompt, way.preset, **linked) for prompt in NEW), strict=True)
    found = {
        "way": list(way),
        "calibration": json.loads(text),
        "computed": [trace.computed for trace in traces],
        "speed_up": [round(trace.speed_up, 3) for trace in traces],
        "largest_change": [round(100 * largest(trace), 2) for trace in traces],
        "psnr": [round(value, 2) for value in psnr],
    }
    if way.preset == "balanced" and not way.with_moreg and way.target.startswith("computed"):
        found["plan_psnr"] = calibrating.psnr(way.steps, way.preset, locked_schedule=plan)
        found["preset_psnr"] = calibrating.psnr(way.steps, SHARES[way.amount])
    return found


def largest(trace: Any) -> float:
    """Largest relative change of the probe over an interval with reused steps."""
    computed = [record for record in trace.records if record.computed]
    pairs = zip(computed, computed[1:], strict=False)
    # A distance is per step planned, which at the forced last steps is more than passed.
    return max((b.distance * a.rate for a, b in pairs if b.step - a.step > 1), default=0.0)


QUALITY = {"codebook, dB": "psnr", "plan, dB": "plan_psnr", "preset, dB": "preset_psnr"}


def quality(values: Sequence[float]) -> str:
    return f"{mean(values):.1f} / {np.percentile(values, 10):.1f}" if values else ""


def table(rows: list[dict[str, Any]]) -> str:
    """Per calibration: target, prediction, what came of it and how far off that is; then quality, mean and p10."""
    head = ["steps", "calibrated on", "target", "used with", "predicted computed", "computed (min to max)"]
    lines = ["| " + " | ".join([*head, "meets", "off by", *QUALITY]) + " |"]
    lines.append("|--:|---|---|---" + "|--:" * (4 + len(QUALITY)) + "|")
    for one in rows:
        steps, runs, target, amount, preset, with_moreg = one["way"]
        way = Way(steps, tuple(runs), target, amount, preset, with_moreg)
        kind = {"computed": "computed", "speed-up": "speed_up", "largest": "largest_change"}[target.split()[0]]
        got, counts = mean(one[kind]), one["computed"]
        goal = f"{way.wanted:.3g} steps" if kind == "computed" else f"{target} {amount:g}"
        cells = [str(steps), f"{len(runs)} ({', '.join(runs)})", goal, preset + (" + MoReg" if with_moreg else "")]
        cells += [f"{one['calibration']['computed']:.1f}", f"{mean(counts):.1f} ({min(counts)} to {max(counts)})"]
        off = got / way.wanted - 1
        cells += [f"{got:.3g}", f"{off:+.0%}" + ("" if abs(off) <= 0.1 else " (beyond 10 %)")]
        cells += [quality(one.get(name, ())) for name in QUALITY.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON; a table is written beside it")
    out = parser.parse_args().out
    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    calibrating: Calibrating | None = None
    for way in ways():
        if json.loads(json.dumps(way)) in [one["way"] for one in rows]:
            continue
        calibrating = calibrating or Calibrating()
        rows.append(row(calibrating, way))
        out.write_text(json.dumps({"seed": SEED, "rows": rows}, indent=1) + "\n")
        out.with_suffix(".md").write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
