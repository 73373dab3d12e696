"""The host in this process with the demo's network: what every bench samples with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from demo import host

from .hosted import Hosted

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


class Studio(Hosted):
    """Attributes, beside the host's:
    model: the network with the demo's shift.
    network: its module, for hooks.
    """

    def __init__(self) -> None:
        super().__init__((host.PACK_NAME, host.DEMO_NODE.name))
        import comfy.sd
        import comfy.utils

        loaded = comfy.sd.load_diffusion_model(str(host.MODELS / host.NETWORK))
        self.model = self.call("ModelSamplingSD3", model=loaded, shift=3.0)[0]
        self.vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(host.MODELS / host.VAE)))
        self.network = self.model.model.diffusion_model

    def cached(self, **settings: Any) -> tuple[Any, Callable[[], Any]]:
        """The network with AdaCache Patch Model, and what gives the trace of its last run."""
        return self.patched(self.model, **settings)

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
