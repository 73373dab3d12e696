"""One training run of given seconds: optimisers, schedule, averaged weights; a CUDA graph where there is a GPU.

The schedule follows the clock, not a count of steps, so a run ends in time on any machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from demo.train.muon import Muon

LOG_SECONDS, SAVE_SECONDS = 10, 30
WARM_SHARE = 0.02  # of the time, in which the rate rises
SHARES = (1.0, 0.2, 2.0)  # of the rate: most parameters, the wide ones, Muon's matrices
GRADIENT_NORM = 1.0
MOST_AVERAGED = 0.998  # of the old average, kept at a step


class Run:
    """A network, what it loses on a batch of its own making, and its optimisers.

    `matrices` are the parameters that Muon moves, `wide` those that learn at a fifth of the rate, `compiled` the
    modules for torch.compile; `around` makes a context for loss and gradients.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_of: Callable[[], torch.Tensor],
        rate: float,
        matrices: Iterable[torch.Tensor] = (),
        wide: Iterable[torch.Tensor] = (),
        compiled: Iterable[nn.Module] = (),
        around: Callable[[], AbstractContextManager] = nullcontext,
    ) -> None:
        self.model, self.loss_of, self.rate = model, loss_of, rate
        self.compiled, self.around = list(compiled), around
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        where = parameters[0].device
        matrices, wide = list(matrices), list(wide)
        special = {id(parameter) for parameter in matrices + wide}
        rest = [parameter for parameter in parameters if id(parameter) not in special]
        self.rates = [torch.tensor(0.0, device=where) for _ in SHARES]  # tensors, for the graph
        groups = [{"params": rest, "lr": self.rates[0]}] + [{"params": wide, "lr": self.rates[1]}] * bool(wide)
        on_gpu = where.type == "cuda"
        adam = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01, fused=True, capturable=on_gpu)
        self.optimisers = [adam] + ([Muon(matrices, self.rates[2])] if matrices else [])
        self.parameters = parameters
        self.average = [parameter.detach().clone() for parameter in parameters]
        self.keep = torch.tensor(0.0, device=where)
        self.loss = torch.zeros((), device=where)

    def step(self) -> None:
        """One batch."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        with self.around():
            loss = self.loss_of()
            loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, GRADIENT_NORM, foreach=True)
        for optimiser in self.optimisers:
            optimiser.step()
        with torch.no_grad():
            torch._foreach_mul_(self.average, self.keep)
            torch._foreach_add_(self.average, torch._foreach_mul(self.parameters, 1 - self.keep))
            self.loss.lerp_(loss.detach().float(), 1 - self.keep)

    def train(self, seconds: float, save: Callable[[dict[str, torch.Tensor]], None]) -> None:
        """Trains for so many seconds, saving the averaged weights on the way and at the end."""
        began = time.monotonic()
        step = self._quickest() if self.keep.is_cuda else self.step
        warm = time.monotonic() - began
        logged = saved = warm
        steps, now = 0, warm
        print(f"ready after {warm:.1f} s", flush=True)
        while now < seconds:
            self._schedule((now - warm) / (seconds - warm), steps)
            step()
            steps += 1
            if self.keep.is_cuda and steps % 10 == 0:
                torch.cuda.synchronize()
            now = time.monotonic() - began
            if now - logged > LOG_SECONDS:
                print(f"{now:.0f}/{seconds:.0f} s  step {steps}  loss {self.loss.item():.4f}", flush=True)
                logged = now
            if now - saved > SAVE_SECONDS:
                save(self.averaged())
                saved = now
        print(f"{steps} steps in {now - warm:.0f} s  loss {self.loss.item():.4f}", flush=True)
        save(self.averaged())

    def averaged(self) -> dict[str, torch.Tensor]:
        """The state with averaged weights."""
        state = dict(self.model.state_dict())
        names = [name for name, parameter in self.model.named_parameters() if parameter.requires_grad]
        return state | dict(zip(names, self.average, strict=True))

    def _schedule(self, part: float, steps: int) -> None:
        """Rates and average for a moment of the run, 0 to 1."""
        scale = min(1.0, part / WARM_SHARE + 0.001) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, part))))
        for rate, share in zip(self.rates, SHARES, strict=True):
            rate.fill_(self.rate * scale * share)
        self.keep.fill_(min(MOST_AVERAGED, (1 + steps) / (20 + steps)))  # a young average forgets its start

    def _quickest(self) -> Callable[[], None]:
        """The step with compiled blocks, and as one CUDA graph, each where it works."""
        for module in self.compiled:
            module.compile()
        try:
            self._warm_up()
        except Exception as error:
            print(f"not compiled: {type(error).__name__}: {error}", flush=True)
            for module in self.compiled:
                module._compiled_call_impl = None
            self._warm_up()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self.step()
        except Exception as error:
            print(f"no graph: {type(error).__name__}: {error}", flush=True)
            torch.cuda.synchronize()
            return self.step
        return graph.replay

    def _warm_up(self) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()


def hidden_matrices(blocks: nn.Module) -> list[torch.Tensor]:
    """The weights of the linear layers within a network's blocks: what Muon is for."""
    return [layer.weight for layer in blocks.modules() if isinstance(layer, nn.Linear)]
