"""Hearing what a block's self-attention gives, compiled or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..guard import Guard, HostCall


class _Heard(BaseException):
    """Ends a second run of a block once its attention was heard; no error, so that nobody takes it for one."""


class Ear:
    """Hears the output of a block's self-attention.

    Attributes:
        block: the block, as it was before it was compiled.
        heard: the output, once it ran.
    """

    def __init__(self, block: nn.Module, attention: str, guard: Guard) -> None:
        self._guard = guard
        self.block = getattr(block, "_orig_mod", block)
        self.heard: Tensor | None = None
        self._attention = getattr(self.block, attention, None)
        self._compiled = self.block is not block or getattr(block, "_compiled_call_impl", None) is not None

    @contextmanager
    def listening(self) -> Iterator[Ear]:
        """Hear the block as it runs; a compiled one must not see us, and is heard by `attend`."""
        if self._compiled or self._attention is None:
            yield self
            return
        handle = self._attention.register_forward_hook(self._guard.around(self._hear, _unchanged))
        try:
            yield self
        finally:
            handle.remove()

    def attend(self, run: Callable[[], Any]) -> None:
        """Nothing can be heard inside a compiled block: start it once more, uncompiled, up to its attention.

        So decisions are those of a network that is not compiled, and the compiled block runs as it would without us.
        """
        uncompiled = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
        if not self._compiled or self._attention is None or uncompiled is None:
            return
        handle = self._attention.register_forward_hook(self._guard.around(self._hear_and_stop, _unchanged))
        try:
            with uncompiled("force_eager"):
                run()
        except _Heard:
            pass
        finally:
            handle.remove()

    def _hear(self, host: HostCall, module: nn.Module, args: Any, output: Tensor) -> None:
        self.heard = output

    def _hear_and_stop(self, host: HostCall, module: nn.Module, args: Any, output: Tensor) -> None:
        self.heard = output
        raise _Heard


def _unchanged(module: nn.Module, args: Any, output: Tensor) -> None:
    """What a hook gives that leaves the output as it is."""
