"""Captures the output of a block's self-attention, whether the block is compiled or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..guard import Guard, HostCall


class _Captured(BaseException):
    """Ends the second run of a compiled block once its attention has run; no error, so nobody takes it for one."""


class AttentionProbe:
    """A forward hook on the self-attention of one block.

    Attributes:
        block: the block, as it was before it was compiled.
        output: what its attention returned; None where it has not run, or cannot be hooked.
    """

    def __init__(self, block: nn.Module, attention: str, guard: Guard) -> None:
        self._guard = guard
        self.block = getattr(block, "_orig_mod", block)
        self.output: Tensor | None = None
        self._attention = getattr(self.block, attention, None)
        self._compiled = self.block is not block or getattr(block, "_compiled_call_impl", None) is not None

    @contextmanager
    def attached(self, stops: bool = False) -> Iterator[AttentionProbe]:
        """Capture what runs in here; a compiled block must not see the hook, see `run_uncompiled`."""
        if self._attention is None or (self._compiled and not stops):
            yield self
            return

        def capture(host: HostCall, module: nn.Module, args: Any, output: Tensor) -> None:
            self.output = output
            if stops:
                raise _Captured

        handle = self._attention.register_forward_hook(self._guard.around(capture, lambda *_: None))
        try:
            yield self
        except _Captured:
            pass
        finally:
            handle.remove()

    def run_uncompiled(self, run: Callable[[], Any]) -> None:
        """Run a compiled block once more, uncompiled, up to its attention.

        So decisions are those of a network that is not compiled, and the compiled block runs as it would without us.
        """
        stance = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
        if self._compiled and self._attention is not None and stance is not None:
            with self.attached(stops=True), stance("force_eager"):
                run()
