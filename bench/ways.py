"""The ways to save steps that are compared, each with the settings that trace its frontier."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .readings import DeltaDiT, Reading, TGate
from .studio import Studio

OURS = "ours"
PRESETS = ("turbo", "fast", "balanced", "near-lossless")
FLOORS = ("floor: 1e-4 of noise", "floor: another seed")


class Run(NamedTuple):
    """One sampling. `computed` counts evaluations of the network in steps, with fractions for parts of one."""

    frames: np.ndarray
    computed: float
    seconds: float


@dataclass(frozen=True)
class Way:
    """A method with one setting; `method` names the frontier that it is a point of."""

    method: str
    setting: str
    sample: Callable[[Bench, str, int], Run]

    @property
    def name(self) -> str:
        return f"{self.method} {self.setting}".strip()


class Bench:
    """Samples on one sampler and step count."""

    def __init__(self, studio: Studio, steps: int, sampler: str) -> None:
        self.studio, self.steps, self.sampler = studio, steps, sampler

    def run(self, model: Any, prompt: str, seed: int, steps: int = 0, noise: float = 0.0) -> Run:
        """A sampling on a model; counted by its last block, which a call that is answered from a cache leaves out."""
        calls: list[int] = []
        hook = self.studio.network.blocks[-1].register_forward_hook(lambda *_: calls.append(1))
        started = time.perf_counter()
        try:
            sampled = self.studio.sample(model, prompt, seed, steps or self.steps, self.sampler, noise)
        finally:
            hook.remove()
        seconds = time.perf_counter() - started
        return Run(self.studio.frames(sampled), float(len(calls)), seconds)


def ways(steps: int) -> list[Way]:
    """All of them, for a step count."""
    share = [round(steps * part) for part in (1 / 3, 2 / 5, 1 / 2, 2 / 3)]
    found = [Way("fewer steps", f"{n}", _fewer(n)) for n in share]
    found += [Way("every k-th step", f"{k}", _locked(every(steps, k), "paper fast")) for k in (2, 3)]
    found += [Way("EasyCache", f"{t:g}", _host("EasyCache", t)) for t in (0.05, 0.1, 0.2, 0.3)]
    found += [Way("LazyCache", f"{t:g}", _host("LazyCache", t)) for t in (0.1, 0.3)]
    found += [Way("T-GATE", "0.4", _read(lambda steps: TGate(steps, 0.4)))]
    found += [Way("Delta-DiT", "4", _read(lambda steps: DeltaDiT(steps, 4)))]
    fast = (2, 3, 4, 5) if steps < 50 else (2, 3, 3.5, 4, 5)  # 27 and 43 computed of 50 want one in between
    found += [Way("AdaCache fast", f"x{s:g}", _patched("paper fast", s)) for s in fast]
    found += [Way("AdaCache slow", f"x{s:g}", _patched("paper slow", s)) for s in (0.5, 1)]
    found += [Way("AdaCache fast + MoReg", f"x{s:g}", _patched("paper fast", s, moreg=True)) for s in (2, 3, 4)]
    found += [Way("AdaCache slow + MoReg", f"x{s:g}", _patched("paper slow", s, moreg=True)) for s in (0.5, 1)]
    found += [Way(OURS, preset, _patched(preset, 1)) for preset in PRESETS]
    return [*found, Way(FLOORS[0], "", _noisy), Way(FLOORS[1], "", _other_seed)]


def every(steps: int, k: int) -> str:
    """A locked schedule of every k-th step, and the last, as text."""
    chosen = sorted({*range(1, steps + 1, k), steps})
    return f"{steps} steps: {' '.join(map(str, chosen))}"


def _fewer(count: int) -> Callable[[Bench, str, int], Run]:
    return lambda bench, prompt, seed: bench.run(bench.studio.model, prompt, seed, count)


def _patched(preset: str, sensitivity: float, moreg: bool = False) -> Callable[[Bench, str, int], Run]:
    def sample(bench: Bench, prompt: str, seed: int) -> Run:
        more = {}
        if moreg:  # recentred for the demo's network: what is measured differs, and so does its median score
            moreg_settings = {**bench.studio.defaults("AdaCacheMoRegSettings"), "norm": 0.18, "power": 2.0}
            (more["moreg"],) = bench.studio.call("AdaCacheMoRegSettings", **moreg_settings)
        model, _ = bench.studio.cached(preset=preset, sensitivity=float(sensitivity), **more)
        return bench.run(model, prompt, seed)

    return sample


def _locked(text: str, preset: str) -> Callable[[Bench, str, int], Run]:
    def sample(bench: Bench, prompt: str, seed: int) -> Run:
        model, _ = bench.studio.cached(preset=preset, locked_schedule=text)
        return bench.run(model, prompt, seed)

    return sample


def _host(node: str, threshold: float) -> Callable[[Bench, str, int], Run]:
    """The host's own cache at its best."""
    return lambda bench, prompt, seed: bench.run(
        bench.studio.their_cache(node, bench.studio.model, threshold), prompt, seed
    )


def _read(make: Callable[[int], Reading]) -> Callable[[Bench, str, int], Run]:
    def sample(bench: Bench, prompt: str, seed: int) -> Run:
        reading = make(bench.steps)
        with reading.attached(bench.studio.network):
            return bench.run(bench.studio.model, prompt, seed)._replace(computed=reading.computed)

    return sample


def _noisy(bench: Bench, prompt: str, seed: int) -> Run:
    return bench.run(bench.studio.model, prompt, seed, noise=1e-4)


def _other_seed(bench: Bench, prompt: str, seed: int) -> Run:
    return bench.run(bench.studio.model, prompt, seed + 1000)
