"""Processes in groups that cross one another: the first one's sums count for all, and so does the highest number."""

from __future__ import annotations

import sys
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from adacache.sampling.workers import Ranks, Workers

pytestmark = pytest.mark.skipif(sys.platform != "linux" or not dist.is_gloo_available(), reason="needs fork and gloo")


def work(rank: int, folder: str, answers: object) -> None:
    """Ranks 0 1 | 2 3 split the sequence, 0 2 | 1 3 the prompts."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=4)
    halves, prompts = ([dist.new_group(ranks) for ranks in pairs] for pairs in ([[0, 1], [2, 3]], [[0, 2], [1, 3]]))
    crossed = (halves[rank // 2], prompts[rank % 2])
    sums, cpu = torch.tensor([rank + 1.0]), torch.device("cpu")
    told = []
    for workers in (Workers(*crossed), Workers(None), Ranks(*crossed)):
        told.append((workers.count, workers.is_first, float(workers.total(sums)), workers.highest(rank % 3, cpu)))
    answers.put((rank, told, float(sums)))
    dist.destroy_process_group()


def test_crossed_groups_are_of_one_mind(tmp_path: Path) -> None:
    fork = get_context("fork")
    answers = fork.Queue()
    processes = [fork.Process(target=work, args=(rank, str(tmp_path), answers)) for rank in range(4)]
    for process in processes:
        process.start()
    got = {rank: told for rank, *told in (answers.get(timeout=120) for _ in processes)}
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    for rank in range(4):
        first = rank == 0
        assert got[rank] == [[(4, first, 1.0, 2), (4, first, 1.0, 2), (4, first, 3.0, 2)], rank + 1.0]
