"""The rules of other methods, as hooks on a network of blocks: our reading of their papers, not their code.

A rival is attached for one sampling and counts what it computed, in steps: a block that runs adds its share. All
decide once per step for the whole batch. Where a method needs numbers of the model, they come from runs of the same
model, sampler and step count (`Calibration`), so that each is measured at its best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Forward = Callable[..., Any]
Replace = Callable[[nn.Module, Callable[[Forward], Forward]], None]


class Rival:
    """Attributes:
    step: 0-based step that runs.
    computed: network evaluations so far, in steps.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.step = -1
        self.computed = 0.0

    @contextmanager
    def attached(self, network: nn.Module) -> Iterator[Rival]:
        """Hooks for the time of one sampling; the network is as it was afterwards."""
        replaced: list[nn.Module] = []

        def replace(module: nn.Module, wrap: Callable[[Forward], Forward]) -> None:
            module.forward = wrap(module.forward)
            replaced.append(module)

        begin = network.register_forward_pre_hook(lambda *_: self.begin())
        try:
            self.hook(network, replace)
            yield self
        finally:
            begin.remove()
            for module in replaced:
                del module.forward

    def begin(self) -> None:
        """A call of the network: a step, since the batch holds both prompts."""
        self.step += 1

    def hook(self, network: nn.Module, replace: Replace) -> None:
        raise NotImplementedError


# ---- methods that reuse whole steps ----------------------------------------------------------------------------------


class WholeSteps(Rival):
    """Holds what the blocks from `entry` on added, on steps that the rule skips; the last and the first are computed,
    `EARLY` of them: what the authors' Wan versions do, or what is no loss to the method."""

    entry = 0
    EARLY = 5

    def __init__(self, steps: int) -> None:
        super().__init__(steps)
        self.skipping = False
        self.residual: Tensor | None = None
        self._base: Tensor | None = None

    def skips(self, x: Tensor, block: nn.Module, e: Tensor) -> bool:
        """Whether this step is skipped, asked at the input of block `entry`."""
        raise NotImplementedError

    def done(self, residual: Tensor) -> None:
        """A computed step's residual, in the shape of the hidden state."""

    def hook(self, network: nn.Module, replace: Replace) -> None:
        blocks = list(network.blocks)
        for number, block in enumerate(blocks):
            replace(block, lambda forward, n=number, b=block: self._wrap(forward, n, b, len(blocks)))

    def _wrap(self, forward: Forward, number: int, block: nn.Module, count: int) -> Forward:
        def call(x: Tensor, *args: Any, e: Tensor, **kwargs: Any) -> Tensor:
            if number == self.entry:
                wanted = self.skips(x, block, e)
                ends = self.step < self.EARLY or self.step == self.steps - 1
                self.skipping = wanted and not ends and self.residual is not None
                if self.skipping:
                    return x + self.residual
                self._base = x.clone()
            elif self.skipping and number > self.entry:
                return x
            before = x.clone() if number < self.entry else None
            out = forward(x, *args, e=e, **kwargs)
            self.computed += 1 / count
            if before is not None:
                self.seen(out - before)
            if number == count - 1:
                self.residual = out - self._base
                self.done(self.residual)
            return out

        return call

    def seen(self, residual: Tensor) -> None:
        """What a block before `entry` added."""


class TeaCache(WholeSteps):
    """Adds up the change of the first block's modulated input, made a change of the output by a fitted polynomial,
    and computes once the sum reaches the threshold (arXiv 2411.19108)."""

    def __init__(self, steps: int, threshold: float, calibration: Calibration) -> None:
        super().__init__(steps)
        self.threshold = threshold
        self.curve = calibration.curve
        self.total = 0.0
        self._last: Tensor | None = None

    def skips(self, x: Tensor, block: nn.Module, e: Tensor) -> bool:
        now = modulated(x, block, e)
        change, self._last = relative(now, self._last), now
        self.total += float(self.curve(change)) if change is not None else 0.0
        if self.step < self.EARLY or self.step == self.steps - 1 or self.total >= self.threshold:
            self.total = 0.0
            return False
        return True


class MagCache(WholeSteps):
    """Follows how the residual's magnitude goes down, as calibrated, and computes once the error that this predicts
    reaches the threshold, or after `most` skips (arXiv 2506.09045); the first fifth is computed."""

    def __init__(self, steps: int, threshold: float, calibration: Calibration, most: int = 4) -> None:
        super().__init__(steps)
        self.threshold, self.most, self.ratios = threshold, most, calibration.ratios
        self._reset()

    def _reset(self) -> None:
        self.ratio, self.error, self.skipped = 1.0, 0.0, 0

    def skips(self, x: Tensor, block: nn.Module, e: Tensor) -> bool:
        if self.step < round(0.2 * self.steps):
            return False
        self.ratio *= self.ratios[self.step]
        self.error += abs(1 - self.ratio)
        self.skipped += 1
        if self.error < self.threshold and self.skipped <= self.most:
            return True
        self._reset()
        return False


class FirstBlock(WholeSteps):
    """Runs the first block, and the others only when what it added changed by the threshold since they last ran
    (ParaAttention's First Block Cache)."""

    entry = 1

    def __init__(self, steps: int, threshold: float) -> None:
        super().__init__(steps)
        self.threshold = threshold
        self._now: Tensor | None = None
        self._then: Tensor | None = None

    def seen(self, residual: Tensor) -> None:
        self._now = residual

    def skips(self, x: Tensor, block: nn.Module, e: Tensor) -> bool:
        change = relative(self._now, self._then)
        if self.step >= self.EARLY and change is not None and change < self.threshold:
            return True
        self._then = self._now
        return False


# ---- methods that reuse parts of a step ------------------------------------------------------------------------------


class Parts(Rival):
    """Reuses the outputs of attention and feed-forward layers; `reuses` says which, by kind and step."""

    KINDS = ("self_attn", "cross_attn", "ffn")

    def hook(self, network: nn.Module, replace: Replace) -> None:
        costs = part_costs(network)
        self.held: dict[tuple[int, str], Tensor] = {}
        blocks = list(network.blocks)
        for number, block in enumerate(blocks):
            for kind in self.KINDS:
                cost = costs[kind] / len(blocks)
                replace(getattr(block, kind), lambda forward, k=(number, kind), c=cost: self._wrap(forward, k, c))

    def _wrap(self, forward: Forward, key: tuple[int, str], cost: float) -> Forward:
        def call(*args: Any, **kwargs: Any) -> Tensor:
            if key in self.held and self.reuses(key[1]):
                return self.held[key]
            self.held[key] = forward(*args, **kwargs)
            self.computed += cost
            return self.held[key]

        return call

    def reuses(self, kind: str) -> bool:
        raise NotImplementedError


class PAB(Parts):
    """Pyramid Attention Broadcast (arXiv 2408.12588): in the middle of the sampling, 7 to 55 % of the way, attention
    outputs are broadcast over a range of steps, cross-attention over a wider one than self-attention."""

    def __init__(self, steps: int, own: int, cross: int) -> None:
        super().__init__(steps)
        self.ranges = {"self_attn": own, "cross_attn": cross, "ffn": 1}

    def reuses(self, kind: str) -> bool:
        inside = 0.07 * self.steps <= self.step <= 0.55 * self.steps
        return inside and self.step % self.ranges[kind] != 0


class TGate(Parts):
    """T-GATE (arXiv 2404.02747): self-attention is reused every other step up to the gate, cross-attention for good
    behind it. The unconditional branch is kept, since dropping it changes the guidance and not the cache."""

    def __init__(self, steps: int, gate: float) -> None:
        super().__init__(steps)
        self.gate = gate * steps

    def reuses(self, kind: str) -> bool:
        if self.step < self.gate:
            return kind == "self_attn" and self.step >= 2 and self.step % 2 == 1
        return kind == "cross_attn"


class DeltaDiT(Rival):
    """Delta-DiT (arXiv 2406.01125): what a half of the blocks adds is reused, the back half up to the gate and the
    front half behind it, and computed every `interval` steps."""

    def __init__(self, steps: int, interval: int, gate: float = 0.8) -> None:
        super().__init__(steps)
        self.interval, self.gate = interval, gate * steps
        self.held: dict[str, Tensor] = {}
        self._base: Tensor | None = None

    def hook(self, network: nn.Module, replace: Replace) -> None:
        blocks = list(network.blocks)
        half = len(blocks) // 2
        for number, block in enumerate(blocks):
            side = "front" if number < half else "back"
            first, last = (0, half - 1) if side == "front" else (half, len(blocks) - 1)
            ends = (number == first, number == last)
            replace(block, lambda forward, s=side, b=ends: self._wrap(forward, s, b, len(blocks)))

    def _wrap(self, forward: Forward, side: str, ends: tuple[bool, bool], count: int) -> Forward:
        def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            resting = "back" if self.step < self.gate else "front"
            if side == resting and side in self.held and self.step >= 2 and self.step % self.interval:
                return x + self.held[side] if ends[0] else x
            if ends[0]:
                self._base = x.clone()
            out = forward(x, *args, **kwargs)
            self.computed += 1 / count
            if ends[1]:
                self.held[side] = out - self._base
            return out

        return call


# ---- what is measured on the model beforehand ------------------------------------------------------------------------


@dataclass
class Calibration:
    """Of uncached runs of one model, sampler and step count.

    Attributes:
        curve: change of the residual for a change of the modulated input; TeaCache's polynomial of degree 4.
        ratios: by step, mean magnitude of the residual over that of the step before; MagCache's.
    """

    curve: Callable[[float], float]
    ratios: list[float]

    @classmethod
    def of(cls, watched: list[Watch]) -> Calibration:
        """From one or more uncached runs."""
        inputs = [change for watch in watched for change in watch.inputs]
        outputs = [change for watch in watched for change in watch.outputs]
        ratios = np.mean([watch.ratios for watch in watched], axis=0)
        return cls(np.poly1d(np.polyfit(inputs, outputs, 4)), [1.0, *ratios.tolist()])


@dataclass(eq=False)
class Watch(WholeSteps):
    """Computes every step and keeps the changes that methods are calibrated on."""

    steps: int
    inputs: list[float] = field(default_factory=list)
    outputs: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.steps)
        self._input: Tensor | None = None
        self._output: Tensor | None = None

    def skips(self, x: Tensor, block: nn.Module, e: Tensor) -> bool:
        now = modulated(x, block, e)
        if self._input is not None:
            self.inputs.append(relative(now, self._input))
        self._input = now
        return False

    def done(self, residual: Tensor) -> None:
        if self._output is not None:
            self.outputs.append(relative(residual, self._output))
            self.ratios.append(float((residual.norm(dim=-1) / self._output.norm(dim=-1)).mean()))
        self._output = residual


def modulated(x: Tensor, block: nn.Module, e: Tensor) -> Tensor:
    """The first block's input to self-attention, as the timestep scales and shifts it."""
    shift, scale = (block.modulation + e).unbind(-2)[:2]
    if e.ndim < 4:  # one timestep for the whole video: the same for every token
        shift, scale = shift.unsqueeze(1), scale.unsqueeze(1)
    return torch.addcmul(shift, block.norm1(x), 1 + scale)


def relative(new: Tensor, old: Tensor | None) -> float | None:
    """|new - old| / |old| in L1; None without an old one."""
    return None if old is None else float((new - old).abs().mean() / old.abs().mean())


def part_costs(network: nn.Module, tokens: int = 576, words: int = 32) -> dict[str, float]:
    """What share of a block's multiplications each part takes, for the demo's video."""
    block = network.blocks[0]
    width, inner = block.dim, block.ffn_dim
    costs = {
        "self_attn": 4 * tokens * width**2 + 2 * tokens**2 * width,
        "cross_attn": 2 * tokens * width**2 + 2 * words * width**2 + 2 * tokens * words * width,
        "ffn": 2 * tokens * width * inner,
    }
    return {kind: cost / sum(costs.values()) for kind, cost in costs.items()}
