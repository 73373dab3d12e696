"""The presets in the precision of the network: float32, bfloat16 and float16, each against its own uncached run.

    .venv/bin/python -m bench.precision --prompts 8

PSNR of latents over their range. The floor is the same run with 1e-4 of noise added to the first latent: what a
precision leaves of any comparison. The table is written to `results/precision.md`.

Products, norms and softmax of half precision are made in float32 and rounded where they end, as graphics cards make
them; few CPUs have such arithmetic, and without it float16 takes four times as long.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from demo import host

from .batches import psnr
from .studio import Studio, prompts
from .ways import PRESETS

RESULTS = Path(__file__).parent / "results"
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
FLOOR = "floor: 1e-4 of noise"
STEPS, SEED = 30, 9
WIDE = {"linear", "matmul", "mm", "addmm", "bmm", "baddbmm", "einsum", "conv2d", "conv3d", "convolution"} | {
    "softmax", "rms_norm", "layer_norm", "scaled_dot_product_attention",
}  # fmt: skip
HALF = (torch.float16, torch.bfloat16)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.precision", description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=8, help="spread over the demo's 24 (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS / "precision.md")
    options = parser.parse_args()
    studio, chosen = Studio(), prompts(options.prompts)
    found = {}
    for dtype in DTYPES:
        studio.model = computing_in(studio, dtype)
        with RoundedAtTheEnd():
            found[dtype] = measured(studio, chosen)
        print(dtype, {way: round(mean(values), 1) for way, values in found[dtype].items()}, flush=True)
    options.out.write_text(table(found, len(chosen)))


def computing_in(studio: Studio, dtype: torch.dtype) -> Any:
    """The demo's network, weights and arithmetic in one precision; the host would cast it back on a CPU."""
    import comfy.sd

    loaded = comfy.sd.load_diffusion_model(str(host.MODELS / host.NETWORK), model_options={"dtype": dtype})
    loaded.model.manual_cast_dtype = None
    return studio.call("ModelSamplingSD3", model=loaded, shift=3.0)[0]


class RoundedAtTheEnd(TorchDispatchMode):
    """The operations of `WIDE` on tensors of half precision, in float32 inside."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        given = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        half = next((value.dtype for value in given if value.dtype in HALF), None)
        if half is None or func.overloadpacket.__name__ not in WIDE:
            return func(*args, **kwargs)
        args, kwargs = tree_map_only(torch.Tensor, lambda value: value.float(), (args, kwargs))
        return tree_map_only(torch.Tensor, lambda value: value.to(half), func(*args, **kwargs))


def measured(studio: Studio, chosen: list[str]) -> dict[str, list[float]]:
    """PSNR in dB by preset, one for each prompt."""
    found: dict[str, list[float]] = {}
    for prompt in chosen:

        def latent(model: Any, noise: float = 0.0, prompt: str = prompt) -> torch.Tensor:
            return studio.sample(model, prompt, SEED, STEPS, noise=noise)["samples"]

        expected = latent(studio.model)
        ways: dict[str, Callable[[], torch.Tensor]] = {FLOOR: lambda latent=latent: latent(studio.model, 1e-4)}
        for preset in reversed(PRESETS):
            ways[preset] = lambda latent=latent, preset=preset: latent(studio.cached(preset=preset)[0])
        for way, sample in ways.items():
            found.setdefault(way, []).extend(psnr(sample(), expected))
    return found


def table(found: dict[torch.dtype, dict[str, list[float]]], videos: int) -> str:
    """Mean and 10th percentile by precision."""
    names = [str(dtype).removeprefix("torch.") for dtype in found]
    lines = [
        f"PSNR of latents in dB, mean (10th percentile), {videos} videos, {STEPS} steps of Euler.",
        "",
        "| | " + " | ".join(names) + " |",
        "|---|" + "--:|" * len(names),
    ]
    for way in next(iter(found.values())):
        cells = [f"{mean(ways[way]):.1f} ({np.percentile(ways[way], 10):.1f})" for ways in found.values()]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
