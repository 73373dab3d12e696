"""One video's tokens split over two processes: both decide alike, and as one process would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from adacache import FrameGrid, MoRegSettings, Run, Settings
from adacache.sampling.workers import Ranks

STEPS, FRAMES, TOKENS, CHANNELS, OFFSET = 30, 4, 5, 6, 2
LENGTHS = (9, 13)  # of 22 tokens: the border lies inside the second frame
# The scores differ by what float32 sums in another order do.
CLOSE = 1e-5

pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="needs gloo")


def video(step: int) -> Tensor:
    """A hidden state whose frames move on in a way of their own."""
    torch.manual_seed(7)
    start, way = torch.randn(2, 2, OFFSET + FRAMES * TOKENS, CHANNELS)
    return start + way * (step - 15) ** 3 / 300


def sampled(ranks: Ranks | None, part: slice) -> list[tuple]:
    run = Run(Settings(moreg=MoRegSettings(norm=0.6)), STEPS, workers=ranks)
    for step in range(1, STEPS + 1):
        x = video(step)[:, part]
        with run.evaluation(1 - step / 99) as evaluation:
            call = evaluation.trunk([""], FrameGrid(FRAMES, TOKENS, OFFSET))
            call.enter(x)
            if call.compute:
                call.measure(x.sin())
                call.leave(x + x.sin())
                call.commit()
            else:
                call.reuse(x)
    return [(r.computed, r.rate, r.distance, r.score) for r in run.trace.records]


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    start = sum(LENGTHS[:rank])
    rows = sampled(Ranks(), slice(start, start + LENGTHS[rank]))
    Path(folder, f"{rank}.json").write_text(json.dumps(rows))
    dist.destroy_process_group()


def test_two_ranks_decide_as_one(tmp_path: Path) -> None:
    """Distances, motion scores across the border, and so every decision."""
    alone = sampled(None, slice(None))
    assert 8 < sum(computed for computed, *_ in alone) < STEPS
    # Processes of their own, with nothing of this one's: other tests put the host's folders on the path.
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    commands = [[sys.executable, __file__, str(rank), str(tmp_path)] for rank in range(2)]
    processes = [subprocess.Popen(command, env=environment) for command in commands]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    for rank in range(2):
        rows = json.loads((tmp_path / f"{rank}.json").read_text())
        assert [row[:2] for row in rows] == [list(row[:2]) for row in alone]
        for row, expected in zip(rows, alone, strict=True):
            assert row[2] == (None if expected[2] is None else pytest.approx(expected[2], rel=CLOSE))
            assert row[3] == (None if expected[3] is None else pytest.approx(expected[3], rel=CLOSE))


if __name__ == "__main__":
    worker(int(sys.argv[1]), sys.argv[2])
