"""Newer hosts run cond and uncond in threads, each on a device with a network of its own."""

from __future__ import annotations

import copy
from threading import Barrier, Thread

import comfy.samplers
import pytest
import torch


@pytest.mark.parametrize("moreg", [False, True])
def test_threads_decide_as_one(rig, monkeypatch, moreg) -> None:
    """Two workers with a copy of the model each: decisions, distances and latent are those of calls in turn."""
    text, more = (
        "0.02:5 0.1:4 0.3:3 0.9:2 2:1",
        {"moreg": {"norm": 0.2 if rig.on == "trunk" else 0.8} if moreg else None},
    )
    monkeypatch.setattr(rig.model.model, "memory_required", lambda *a, **k: 1e30, raising=False)
    serial = rig.patch(rig.model, text=text, **more)
    expected = rig.sample(serial.model, steps=14)
    serial_batch = comfy.samplers._calc_cond_batch
    config = rig.model.model.model_config  # newer hosts' do not let themselves be copied
    second = copy.deepcopy(rig.model.model, {id(config): config})
    threads = []

    def threaded(model, conds, x, timestep, model_options):
        second.current_patcher = model.current_patcher
        results, together = [None] * len(conds), Barrier(len(conds))

        def work(side: int, network) -> None:
            only = [cond if i == side else None for i, cond in enumerate(conds)]
            with torch.inference_mode():  # it is a thread's own
                together.wait()
                results[side] = serial_batch(network, only, x.clone(), timestep, model_options)[side]

        workers = [Thread(target=work, args=pair) for pair in enumerate((model, second))]
        threads.append(workers)
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return results

    monkeypatch.setattr(comfy.samplers, "_calc_cond_batch", threaded)
    parallel = rig.patch(rig.model, text=text, **more)
    assert torch.equal(rig.sample(parallel.model, steps=14), expected)
    (one,), (two,) = serial.runs(), parallel.runs()
    assert len(threads) == (14 if rig.on == "trunk" else two.computed)
    assert not two.note and two.reused == one.reused > 0
    same = [[(r.computed, r.rate, r.distance, r.score, r.reason) for r in run.records] for run in (one, two)]
    assert same[0] == same[1]
    assert 0 < two.cache_bytes <= one.cache_bytes
