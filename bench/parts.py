"""Runs that cover a part of a schedule: two samplers one after the other, and videos that are sampled anew in part.

    .venv/bin/python -m bench.parts ltx_real --videos 8 --shift 5
    .venv/bin/python -m bench.parts --table

20 steps, CFG 3, simple, Euler where nothing else is said; PSNR of latents against the uncached run of the same seed.
`one run` is the preset where nothing is split; `former` plans each part as if it were a whole run. `pair` is two
experts, the demo's network with two LoRAs. A line for each way is added to the file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from . import batches
from .rows import rows_of
from .ways import PRESETS

RESULTS = Path(__file__).parent / "results"
PAIR = "pair"
STEPS, CUTS, DENOISE = 20, (10, 8, 7, 12), (0.3, 0.5, 0.8)
SHARES = {"near-lossless": 2 / 3, "balanced": 1 / 2, "fast": 2 / 5, "turbo": 1 / 3}


class Parts:
    """The ways of one network and shift."""

    def __init__(self, name: str, videos: int, shift: float, sampler: str, at: Any) -> None:
        self.at, self.sampler = at, sampler
        self.of = batches.shifted(batches.subject(batches.DEMO if name == PAIR else name, at, videos), shift)
        loras = ("wan_high_noise", "wan_low_noise") if name == PAIR else ()
        self.models = [batches.with_lora(self.of.model, lora) for lora in loras] or [self.of.model] * 2

    def whole(self, model: Any, **parts: Any) -> Tensor:
        return self.of.sample(model, STEPS, self.sampler, **parts)

    def split(self, cut: int, models: list[Any]) -> Tensor:
        """As two KSamplerAdvanced do."""
        begun = self.whole(models[0], last_step=cut)
        still = torch.zeros_like(begun)
        rest = {"latent": begun, "start": still, "start_step": cut, "disable_noise": True, "force_full_denoise": True}
        return self.whole(models[1], **rest)

    def cached(self, models: list[Any], settings: list[dict[str, Any]]) -> tuple[list[Any], Any]:
        """The models with the node, and what gives how many steps their last runs computed."""
        patched = [self.at.patched(m, **s) for m, s in zip(models, settings, strict=True)]
        return [model for model, _ in patched], lambda: [run().computed for _, run in patched]

    def rows(self, cuts: list[int], denoise: list[float], presets: list[str], former: bool) -> Iterator[dict[str, Any]]:
        """What is measured, as it comes."""
        split_pair = self.models[0] is not self.models[1]
        uncached = None if split_pair else self.whole(self.of.model)
        if cuts and not split_pair:
            for preset in presets:
                (model,), computed = self.cached([self.of.model], [{"preset": preset}])
                yield _row("one run", "", preset, self.whole(model), uncached, computed)
        for cut in cuts:
            expected = self.split(cut, self.models) if uncached is None else uncached
            for preset in presets:
                for way in ("now", "former")[: 1 + former]:
                    settings = [{"preset": preset, **self._locked(way, steps, preset)} for steps in (cut, STEPS - cut)]
                    models, computed = self.cached(self.models, settings)
                    yield _row(way, f"{cut}+{STEPS - cut}", preset, self.split(cut, models), expected, computed)
        for strength in denoise:
            again = {"latent": uncached, "denoise": strength, "start": self.of.noise().flip(0)}
            expected = self.whole(self.of.model, **again)
            for preset in presets:
                for way in ("now", "former")[: 1 + former]:
                    settings = [{"preset": preset, **self._locked(way, STEPS, preset)}]
                    (model,), computed = self.cached([self.of.model], settings)
                    yield _row(way, f"denoise {strength:g}", preset, self.whole(model, **again), expected, computed)

    def _locked(self, way: str, steps: int, preset: str) -> dict[str, str]:
        if way == "now":
            return {}
        cost = batches.cost_of(self.sampler)
        plan = cost.plan(steps, max(4, round(SHARES[preset] * steps))) if steps >= 9 else range(steps)
        return {"locked_schedule": batches.locked(steps, plan)}


def _row(way: str, part: str, preset: str, latents: Tensor, expected: Tensor, computed: Any) -> dict[str, Any]:
    values = [round(value, 2) for value in batches.psnr(latents, expected)]
    return {"way": way, "part": part, "preset": preset, "computed": computed(), "psnr": values}


def table(rows: list[dict[str, Any]]) -> str:
    """Each way beside one run of as many computed steps, read off on the line between the presets."""
    lines = ["| network | | preset | computed | PSNR, mean (worst) | one run at as many |", "|---|---|---|--:|--:|--:|"]

    def run_of(row: dict[str, Any]) -> tuple[Any, ...]:
        return (*(row[key] for key in ("network", "sampler", "shift")), len(row["psnr"]))

    for row in rows:
        same = [r for r in rows if run_of(r) == run_of(row)]
        points = sorted((sum(r["computed"]), mean(r["psnr"])) for r in same if r["way"] == "one run")
        count, beside = sum(row["computed"]), ""
        for (low, worse), (high, better) in pairwise(points if "+" in row["part"] else ()):
            if low <= count <= high:
                beside = f"{worse + (better - worse) * (count - low) / (high - low):.1f}"
        where = f"{row['network']}, {row['sampler']}, shift {row['shift']:g} | {row['part']} {row['way']}"
        psnr = f"{mean(row['psnr']):.1f} ({min(row['psnr']):.1f})"
        lines.append(f"| {where} | {row['preset']} | {' + '.join(map(str, row['computed']))} | {psnr} | {beside} |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "networks", nargs="*", default=[], metavar="network", help=f"{', '.join((*batches.NAMES, PAIR))}"
    )
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--shift", type=float, default=5.0)
    parser.add_argument("--sampler", default="euler")
    parser.add_argument("--cuts", type=int, nargs="*", default=CUTS)
    parser.add_argument("--denoise", type=float, nargs="*", default=DENOISE)
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--former", action="store_true", help="beside them the plans of before")
    parser.add_argument("--out", type=Path, default=RESULTS / "parts.jsonl")
    parser.add_argument("--table", action="store_true", help="print what the file has")
    options = parser.parse_args()
    if options.table:
        print(table(rows_of(options.out)))
        return
    at = batches.hosted()
    for name in options.networks:
        subject = Parts(name, options.videos, options.shift, options.sampler, at)
        for row in subject.rows(options.cuts, options.denoise, options.presets, options.former):
            row = {"network": name, "sampler": options.sampler, "shift": options.shift, **row}
            with options.out.open("a") as out:
                out.write(json.dumps(row) + "\n")
            print({**row, "psnr": f"{mean(row['psnr']):.1f} ({min(row['psnr']):.1f})"}, flush=True)


if __name__ == "__main__":
    main()
