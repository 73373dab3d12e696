"""Quality against computed steps: ways to save steps, on the demo's network in the real host, in this process.

    .venv/bin/python -m bench.frontier --prompts 12 --out bench/results/frontier.json

Every prompt is sampled uncached and then in each way at the same seed; decoded frames are compared with the uncached
ones. What was measured before is read from the output file and not measured again, so a run may be stopped and gone
on with; delete the file after the network or a method changed. Another seed's video is the floor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from demo import host

# (name, preset, sensitivity); more steps the higher the sensitivity
CACHED = [
    *((f"published fast x{s:g}", "paper fast", float(s)) for s in (1, 2, 3, 4, 5, 7)),
    *((preset, preset, 1.0) for preset in ("turbo", "fast", "balanced", "near-lossless")),
]
EASY = (0.05, 0.1, 0.2, 0.3)
FEWER = (10, 12, 15)
ANOTHER_SEED = "another seed"


class Bench:
    """The host in this process, the demo's network, and the frames of a video."""

    def __init__(self) -> None:
        argv, sys.argv = sys.argv, sys.argv[:1]  # the host would read our arguments as its own
        base = Path(tempfile.mkdtemp(prefix="adacache-bench-"))
        host.import_host(base)
        sys.argv = argv
        logging.disable(logging.INFO)
        import comfy.sd
        import comfy.utils

        import nodes

        asyncio.run(nodes.init_builtin_extra_nodes())
        for folder in (host.PACK_NAME, host.DEMO_NODE.name):
            if not asyncio.run(nodes.load_custom_node(str(base / "custom_nodes" / folder))):
                raise RuntimeError(f"the host did not load {folder}")
        self.classes = nodes.NODE_CLASS_MAPPINGS
        network = comfy.sd.load_diffusion_model(str(host.MODELS / host.NETWORK))
        self.model = self.call("ModelSamplingSD3", model=network, shift=3.0)[0]
        self.vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(host.MODELS / host.VAE)))

    def call(self, node_id: str, **inputs: Any) -> tuple:
        node = self.classes[node_id]
        with torch.inference_mode():  # as `execution.py:PromptExecutor` does
            if hasattr(node, "PREPARE_CLASS_CLONE"):  # V3
                return tuple(node.PREPARE_CLASS_CLONE({}).EXECUTE_NORMALIZED(**inputs).args)
            return tuple(getattr(node(), node.FUNCTION)(**inputs))

    def cached(self, preset: str, sensitivity: float) -> tuple[Any, Callable[[], int]]:
        """A model that caches, and what tells how many steps its last run computed."""
        rest = {"start_percent": 0.0, "end_percent": 1.0, "max_reuses": 0, "cache_location": "auto"}
        model, handle = self.call(
            "AdaCachePatchModel", model=self.model, preset=preset, sensitivity=sensitivity, **rest
        )
        pack = next(name for name in sys.modules if name.endswith(f"{host.PACK_NAME}.nodes.host.runs"))
        return model, lambda: sys.modules[pack].RUNS.find(handle)[-1].computed

    def easy(self, threshold: float) -> tuple[Any, Callable[[], int]]:
        """The host's EasyCache at its best: its network call gets a copy of its input, which it writes into."""
        model = self.call(
            "EasyCache",
            model=self.model,
            reuse_threshold=threshold,
            start_percent=0.15,
            end_percent=0.95,
            verbose=False,
        )[0]
        calls: list[int] = []

        def copied(executor: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
            return executor(x.clone(), *args, **kwargs)

        def counted(executor: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            return executor(*args, **kwargs)

        # Wrappers run in this order, the first outermost.
        theirs = model.wrappers["diffusion_model"]
        model.wrappers["diffusion_model"] = {"bench.copy": [copied], **theirs, "bench.count": [counted]}
        return model, lambda: len(calls)

    def film(self, model: Any, prompt: str, seed: int, steps: int) -> Any:
        """Frames of a video, [frames, height, width, 3], 0 to 255."""
        text = {
            side: self.call("AdaCacheDemoTextEncode", caption=caption)[0]
            for side, caption in (("positive", prompt), ("negative", ""))
        }
        empty = self.call("EmptyHunyuanLatentVideo", width=128, height=128, length=33, batch_size=1)[0]
        sampled = self.call(
            "KSampler",
            model=model,
            seed=seed,
            steps=steps,
            cfg=3.0,
            sampler_name="euler",
            scheduler="simple",
            latent_image=empty,
            denoise=1.0,
            **text,
        )[0]
        (frames,) = self.call("VAEDecode", samples=sampled, vae=self.vae)
        return (frames.reshape(-1, *frames.shape[-3:]).clamp(0, 1) * 255).round().byte().numpy()

    def ways(self, steps: int) -> dict[str, Callable[[], tuple[Any, int, Callable[[], int]]]]:
        """By name: what gives the model, its step count, and the computed steps afterwards."""
        found: dict[str, Any] = {}
        for name, preset, sensitivity in CACHED:
            found[name] = lambda p=preset, s=sensitivity: (lambda m, n: (m, steps, n))(*self.cached(p, s))
        for threshold in EASY:
            found[f"host EasyCache {threshold:g}"] = lambda t=threshold: (lambda m, n: (m, steps, n))(*self.easy(t))
        for fewer in FEWER:
            found[f"{fewer} steps"] = lambda f=fewer: (self.model, f, lambda: f)
        found[ANOTHER_SEED] = lambda: (self.model, steps, lambda: steps)
        return found


def measure(bench: Bench, prompts: list[str], seeds: list[int], steps: int, out: Path) -> list[dict[str, Any]]:
    """All ways on all prompts and seeds; the file is written after every video."""
    from demo.metrics import psnr, ssim

    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    have = {(row["prompt"], row["seed"], row["steps"], row["way"]) for row in rows}
    for prompt in prompts:
        for seed in seeds:
            missing = [way for way in bench.ways(steps) if (prompt, seed, steps, way) not in have]
            reference = bench.film(bench.model, prompt, seed, steps) if missing else None
            for way in missing:
                model, taken, computed = bench.ways(steps)[way]()
                frames = bench.film(model, prompt, seed + 1000 * (way == ANOTHER_SEED), taken)
                row = {"prompt": prompt, "seed": seed, "steps": steps, "way": way, "computed": computed()}
                row |= {"psnr": min(60.0, psnr(frames, reference)), "ssim": ssim(frames, reference)}
                rows.append(row)
                out.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    return rows


def interval(values: list[float], draws: int = 1000) -> tuple[float, float]:
    """The middle 95 % of bootstrapped means."""
    dice = random.Random(0)
    means = sorted(mean(dice.choices(values, k=len(values))) for _ in range(draws))
    return means[draws * 25 // 1000], means[draws * 975 // 1000 - 1]


def table(rows: list[dict[str, Any]]) -> str:
    """Per way: computed steps, PSNR (mean with its interval, 10th percentile, worst) and SSIM."""
    lines = ["| way | videos | computed | PSNR dB | 95 % | p10 | worst | SSIM |", "|---|" + "--:|" * 7]
    ways = dict.fromkeys(row["way"] for row in rows)
    for way in sorted(ways, key=lambda way: mean(row["computed"] for row in rows if row["way"] == way)):
        mine = [row for row in rows if row["way"] == way]
        values = sorted(row["psnr"] for row in mine)
        low, high = interval(values)
        cells = [way, str(len(mine)), f"{mean(row['computed'] for row in mine):.1f}", f"{mean(values):.1f}"]
        cells += [f"{low:.1f} to {high:.1f}", f"{values[len(values) // 10]:.1f}", f"{values[0]:.1f}"]
        lines.append("| " + " | ".join([*cells, f"{mean(row['ssim'] for row in mine):.3f}"]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.frontier", description=__doc__)
    parser.add_argument("--prompts", type=int, default=24, help="spread over the demo's prompts (default: %(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    prompts = [line for line in (host.DEMO / "prompts.txt").read_text().splitlines() if line.strip()]
    # Every k-th prompt, starting in the middle of each stretch, so that all motion levels come in.
    chosen = [prompts[(2 * i + 1) * len(prompts) // (2 * options.prompts)] for i in range(options.prompts)]
    rows = measure(Bench(), chosen, options.seeds, options.steps, options.out)
    options.out.with_suffix(".md").write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
