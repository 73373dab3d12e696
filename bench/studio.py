"""The host in this process with the demo's network: what every bench samples with."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from demo import host

STILL = "standing still"
LEVELS = (STILL, "drifting slowly", "moving fast", "jumping erratically")


def prompts(most: int | None = None) -> list[str]:
    """The demo's prompts, six of each motion level, or so many of them, every level among them."""
    lines = [line for line in (host.DEMO / "prompts.txt").read_text().splitlines() if line.strip()]
    count = min(most or len(lines), len(lines))
    # Every k-th, starting in the middle of each stretch.
    return [lines[(2 * i + 1) * len(lines) // (2 * count)] for i in range(count)]


def level(prompt: str) -> str:
    """The motion that a prompt asks for: the words behind its last comma."""
    return prompt.rpartition(", ")[2]


@contextmanager
def quick_decoding() -> Iterator[None]:
    """What a decoder spends most of its time in on a CPU (PyTorch 2.13), with the same numbers in a fraction of it.

    A convolution of a batch of one takes a path that is eight times slower than the library's, and a norm over the
    channels walks memory crosswise. Decoding would else take longer than sampling.
    """
    convolve, normalize = torch.nn.functional.conv3d, torch.nn.functional.normalize

    def conv3d(x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, *rest: Any) -> Any:
        if x.device.type != "cpu" or isinstance(padding, str) or not torch.backends.mkldnn.is_available():
            return convolve(x, weight, bias, stride, padding, *rest)
        dilation, groups = (*rest, 1, 1)[:2]
        sizes = ((n,) * 3 if isinstance(n, int) else tuple(n) for n in (padding, stride, dilation))
        return torch.mkldnn_convolution(x, weight, bias, *sizes, groups)

    def normed(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, **rest: Any) -> Any:
        if x.device.type != "cpu" or p != 2.0:
            return normalize(x, p, dim, eps, **rest)
        return x / (x * x).sum(dim, keepdim=True).sqrt_().clamp_min_(eps)

    torch.nn.functional.conv3d, torch.nn.functional.normalize = conv3d, normed
    try:
        yield
    finally:
        torch.nn.functional.conv3d, torch.nn.functional.normalize = convolve, normalize


class Studio:
    """Attributes:
    classes: the host's nodes by id, ours among them.
    model: the network with the demo's shift.
    network: its module, for hooks.
    runs, dumps: of our pack as the host loaded it: the runs it keeps, and traces as text.
    """

    def __init__(self) -> None:
        argv, sys.argv = sys.argv, sys.argv[:1]  # the host would read our arguments as its own
        base = Path(tempfile.mkdtemp(prefix="adacache-bench-"))
        host.import_host(base)
        sys.argv = argv
        import comfy.utils

        comfy.utils.PROGRESS_BAR_ENABLED = False
        logging.disable(logging.INFO)
        import comfy.sd
        import comfy.utils

        import nodes

        asyncio.run(nodes.init_builtin_extra_nodes())
        for folder in (host.PACK_NAME, host.DEMO_NODE.name):
            if not asyncio.run(nodes.load_custom_node(str(base / "custom_nodes" / folder))):
                raise RuntimeError(f"the host did not load {folder}")
        self.classes = nodes.NODE_CLASS_MAPPINGS
        loaded = comfy.sd.load_diffusion_model(str(host.MODELS / host.NETWORK))
        self.model = self.call("ModelSamplingSD3", model=loaded, shift=3.0)[0]
        self.vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(host.MODELS / host.VAE)))
        self.network = self.model.model.diffusion_model
        end = ".nodes.server.run_store"
        pack = next(n.removesuffix(end) for n in sys.modules if n.endswith(host.PACK_NAME + end))
        self.runs = sys.modules[pack + end].RUNS
        self.dumps = sys.modules[f"{pack}.adacache"].dumps

    def call(self, node_id: str, **inputs: Any) -> tuple:
        """Run a node as the host's executor does (`execution.py:PromptExecutor`)."""
        node = self.classes[node_id]
        with torch.inference_mode():
            if hasattr(node, "PREPARE_CLASS_CLONE"):  # V3
                return tuple(node.PREPARE_CLASS_CLONE({}).EXECUTE_NORMALIZED(**inputs).args)
            return tuple(getattr(node(), node.FUNCTION)(**inputs))

    def defaults(self, node_id: str) -> dict[str, Any]:
        """What the widgets of one of our nodes begin with."""
        inputs = self.classes[node_id].define_schema().inputs
        return {i.id: i.default for i in inputs if getattr(i, "default", None) is not None}

    def cached(self, **settings: Any) -> tuple[Any, Callable[[], Any]]:
        """A model with AdaCache Patch Model, and what gives the trace of its last run."""
        inputs = {**self.defaults("AdaCachePatchModel"), "model": self.model, **settings}
        model, handle = self.call("AdaCachePatchModel", **inputs)
        return model, lambda: self.runs.find(handle)[-1]

    def sample(self, model: Any, prompt: str, seed: int, steps: int, sampler: str = "euler", noise: float = 0.0) -> Any:
        """A latent of the host's.

        Args:
            noise: standard deviation of noise added to the empty latent, which moves the first noise by as much.
        """
        text = {
            side: self.call("AdaCacheDemoTextEncode", caption=caption)[0]
            for side, caption in (("positive", prompt), ("negative", ""))
        }
        latent = self.call("EmptyHunyuanLatentVideo", width=128, height=128, length=33, batch_size=1)[0]
        options = {"model": model, "steps": steps, "cfg": 3.0, "sampler_name": sampler, "scheduler": "simple", **text}
        if not noise:
            return self.call("KSampler", latent_image=latent, seed=seed, denoise=1.0, **options)[0]
        import comfy.sample

        dice = torch.Generator().manual_seed(seed + 500_000)
        start = comfy.sample.prepare_noise(latent["samples"], seed)
        start = start + noise * torch.randn(start.shape, generator=dice)
        with torch.inference_mode():
            samples = comfy.sample.sample(
                model,
                start,
                steps,
                options["cfg"],
                sampler,
                "simple",
                text["positive"],
                text["negative"],
                latent["samples"],
                seed=seed,
            )
        return {"samples": samples}

    def frames(self, sampled: Any) -> np.ndarray:
        """The decoded video, float32 [frames, height, width, 3], 0 to 1."""
        with quick_decoding():
            (frames,) = self.call("VAEDecode", samples=sampled, vae=self.vae)
        return frames.reshape(-1, *frames.shape[-3:]).clamp(0, 1).float().numpy()
