"""One network at one size: sampled by the host, with and without a cache, and measured step by step."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..hosted import Hosted
from .meter import Meter, allocated, peak
from .networks import Network, Size, build
from .ways import Way

KEY = "bench.real_size"


@dataclass(frozen=True)
class Step:
    """A step of a sampling: its seconds, and how often the network's last block ran in it."""

    seconds: float
    calls: int


@dataclass(frozen=True)
class Run:
    """A sampling.

    Attributes:
        peak: most bytes above the model's own; None where they are not counted.
        cache: bytes that our trace says the cache held; 0 without ours.
        note: why our run was not cached, or "".
    """

    steps: list[Step]
    peak: int | None
    cache: int = 0
    note: str = ""

    def and_again(self, later: Run) -> Run:
        """Both as one; the peak is the first's, which found the device as the other ways did."""
        return replace(self, steps=self.steps + later.steps)


class Rig:
    """A network with its weights on the device, until it is released and nothing refers to it."""

    def __init__(self, hosted: Hosted, network: Network, size: Size, small: bool) -> None:
        from comfy import model_management

        self.hosted, self.size = hosted, size
        self.device = model_management.get_torch_device()
        self.model: Any = build(network, self.device, small)
        self.bytes = self.model.model_size()
        self.parameters = sum(weight.numel() for weight in self.model.model.diffusion_model.parameters())
        self._meter = Meter(self.device)
        self._calls = 0
        diffusion = self.model.model.diffusion_model
        blocks = getattr(diffusion, "double_blocks", None) or diffusion.blocks
        blocks[-1].register_forward_hook(self._called)
        self.latent = self._latent(network)
        self.conds = [[[network.text_features(small), network.more()]] for _ in range(2)]

    def run(self, way: Way, steps: int | None = None) -> Run:
        """Sample by Euler with guidance, the prompt and the empty one as the host batches them.

        Args:
            steps: by default the way's own.
        """
        import comfy.sample
        from comfy.patcher_extension import WrappersMP

        model, trace = way.applied(self.hosted, self.model)
        model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, KEY, self._starting)
        noise = comfy.sample.prepare_noise(self.latent, 1)
        calls: list[int] = []
        self._calls = 0

        def stepped(*_: Any) -> None:
            self._meter.mark()
            calls.append(self._calls)
            self._calls = 0

        before = allocated(self.device)
        with torch.inference_mode():
            comfy.sample.sample(
                model,
                noise,
                steps or way.steps,
                5.0,
                "euler",
                "simple",
                *self.conds,
                self.latent,
                callback=stepped,
                disable_pbar=True,
                seed=1,
            )
        found = [Step(*step) for step in zip(self._meter.seconds(), calls, strict=True)]
        most = None if before is None else peak(self.device) - before
        ours = trace() if trace else None
        return Run(found, most, ours.cache_bytes, ours.note) if ours else Run(found, most)

    def _starting(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        self._meter = Meter(self.device)
        self._meter.mark()
        return executor(*args, **kwargs)

    def _called(self, *_: Any) -> None:
        self._calls += 1

    def _latent(self, network: Network) -> Any:
        parts = [torch.zeros(1, *shape) for shape in network.latent(self.size)]
        if len(parts) == 1:
            return parts[0]
        from comfy.nested_tensor import NestedTensor

        return NestedTensor(parts)


def release() -> None:
    """Free the weights of rigs that nothing refers to any more."""
    import comfy.model_management

    comfy.model_management.unload_all_models()
    gc.collect()
    comfy.model_management.soft_empty_cache()
