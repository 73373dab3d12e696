"""Samplers of another pack, from a folder of it: how much is computed, and how close it comes beside fewer steps."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from statistics import mean

from .batches import psnr
from .studio import Studio, prompts


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.other_samplers", description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, help="the pack's folder, such as a clone of RES4LYF")
    parser.add_argument("samplers", nargs="+", help="as KSampler has them, such as res_2m")
    parser.add_argument("--prompts", type=int, default=4, help="of the demo's, every motion level among them")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--preset", default="balanced")
    options = parser.parse_args()
    studio = Studio()
    import server

    import nodes

    server.PromptServer.instance = server.PromptServer(asyncio.new_event_loop())  # packs add routes to it
    if not asyncio.run(nodes.load_custom_node(str(options.pack.resolve()))):
        raise SystemExit(f"the host did not load {options.pack}")
    print("| sampler | evaluations computed | PSNR (worst) | as many steps as were computed |\n|---|---|---|---|")
    for sampler in options.samplers:
        ours, fewer = [], []
        counts = note = ""
        for prompt in prompts(options.prompts):
            whole = studio.sample(studio.model, prompt, 1, options.steps, sampler)["samples"]
            cached, trace = studio.cached(preset=options.preset)
            ours += psnr(studio.sample(cached, prompt, 1, options.steps, sampler)["samples"], whole)
            run = trace()
            computed = {record.step for record in run.records if record.computed}
            counts, note = f"{run.computed} of {len(run.records)}", run.note
            fewer += psnr(studio.sample(studio.model, prompt, 1, len(computed), sampler)["samples"], whole)
        told = " | ".join(f"{mean(found):.1f} ({min(found):.1f})" for found in (ours, fewer))
        print(f"| {sampler} | {note or counts} | {told} |", flush=True)


if __name__ == "__main__":
    main()
