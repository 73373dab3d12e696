"""An attention override that sets in at a noise level, as sparse attention does: what it is worth to see it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from statistics import mean
from typing import Any
from unittest.mock import patch

from .batches import psnr
from .studio import Studio, prompts


def overridden(model: Any, sigma_start: float) -> Any:
    """A model whose attention gives 0.85 of what it gave, from a noise level on."""

    def override(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        out = original(*args, **kwargs)
        return 0.85 * out if float(kwargs["transformer_options"]["sigmas"].max()) <= sigma_start else out

    clone = model.clone()
    clone.model_options.setdefault("transformer_options", {})["optimized_attention_override"] = override
    return clone


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.changes", description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=4, help="of the demo's, every motion level among them")
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    studio = Studio()
    keys = next(module for name, module in sys.modules.items() if name.endswith("nodes.host.stream_keys"))
    print("| sets in at | preset | not seen | seen |\n|---|---|---|---|")
    for level in (0.93, 0.8, 0.6):
        model = overridden(studio.model, level)
        wholes = [studio.sample(model, prompt, 1, options.steps)["samples"] for prompt in prompts(options.prompts)]
        for preset in ("balanced", "fast"):
            cached, _ = studio.patched(model, preset=preset)
            blind, seen = [], []
            for prompt, whole in zip(prompts(options.prompts), wholes, strict=True):
                ours = studio.sample(cached, prompt, 1, options.steps)["samples"]
                with patch.object(keys, "acting", lambda *_: None):
                    unseen = studio.sample(cached, prompt, 1, options.steps)["samples"]
                seen += psnr(ours, whole)
                blind += psnr(unseen, whole)
            told = " | ".join(f"{mean(found):.1f} ({min(found):.1f})" for found in (blind, seen))
            print(f"| {level} | {preset} | {told} |", flush=True)


if __name__ == "__main__":
    main()
