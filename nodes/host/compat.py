"""Every question that we ask the host about itself; written for ComfyUI 0.3.75 and later."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import comfy.cli_args
import comfy.model_management
import comfy.utils
import torch
import torch.distributed as dist

from ...adacache.sampling.workers import Ranks, Workers

# transformer_options keys and wrapper keys of caches that would skip the network under us.
_OTHER_CACHES = {"easycache": "EasyCache or LazyCache", "teacache": "TeaCache"}

# Relative; what float32 leaves of a straight line.
CLOSE = 1e-3


def is_affine(model_patcher: Any, sigma: float) -> bool:
    """Whether a denoised latent is a straight line in the network's answer (`calculate_denoised`), so that one can be
    told from the other. Asked of a few numbers on the CPU.
    """
    sampling = model_patcher.get_model_object("model_sampling")
    level, x = torch.tensor([sigma]), torch.full((1, 1, 1, 1, 1), 0.7)
    zero, one, two = (sampling.calculate_denoised(level, torch.full_like(x, value), x) for value in (0.0, 1.0, 2.0))
    slope = one - zero
    return bool((slope.abs() > 0).all() & ((two - one - slope).abs() <= CLOSE * slope.abs()).all())


def heed_cancel() -> None:
    """Raise the host's interrupt where the user cancelled, as every operation of a network does."""
    comfy.model_management.throw_exception_if_processing_interrupted()


def bring_up_hooks(model: Any, hooks: Any, timestep: torch.Tensor, model_options: dict[str, Any]) -> None:
    """Let scheduled hooks come to a noise level, as the host does before it asks the network; again changes nothing."""
    if hooks is not None:
        model.current_patcher.prepare_hook_patches_current_keyframe(timestep, hooks, model_options)


def strengths(hooks: Any) -> Hashable:
    """What a group of scheduled hooks (LoRAs with keyframes) makes of the weights now (`comfy/hooks.py:HookGroup`)."""
    return tuple((hook.hook_ref, hook.strength) for hook in hooks.hooks) if hooks is not None else None


def free_bytes(device: torch.device) -> int:
    return int(comfy.model_management.get_free_memory(device))


def scheduled_hooks(model: Any) -> Hashable:
    """What the hooks in force make of the weights now."""
    return strengths(getattr(getattr(model, "current_patcher", None), "current_hooks", None))


@contextmanager
def memory_compiler_off() -> Iterator[None]:
    """Keep newer hosts from compiling the network's allocations (`comfy/model_prefetch.py`) while a run caches.

    They expect each call of the network to allocate what the one before did, and nothing to stay.
    """
    arguments = comfy.cli_args.args
    if not hasattr(arguments, "disable_comfy_compiler"):
        yield
        return
    before = arguments.disable_comfy_compiler
    arguments.disable_comfy_compiler = True
    try:
        yield
    finally:
        arguments.disable_comfy_compiler = before


def lasting_memory() -> AbstractContextManager[Any]:
    """For tensors that outlive a call of the network: kept out of the host's compiled allocations."""
    pause = getattr(sys.modules.get("comfy.model_prefetch"), "pause_malloc_graph", None)
    return pause() if pause is not None else nullcontext()


def workers(network: torch.nn.Module, on_trunk: bool) -> Workers | None:
    """The processes whose networks wait for one another, where a pack for several GPUs has such.

    The token sequence is split among some (sequence parallelism), the prompts among others (CFG parallelism): xDiT
    tells. FSDP splits the weights among all that a process group has.
    """
    sequence, prompts = _xdit_group("get_sp_group"), _xdit_group("get_cfg_group")
    sharded = isinstance(network, getattr(sys.modules.get("torch.distributed.fsdp"), "FSDPModule", ()))
    if sharded and dist.get_world_size() > 1:
        others: list[dist.ProcessGroup | None] = [None]  # all, so those of the prompts, too
    else:
        others = [prompts] if prompts is not None else []
    if sequence is not None:
        return Ranks(sequence, *others) if on_trunk else Workers(sequence, *others)
    return Workers(*others) if others else None


def _xdit_group(name: str) -> dist.ProcessGroup | None:
    """A process group of xDiT's, where it has more than one process."""
    parallel = sys.modules.get("xfuser.core.distributed")
    try:
        group = getattr(parallel, name)()
        return group.device_group if group is not None and group.world_size > 1 else None
    except (AttributeError, AssertionError):
        # It is not there, or nothing is split; it says so by an assertion.
        return None


def splits_prompts() -> bool:
    """Whether each process has one of the prompts only (CFG parallelism)."""
    return _xdit_group("get_cfg_group") is not None


def is_pipeline(model_patcher: Any) -> bool:
    """Whether each process has some of the network's blocks (Raylight's PipeFusion, by the name of its wrapper)."""
    return "pipefusion" in model_patcher.wrappers.get("outer_sample", {})


def is_training() -> bool:
    return bool(vars(comfy.model_management).get("in_training"))  # newer hosts have it


def sigma_window(model_patcher: Any, start: float, end: float) -> tuple[float, float]:
    """Highest and lowest sigma of a start and end percent, by the model's own schedule."""
    sampling = model_patcher.get_model_object("model_sampling")
    return float(sampling.percent_to_sigma(start)), float(sampling.percent_to_sigma(end))


def percent_at(model_patcher: Any, sigma: float) -> float:
    """How much of the model's own schedule lies before a noise level, 0 to 1: the host's percent_to_sigma, inverted."""
    sampling = model_patcher.get_model_object("model_sampling")
    low, high = 0.0, 1.0
    for _ in range(30):  # halvings
        middle = (low + high) / 2
        low, high = (middle, high) if float(sampling.percent_to_sigma(middle)) > sigma else (low, middle)
    return low


def highest_sigma(model_patcher: Any) -> float:
    """The model's highest noise level, whatever part of it a sampling runs through (`comfy/model_sampling.py`)."""
    return float(model_patcher.get_model_object("model_sampling").sigma_max)


def other_cache(transformer_options: dict[str, Any]) -> str | None:
    """The name of another cache on the same model, or None (`comfy_extras/nodes_easycache.py`)."""
    return next((name for key, name in _OTHER_CACHES.items() if key in transformer_options), None)


def compiled_whole(network: torch.nn.Module, transformer_options: dict[str, Any]) -> bool:
    """Whether the network is compiled as one piece, which would trace through our hooks.

    `comfy_api/torch_helpers/torch_compile.py` swaps modules in inside a wrapper that may run below ours; the names
    of what it swaps are in that wrapper's closure.
    """
    if hasattr(network, "_orig_mod"):
        return True
    for wrapper in transformer_options.get("wrappers", {}).get("apply_model", {}).get("torch.compile", []):
        for cell in getattr(wrapper, "__closure__", None) or ():
            if isinstance(cell.cell_contents, dict) and "diffusion_model" in cell.cell_contents:
                return True
    return False


def device() -> torch.device:
    """Where the host computes."""
    return comfy.model_management.get_torch_device()


def progress(total: int) -> Callable[[int, int], None]:
    """Shows progress on the node that runs, and raises the host's interrupt when the user cancels.

    Told how much is done, and of how much.
    """
    bar = comfy.utils.ProgressBar(total)

    def done(value: int, of: int) -> None:
        heed_cancel()
        bar.update_absolute(value, of)

    return done
