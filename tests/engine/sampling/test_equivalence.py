"""One residual for the whole trunk against two per block, as published: same schedule, same video."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from reference import MotionRule, ReferenceSchedule
from torch import Tensor, nn

from adacache import PUBLISHED, Codebook, FrameGrid, MoRegSettings, Run, Settings, run_blocks

STEPS, BLOCKS, WIDTH = 30, 6, 8
GRID = FrameGrid(frames=4, tokens=5)


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    return (queries @ keys.transpose(1, 2) / math.sqrt(queries.shape[2])).softmax(2) @ values


class Block(nn.Module):
    """Gated self-attention, cross-attention without a gate, gated MLP; the gates depend on time."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH, elementwise_affine=False)
        self.modulation = nn.Linear(WIDTH, 4 * WIDTH)
        self.qkv, self.query = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.key_value = nn.Linear(WIDTH, 2 * WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def attention_residual(self, x: Tensor, time: Tensor) -> Tensor:
        shift, gate = self.modulation(time).chunk(4, -1)[:2]
        return gate * attend(*self.qkv(self.norm(x) + shift).chunk(3, -1))

    def cross_and_mlp_residual(self, x: Tensor, text: Tensor, time: Tensor) -> Tensor:
        shift, gate = self.modulation(time).chunk(4, -1)[2:]
        cross = attend(self.query(self.norm(x)), *self.key_value(text).chunk(2, -1))
        return cross + gate * self.mlp(self.norm(x + cross) + shift)

    def forward(self, x: Tensor, text: Tensor, time: Tensor) -> Tensor:
        self.gated = self.attention_residual(x, time)
        x = x + self.gated
        return x + self.cross_and_mlp_residual(x, text, time)


class Network(nn.Module):
    """A small DiT over (2, tokens, channels) with conditions of cond and uncond."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.embed, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.text = nn.Parameter(torch.randn(2, 3, WIDTH))
        self.double()
        for block in self.blocks:
            # Sharp attention, or all tokens would get nearly the same and the video would stand still.
            block.qkv.weight.data *= 3

    @property
    def middle(self) -> int:
        return len(self.blocks) // 2

    def time(self, sigma: float) -> Tensor:
        return (sigma * torch.arange(1, WIDTH + 1, dtype=torch.float64) / 2).cos()


Trunk = Callable[[float, Tensor], Tensor]


@torch.no_grad()
def euler(network: Network, trunk: Trunk) -> Tensor:
    """Thirty Euler steps with guidance, cond and uncond in one batch of 2."""
    torch.manual_seed(8)
    sigmas = torch.linspace(1, 0, STEPS + 1, dtype=torch.float64).tolist()
    latent = torch.randn(1, GRID.frames * GRID.tokens, WIDTH, dtype=torch.float64)
    for sigma, lower in zip(sigmas, sigmas[1:], strict=False):
        x = network.embed(latent.repeat(2, 1, 1))
        out = network.head(trunk(sigma, x) * (1 + sigma))
        cond, uncond = out.chunk(2)
        latent = latent + (lower - sigma) * (uncond + 3 * (cond - uncond))
    return latent


class PerBlockCache:
    """As published: two residuals per block, all blocks in step, measured on the middle block's attention."""

    def __init__(self, network: Network, schedule: ReferenceSchedule) -> None:
        self.network, self.schedule = network, schedule
        self.kept: list[tuple[Tensor, Tensor]] = []
        self.computed: list[int] = []

    def __call__(self, sigma: float, x: Tensor) -> Tensor:
        if self.schedule.begin():
            self.computed.append(self.schedule.step)
            x = self._compute(x, self.network.time(sigma))
        else:
            for attention, cross_and_mlp in self.kept:
                x = x + attention
                x = x + cross_and_mlp
        self.schedule.end()
        return x

    def _compute(self, x: Tensor, time: Tensor) -> Tensor:
        earlier, self.kept = self.kept, []
        for index, block in enumerate(self.network.blocks):
            attention = block.attention_residual(x, time)
            x = x + attention
            if index == self.network.middle and earlier:
                self.schedule.measure(index, earlier[index][0], attention, GRID.tokens)
            cross_and_mlp = block.cross_and_mlp_residual(x, self.network.text, time)
            x = x + cross_and_mlp
            self.kept.append((attention, cross_and_mlp))
        return x


def whole_trunk(network: Network, run: Run) -> Trunk:
    """Our caching: one residual, probed at the same place."""

    def probe(block: Block, before: Tensor, after: Tensor) -> Tensor:
        return block.gated

    def trunk(sigma: float, x: Tensor) -> Tensor:
        with run.evaluation(sigma) as evaluation:
            return run_blocks(evaluation, network.blocks, x, network.text, network.time(sigma), grid=GRID, probe=probe)

    return trunk


CODEBOOKS = {
    "fast": PUBLISHED["fast 30"],
    "slow": PUBLISHED["slow 30"],
    "own": Codebook.parse("0.02:9 0.05:7 0.1:5 0.2:3 0.4:2 0.5:1 0.6:1"),
}


@pytest.mark.parametrize("moreg", [False, True], ids=["plain", "MoReg"])
@pytest.mark.parametrize("name", CODEBOOKS)
def test_whole_trunk_equals_per_block(name: str, moreg: bool) -> None:
    """Both ways compute the same steps and end in the same latent to 1e-12, which is not the uncached one."""
    network, codebook = Network(), CODEBOOKS[name]
    rule = MotionRule(4, 26, norm=0.1, power=2.0, gradient_weight=1.0) if moreg else None
    published = PerBlockCache(network, ReferenceSchedule(STEPS, codebook.entries, rule))
    expected = euler(network, published)

    settings = Settings(codebooks=(codebook,), moreg=MoRegSettings(**vars(rule)) if rule else None)
    with Run(settings, STEPS) as run:
        latent = euler(network, whole_trunk(network, run))
    records = run.trace.records
    assert [record.step for record in records if record.computed] == published.computed
    assert (latent - expected).abs().max() < 1e-12
    assert (latent - uncached(network)).abs().max() > 1e-6
    assert 7 < run.trace.computed < STEPS - 2


def uncached(network: Network) -> Tensor:
    def trunk(sigma: float, x: Tensor) -> Tensor:
        for block in network.blocks:
            x = block(x, network.text, network.time(sigma))
        return x

    return euler(network, trunk)


@pytest.mark.parametrize("settings", [Settings(mode="measure"), Settings(codebooks=(Codebook.parse("1:1"),))])
def test_computing_every_step_changes_nothing(settings: Settings) -> None:
    """With every step computed the latent is the uncached one, bit for bit."""
    network = Network()
    with Run(settings, STEPS) as run:
        latent = euler(network, whole_trunk(network, run))
    assert run.trace.computed == STEPS
    assert torch.equal(latent, uncached(network))
