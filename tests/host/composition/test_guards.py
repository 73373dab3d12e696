"""What newer hosts and packs for several GPUs bring, with stand-ins of their functions."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import comfy.cli_args
import comfy.model_management
import pytest
import torch
from members import MEMBERS
from test_families import Rig


@pytest.fixture
def rig(call, patch):
    return Rig(MEMBERS["Wan t2v"], call, patch, "trunk")


@pytest.mark.parametrize(
    "error", [None, RuntimeError, comfy.model_management.InterruptProcessingException], ids=["done", "error", "cancel"]
)
def test_memory_compiler_is_off_for_the_run(rig, monkeypatch, error) -> None:
    """The flag is set while the network runs, and is what it was however the run ends."""
    arguments = comfy.cli_args.args
    monkeypatch.setattr(arguments, "disable_comfy_compiler", False, raising=False)
    seen = []

    def look(*_) -> None:
        seen.append(arguments.disable_comfy_compiler)
        if error and len(seen) == 3:
            raise error()

    patched = rig.patch(rig.model, text="1000:3 2000:1")
    with rig.model.model.diffusion_model.register_forward_pre_hook(look):
        if error:
            with pytest.raises(error):
                rig.sample(patched.model)
        else:
            rig.sample(patched.model)
    assert seen and all(seen) and arguments.disable_comfy_compiler is False


def test_memory_compiler_stays_on_where_answers_are_reused(rig, monkeypatch) -> None:
    """Nothing of ours is inside the network's call, so what the host does there may go on."""
    arguments = comfy.cli_args.args
    monkeypatch.setattr(arguments, "disable_comfy_compiler", False, raising=False)
    seen = []
    patched = rig.patch(rig.model, preset="fast")
    with rig.model.model.diffusion_model.register_forward_pre_hook(
        lambda *_: seen.append(arguments.disable_comfy_compiler)
    ):
        rig.sample(patched.model)
    assert seen and not any(seen) and patched.runs()[0].reused > 0


def test_what_lasts_is_made_in_the_pause(rig, pack_module, monkeypatch) -> None:
    """Clones, residuals and reused outputs are allocated while the compiler pauses; no block runs in a pause."""
    depth, inside, blocks = [0], [], []

    @contextmanager
    def pause():
        depth[0] += 1
        try:
            yield
        finally:
            depth[0] -= 1

    monkeypatch.setitem(sys.modules, "comfy.model_prefetch", SimpleNamespace(pause_malloc_graph=pause))
    call_class = pack_module("adacache.sampling.evaluation").TrunkCall
    for name in ("enter", "leave", "reuse", "commit", "measure"):
        original = getattr(call_class, name)

        def spied(self, *args, original=original, name=name):
            inside.append((name, depth[0]))
            return original(self, *args)

        monkeypatch.setattr(call_class, name, spied)
    patched = rig.patch(rig.model, text="1000:3 2000:1")
    with rig.model.model.diffusion_model.blocks[1].register_forward_pre_hook(lambda *_: blocks.append(depth[0])):
        rig.sample(patched.model)
    assert {name for name, _ in inside} == {"enter", "leave", "reuse", "commit", "measure"}
    assert {deep for _, deep in inside} == {1} and set(blocks) == {0}


def test_workers_by_the_module_of_xfuser(pack_module, monkeypatch) -> None:
    """No module, no group, one process: nothing waits for another process."""
    compat, network = pack_module("nodes.host.compat"), torch.nn.Linear(1, 1)
    assert compat.workers(network, True) is None

    def absent():
        raise AssertionError("pipeline model parallel group is not initialized")

    def set_groups(**answers) -> None:
        monkeypatch.setitem(sys.modules, "xfuser.core.distributed", SimpleNamespace(**answers))

    for answer in (absent, lambda: None, lambda: SimpleNamespace(world_size=1, device_group=None)):
        set_groups(get_sp_group=answer, get_cfg_group=answer)
        assert compat.workers(network, True) is None
    monkeypatch.setattr(compat, "Ranks", lambda *groups: ("ranks of", *groups))
    monkeypatch.setattr(compat, "Workers", lambda *groups: ("workers of", *groups))
    sequence, prompts = (SimpleNamespace(world_size=2, device_group=name) for name in ("sequence", "prompts"))
    set_groups(get_sp_group=lambda: sequence)
    assert compat.workers(network, True) == ("ranks of", "sequence")
    assert compat.workers(network, False) == ("workers of", "sequence")
    set_groups(get_sp_group=lambda: sequence, get_cfg_group=lambda: prompts)
    assert compat.workers(network, False) == ("workers of", "sequence", "prompts")
    set_groups(get_cfg_group=lambda: prompts)
    assert compat.workers(network, False) == ("workers of", "prompts")
