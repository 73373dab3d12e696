"""Blocks with sums that can be done in the head, and one sampling over them; shared by the engine's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
import torch
from torch import Tensor, nn

from adacache import Run, run_blocks

State = Tensor | Callable[[int], Tensor]


class Doubling(nn.Module):
    """x -> 2x; counts its calls."""

    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return 2 * x


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Tensors here are tiny: more threads only wait for each other, most of all beside other work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def doubling() -> list[Doubling]:
    """Two doubling blocks: 10 becomes 40, so R is 30, and reusing it on 11 gives 41."""
    return [Doubling(), Doubling()]


@pytest.fixture
def tens() -> Tensor:
    """One row, three tokens, two channels of 10."""
    return torch.full((1, 3, 2), 10.0)


@pytest.fixture
def sample() -> Callable[..., list[Tensor]]:
    """A function: call the blocks once per sigma with a hidden state, or what gives it for a 1-based step."""

    def run_all(run: Run, blocks: Sequence[nn.Module], x: State, sigmas: Sequence[float] | None = None) -> list[Tensor]:
        steps, outputs = run.trace.steps, []
        for step, sigma in enumerate(sigmas or [(steps - i) / steps for i in range(steps)], 1):
            with run.evaluation(sigma) as evaluation:
                outputs.append(run_blocks(evaluation, blocks, x(step) if callable(x) else x))
        return outputs

    return run_all
