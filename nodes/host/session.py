"""One sampling: its Run, and what the wrappers need to find again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple
from uuid import uuid4

from torch import Tensor, device

from ...adacache import Run, RunInfo, Settings, Trace
from ...adacache.sampling.cache import Parts, StreamKey
from ...adacache.sampling.evaluation import Evaluation
from ...adacache.sampling.sampler import Sampler
from ...adacache.sampling.workers import Workers
from ..server import comfy_server
from ..server.events import Feed
from . import compat, samplers
from .call_count import CallCount
from .guard import Guard
from .other_caches import packs_on, replaced
from .stream_keys import network_state
from .trunk.families.table import Family, family_of

REUSES, COMPUTES, REFUSES = range(3)
"""What a worker is about to do; the highest counts for all."""


class Caching(NamedTuple):
    """What a patched MODEL carries: how it caches, its name, and what tells of a run by its id."""

    settings: Settings
    handle: str
    tell: Callable[[str], Feed] = Feed

    def info(self, family: str, shape: Sequence[int] = (), sampler: str = "", workers: int = 1) -> RunInfo:
        """What a run that begins now is of."""
        prompt_id, node_id = comfy_server.executing()
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return RunInfo(family, tuple(shape), sampler, uuid4().hex, self.handle, prompt_id, node_id, started, workers)

    def stepless(self, family: str, why: str) -> Trace:
        """The trace of a run without a step, that says why."""
        return Trace(self.info(family), 1, self.settings.as_json(), "", note=why)


@dataclass(eq=False)
class Session:
    """One sampling: its Run, and what the wrappers need to find again.

    The host copies option dictionaries deeply in places; a Session stays one and the same.

    Attributes:
        family: how the network's trunk is hooked, for the paper's presets; None where answers are reused.
        window: highest and lowest noise level of the start and end percent.
        sigmas: the sampler's noise levels where it evaluates the network once at each of them, else none.
        holds_denoised: keep the denoised latent of an evaluation, held, in place of the network's answer, extrapolated:
            where the sampler adds noise, an answer to the latent before it would take the noise for the video's.
        latent_shapes: where several latents are packed into one, such as video and sound: the shape of each.
        workers: the processes that sample the video together, if there are several; None, too, once all have given up.
        probed: what each stream of a hooked trunk is measured on.
    """

    guard: Guard
    run: Run
    calls: CallCount
    feed: Feed
    family: Family | None
    window: tuple[float, float]
    sigmas: Sequence[float] = ()
    holds_denoised: bool = False
    latent_shapes: Sequence[Sequence[int]] = ()
    workers: Workers | None = None
    probed: dict[StreamKey, str] = field(default_factory=dict)
    evaluation: Evaluation | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Session:
        return self

    def tell(self) -> None:
        """The run begins. Who hears of it may have a reason not to cache."""
        if why := self.feed.opened(self.run.trace):
            self.run.refuse(why)

    def agreed(self, reuses: bool, where: device, failed: bool = False) -> bool:
        """Whether the workers reuse: all of them, or none. Where one has given up caching, all do.

        Args:
            reuses: whether this one can.
            where: a device that workers can send from.
            failed: this one is about to give up.
        """
        if (workers := self.workers) is None:
            return reuses
        highest = workers.highest(REFUSES if failed or self.run.refused else COMPUTES - reuses, where)
        if highest == REFUSES:
            self.workers = None  # all know
            if not failed:
                self.run.refuse("another of the workers cannot cache")
        return highest == REUSES

    def begin(self, guider: Any, x: Tensor, timestep: Tensor, model_options: dict[str, Any]) -> None:
        """An evaluation begins. Its noise level is not read from the device where the sampler's list tells it."""
        step = self.run.steps_begun
        told = x.device.type != "cpu" and step < len(self.sigmas)
        sigma = self.sigmas[step] if told else float(timestep.max())
        conds = getattr(guider, "conds", {}).values()
        network = network_state(conds, sigma, timestep, guider.inner_model, model_options)
        with compat.lasting_memory():
            allowed = self.window[1] <= sigma <= self.window[0]
            self.evaluation = self.run.begin(sigma, allowed, x.device, network)
        self.evaluation.level = timestep.max() if told else None

    def finish(self, x: Tensor, denoised: Tensor, model_options: dict[str, Any]) -> Tensor:
        """The evaluation is done: what the sampler goes on with, which is the result with the engine's correction."""
        if not (self.current.calls or self.run.refused):
            self.refuse_answer(model_options)
        if self.current.decision.compute:
            self.agreed(False, x.device)  # before all read what was measured
        with compat.lasting_memory():
            try:
                return self.run.corrected(self.current, x, denoised)
            finally:
                self.run.finish(self.current)

    @property
    def current(self) -> Evaluation:
        """The evaluation that runs; there must be one."""
        if self.evaluation is None:
            raise RuntimeError("no evaluation runs")
        return self.evaluation

    def close(self, end: str, detail: str = "") -> None:
        """Free what is cached and publish the trace."""
        self.run.close(end, detail)
        self.feed.closed(self.run.trace)

    @property
    def caches(self) -> bool:
        """Whether what runs now may be cached."""
        return self.evaluation is not None and not self.run.refused and not self.guard.failure

    def on_trunk(self, network: Any, transformer_options: dict[str, Any]) -> Family | None:
        """How the blocks are hooked, where the trunk's residual is reused: for the paper's presets, if they can be."""
        hooked = self.family is not None and not compat.compiled_whole(network, transformer_options)
        return self.family if hooked else None

    def on_answers(self, network: Any, transformer_options: dict[str, Any]) -> bool:
        """Whether answers are reused in what runs now, or other workers ask whether they are."""
        runs = self.caches or (self.evaluation is not None and self.workers is not None)
        return runs and self.on_trunk(network, transformer_options) is None

    def refuse_strangers(self) -> None:
        """Give up caching where something else was seen in place of the network's blocks, such as another cache."""
        if self.calls.stranger:
            self.run.refuse(f"{self.calls.stranger} runs in place of the network's blocks; remove one of the two")

    def refuse_answer(self, model_options: dict[str, Any]) -> None:
        """Give up caching: something else answered in place of the network. It is named where it can be told."""
        if names := packs_on(model_options):
            self.run.refuse(f"another node answered in place of the network, perhaps of {names}")
        else:
            self.run.refuse("another node answered in place of the network")

    def parts(self, latent: Tensor) -> Parts:
        """A latent as views of those that are packed into it, the video first."""
        sizes = [math.prod(shape[1:]) for shape in self.latent_shapes]
        if len(sizes) < 2 or latent.ndim != 3 or latent.shape[-1] != sum(sizes):
            return (latent,)
        flat = latent.flatten(1).split(sizes, 1)
        return tuple(part.unflatten(1, tuple(s[1:])) for part, s in zip(flat, self.latent_shapes, strict=True))


def open_session(
    guard: Guard,
    caching: Caching,
    workers: Workers | None,
    guider: Any,
    latent_image: Tensor,
    sampler: Any,
    sigmas: Tensor,
    latent_shapes: Sequence[Sequence[int]] | None = None,
) -> Session:
    """A fresh run for one call of the sampler; refused at once where it is known that it cannot be cached."""
    settings, patcher, model = caching.settings, guider.model_patcher, guider.model_patcher.model
    family = family_of(model.diffusion_model) if settings.reuses == "trunk" else None
    name = family.name if family else type(model).__name__
    shape, count = getattr(latent_image, "shape", ()), workers.count if workers else 1
    info = caching.info(name, shape, samplers.sampler_name(sampler), count)
    feed = caching.tell(info.run_id) if workers is None or workers.is_first else Feed("")
    levels = samplers.levels(sampler, sigmas.tolist())
    told = Sampler(
        samplers.evaluations_per_step(info.sampler),
        levels if samplers.is_correctable(info.sampler) else None,
        samplers.sums_history(info.sampler),
        compat.highest_sigma(patcher),
        (compat.percent_at(patcher, levels[0]), compat.percent_at(patcher, levels[-1])),
    )
    run = Run(settings, max(0, len(levels) - 1) or 1, info, told, compat.free_bytes, feed.step, workers)
    noisy = samplers.adds_noise(sampler)
    options = guider.model_options.get("transformer_options", {})
    other = compat.other_cache(options)
    if other:
        run.refuse(f"{other} is on the same model; remove one of the two")
    elif left := replaced(model.diffusion_model):
        run.refuse(f"{left} has put its own code in place of the network's, and left it there; restart ComfyUI")
    elif compat.is_pipeline(patcher):
        run.refuse("PipeFusion keeps activations from step to step itself")
    elif family is not None and compat.splits_prompts():
        run.refuse("with CFG parallelism a GPU has one of the prompts, and the presets as published need all of them")
    elif samplers.is_irregular(info.sampler):
        run.refuse(f"the sampler {info.sampler} evaluates the network a varying number of times per step")
    elif "ar_state" in options:
        run.refuse("the network makes its video frame by frame, with a memory of its own")
    elif compat.is_training():
        run.refuse("the model is being trained")
    elif family is None and not noisy and not compat.is_affine(patcher, levels[0]):
        run.refuse("this model's sampling makes more of the network's answer than can be undone")
    guard.give_up = run.refuse
    return Session(
        guard,
        run,
        CallCount(guard, model.diffusion_model),
        feed,
        family,
        compat.sigma_window(patcher, settings.start, settings.end),
        levels if samplers.keeps_to_its_levels(sampler) else (),
        noisy,
        latent_shapes or (),
        workers,
    )


def open_without(caching: Caching, error: Exception) -> Callable[[str, str], None]:
    """Tell of a run that could not begin, while it is sampled without us. Gives what closes it."""
    trace = caching.stepless("", f"caching failed: it could not start: {type(error).__name__}: {error}")
    feed = Feed(trace.info.run_id)
    feed.opened(trace)

    def close(end: str, detail: str) -> None:
        trace.end, trace.end_detail = end, detail
        feed.closed(trace)

    return close
