"""The block hooks of one network call: capture what the trunk adds, or add it without running the trunk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from ...adacache.evaluation import Call
from .families import Family

log = logging.getLogger("adacache")

Patch = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


class TrunkHooks:
    """Hooks for every block of a network, through the host's `patches_replace["dit"]`, for one call only.

    A patch that another node put on a block runs as that block. A reused call returns each block's input
    unchanged, and from the last block the trunk's input plus the cached residual.

    Should anything of ours fail (memory, most likely), the blocks run as if we were not there, and `error` says why.
    """

    def __init__(self, family: Family, network: nn.Module, call: Call) -> None:
        self.family = family
        self.call = call
        self.probed = ""
        self.error = ""
        self._blocks = getattr(network, family.blocks)
        self._middle = len(self._blocks) // 2
        self._reused: Tensor | None = None
        self._attention: Tensor | None = None
        self._entered = 0
        self._left = 0

    @property
    def complete(self) -> bool:
        """Whether the first and the last block ran exactly once, and the trunk gave back what it was given."""
        return self._entered == 1 and self._left == 1

    @property
    def silent(self) -> bool:
        """Whether no block asked us."""
        return self._entered == 0 and self._left == 0

    def install(self, transformer_options: dict[str, Any]) -> dict[str, Any]:
        """A copy of the options with our hooks over whatever patches are there."""
        replaced = transformer_options.get("patches_replace", {})
        patches = dict(replaced.get("dit", {}))
        for index in range(len(self._blocks)):
            place = (self.family.kind, index)
            patches[place] = self._hook(index, patches.get(place) or _run_block)
        return {**transformer_options, "patches_replace": {**replaced, "dit": patches}}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catch the middle block's attention output while the call runs."""
        attention = getattr(self._blocks[self._middle], self.family.attention, None)
        handle = attention.register_forward_hook(self._heard) if attention is not None else None
        try:
            yield
        finally:
            if handle is not None:
                handle.remove()

    def _heard(self, module: nn.Module, args: Any, output: Tensor) -> None:
        self._attention = output

    def keep(self) -> None:
        """Keep what the call captured, once it has returned."""
        self._safely(self.call.commit)

    def _hook(self, index: int, inner: Patch) -> Patch:
        last = index == len(self._blocks) - 1

        def block(args: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
            if index == 0:
                self._entered += 1
                self._safely(lambda: self._enter(args["img"]))
            if self._reused is not None:
                self._left += last
                return {"img": self._reused if last else args["img"]}
            self._attention = None
            out = inner(args, extra)
            if index == self._middle:
                self._safely(lambda: self._measure(index, args, out["img"]))
            if last:
                self._safely(lambda: self._leave(out["img"]))
            return out

        return block

    def _safely(self, ours: Callable[[], None]) -> None:
        """Do something of ours, never the host's, unless something of ours failed before."""
        if self.error:
            return
        try:
            ours()
        except Exception as error:
            log.exception("AdaCache failed; the run goes on without it")
            self.error = f"{type(error).__name__}: {error}"

    def _enter(self, x: Tensor) -> None:
        # A reused output is made here already: if there is no memory for it, the blocks can still run.
        self.call.enter(x)
        if not self.call.compute:
            (self._reused,) = self.call.reuse(x)

    def _leave(self, out: Tensor) -> None:
        self._left += self.call.leave(out)

    def _measure(self, index: int, args: dict[str, Any], out: Tensor) -> None:
        """The gated attention residual, or all that the block added where attention was not heard."""
        attention, self._attention = self._attention, None
        probe = None if attention is None else self._gated(self._blocks[index], args, attention)
        self.probed = f"{'block' if probe is None else 'attention'} residual of block {index + 1}"
        self.call.measure(out - args["img"] if probe is None else probe)

    def _gated(self, block: nn.Module, args: dict[str, Any], attention: Tensor) -> Tensor | None:
        try:
            return self.family.gate(block, args, attention)
        except (AttributeError, IndexError, KeyError, RuntimeError):
            # The measure reads a block's insides, which a later host may name otherwise; the run must not notice.
            return None


def _run_block(args: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    return extra["original_block"](args)
