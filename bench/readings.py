"""Methods whose code could not be had, as hooks on a network of blocks: our reading of their papers.

A reading is attached for one sampling and counts what it computed, in steps: a block that runs adds its share. All
decide once per step for the whole batch. Methods whose code can be had are in rivals.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

Forward = Callable[..., Any]
Replace = Callable[[nn.Module, Callable[[Forward], Forward]], None]


class Reading:
    """Attributes:
    step: 0-based step that runs.
    computed: network evaluations so far, in steps.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.step = -1
        self.computed = 0.0

    @contextmanager
    def attached(self, network: nn.Module) -> Iterator[Reading]:
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


class Parts(Reading):
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


class DeltaDiT(Reading):
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
