"""Many videos sampled as one batch: for ways whose computed steps do not follow the video, far quicker than one by one.

Every network that the project has is a `Subject`; each video keeps the noise of its own seed, and the extrapolation
its own gain, so a row of the batch is what it is alone.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from adacache.schedules.explicit import LockedPlan
from adacache.schedules.planned import CORRECTED, CORRECTED_LATER, Cost
from demo import host

from .hosted import Hosted
from .networks import families, play
from .networks.linear_latents import LinearLatents
from .studio import prompts

DEMO = "demo"
NAMES = (DEMO, *families.NETWORKS)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and the videos that are sampled with it.

    Attributes:
        model: the host's, with the shift of its recipe, computing in float32.
        sides: what KSampler takes as positive and as negative.
        empty: the latents that sampling starts from, [videos, ...].
        seeds: of the videos.
    """

    name: str
    model: Any
    sides: tuple[list, list]
    empty: Tensor
    seeds: tuple[int, ...]

    def noise(self) -> Tensor:
        import comfy.sample

        one = self.empty[:1]
        return torch.cat([comfy.sample.prepare_noise(one, seed) for seed in self.seeds])

    @torch.inference_mode()
    def sample(
        self,
        model: Any,
        steps: int,
        sampler: str = "euler",
        scheduler: str = "simple",
        cfg: float = 3.0,
        start: Tensor | None = None,
        **parts: Any,
    ) -> Tensor:
        """The latents.

        Args:
            start: noise; by default that of the seeds.
            parts: what else `comfy.sample.sample` takes, such as start_step, last_step, denoise, sigmas.
        """
        import comfy.sample

        begun = self.noise() if start is None else start
        with _noise_by_row(self.seeds), _gains_by_row():
            return comfy.sample.sample(
                model,
                begun,
                steps,
                cfg,
                sampler,
                scheduler,
                *self.sides,
                parts.pop("latent", self.empty),
                disable_pbar=True,
                seed=self.seeds[0],
                **parts,
            ).float()


def psnr(latents: Tensor, expected: Tensor) -> list[float]:
    """In dB, over the range of the expected one; one for each video."""
    ends = expected.flatten(1)
    error = (latents - expected).flatten(1).square().mean(1).clamp_min(1e-20)
    return (10 * torch.log10((ends.amax(1) - ends.amin(1)).square() / error)).tolist()


def cost_of(sampler: str) -> Cost:
    """By which the presets plan, for a sampler that is corrected."""
    return CORRECTED if sampler == "euler" else CORRECTED_LATER


def locked(steps: int, plan: Iterable[int]) -> str:
    """A plan, counted from 0, as a locked schedule's text."""
    return str(LockedPlan(steps, tuple(step + 1 for step in plan)))


def hosted(*extras: str) -> Hosted:
    """The host on the GPU where there is one, with more files of its own extra nodes where they are named."""
    torch.backends.cudnn.allow_tf32 = False
    extras = ("nodes_model_advanced.py", *extras)
    return Hosted((host.PACK_NAME, host.DEMO_NODE.name), extras, cpu=not torch.cuda.is_available())


def subject(name: str, at: Hosted, videos: int, first_seed: int = 1) -> Subject:
    """So many videos, each with a prompt and a seed of its own as far as prompts go."""
    seeds = tuple(range(first_seed, first_seed + videos))
    if name != DEMO:
        network = families.NETWORKS[name]
        labels = LinearLatents.load(network.decoder)[1]
        chosen = [labels[number * len(labels) // videos] for number in range(videos)]
        sides = tuple(_together([play.conditioning(network, label) for label in told]) for told in (chosen, [""]))
        return Subject(name, play.load(network), sides, play.empty(network).repeat(videos, 1, 1, 1, 1), seeds)
    import comfy.sd

    told = prompts()
    told = [told[number * len(told) // videos % len(told)] if videos <= len(told) else told[number % len(told)]
            for number in range(videos)]  # fmt: skip
    loaded = comfy.sd.load_diffusion_model(str(host.MODELS / host.NETWORK), model_options={"dtype": torch.float32})
    model = at.call("ModelSamplingSD3", model=loaded, shift=3.0)[0]
    encoded = [[at.call("AdaCacheDemoTextEncode", caption=text)[0] for text in side] for side in (told, [""])]
    return Subject(
        name, model, (_together(encoded[0]), _together(encoded[1])), torch.zeros(videos, 16, 9, 16, 16), seeds
    )


def alone(of: Subject, row: int) -> Subject:
    """One of its videos, where what decides would decide for the whole batch."""
    one = slice(row, row + 1)
    ((told, also),) = of.sides[0]
    told = [[told[one], {key: value[one] if isinstance(value, Tensor) else value for key, value in also.items()}]]
    return replace(of, sides=(told, of.sides[1]), empty=of.empty[one], seeds=of.seeds[one])


def each(of: Subject) -> list[Subject]:
    """All of its videos, each alone."""
    return [alone(of, row) for row in range(len(of.seeds))]


def shifted(of: Subject, shift: float) -> Subject:
    """The same with another shift of the noise levels."""
    from comfy.model_sampling import ModelSamplingFlux

    model = of.model.clone()
    clock = type(model.get_model_object("model_sampling"))(model.model.model_config)
    clock.set_parameters(shift=math.log(shift) if isinstance(clock, ModelSamplingFlux) else shift)
    model.add_object_patch("model_sampling", clock)
    return replace(of, model=model)


def with_lora(model: Any, name: str) -> Any:
    """The demo's network with one of the bench's LoRAs."""
    import comfy.sd
    import comfy.utils

    weights = comfy.utils.load_torch_file(str(families.HERE / f"{name}.safetensors"))
    return comfy.sd.load_lora_for_models(model, None, weights, 1.0, 0.0)[0]


def _together(conditionings: Sequence[list]) -> list:
    """One conditioning of as many rows."""
    tensors = [conditioning[0][0] for conditioning in conditionings]
    also = {
        key: torch.cat([c[0][1][key] for c in conditionings]) if isinstance(value, Tensor) else value
        for key, value in conditionings[0][0][1].items()
    }
    return [[torch.cat(tensors), also]]


def _noise_by_row(seeds: Sequence[int]) -> Any:
    """Samplers that draw Brownian noise draw each row's by its own seed."""
    import comfy.k_diffusion.sampling as sampling

    drawn = sampling.BrownianTreeNoiseSampler

    def by_row(x: Tensor, *args: Any, seed: Any = None, **kwargs: Any) -> Any:
        return drawn(x, *args, seed=list(seeds), **kwargs)

    return mock.patch.object(sampling, "BrownianTreeNoiseSampler", by_row)


def _gains_by_row() -> Any:
    """The extrapolation's least squares for each row by itself."""

    def dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
        sums = [(x * y).flatten(1).sum(1, dtype=torch.float32) for x, y in zip(a, b, strict=True)]
        return torch.stack([each.view(-1, *(1,) * (x.dim() - 1)) for each, x in zip(sums, a, strict=True)])

    name = next(n for n in sys.modules if n.endswith(f"{host.PACK_NAME}.adacache.sampling.extrapolation"))
    return mock.patch.object(sys.modules[name], "_dot", dot)
