"""AdaCache on any DiT: run a list of blocks, or reuse what they added."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from torch import Tensor, nn

from .evaluation import Evaluation
from .measures import FrameGrid

Probe = Callable[[nn.Module, Tensor, Tensor], Tensor]


def block_residual(block: nn.Module, before: Tensor, after: Tensor) -> Tensor:
    """The default probe: all that the middle block added."""
    return after - before


def run_blocks(
    evaluation: Evaluation,
    blocks: Sequence[nn.Module],
    x: Tensor,
    *args: Any,
    key: Hashable = "",
    grid: FrameGrid | None = None,
    probe: Probe = block_residual,
    **kwargs: Any,
) -> Tensor:
    """Run `x = block(x, *args, **kwargs)` over the blocks, or return x plus the residual of the last computed run.

        for sigma in sigmas:
            with run.evaluation(sigma) as evaluation:
                x = run_blocks(evaluation, model.blocks, embed(latent, sigma), condition)
            latent = step(latent, head(x, sigma))

    Args:
        x: hidden state of shape (rows, tokens, channels).
        key: tells the streams of an evaluation apart, such as cond and uncond when they run one after the other.
        grid: where the video's frames are in the token sequence, for MoReg.
        probe: called with the middle block, its input and its output; returns what the distance is taken of,
            a tensor that nobody else keeps or writes.
    """
    call = evaluation.trunk([key], grid)
    call.enter(x)
    if not call.compute:
        return call.reuse(x)[0]
    middle = len(blocks) // 2
    for index, block in enumerate(blocks):
        # A copy, for blocks that write into their input.
        before = x.clone() if index == middle else x
        x = block(x, *args, **kwargs)
        if index == middle:
            call.measure(probe(block, before, x))
    call.leave(x)
    call.commit()
    return x
