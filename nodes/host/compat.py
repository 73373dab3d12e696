"""Every question that we ask the host about itself; written for ComfyUI 0.3.75 and later."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import comfy.cli_args
import comfy.model_management
import comfy.utils
import folder_paths
import torch
from comfy_execution.graph_utils import GraphBuilder
from comfy_execution.utils import get_executing_context

import nodes

from ...adacache.sampling.sequence_parallel import Ranks

# transformer_options keys and wrapper keys of caches that would skip the network under us.
_OTHER_CACHES = {"easycache": "EasyCache or LazyCache"}

# Evaluations per step of the host's samplers of higher order; the last step or two may make fewer.
_EVALUATIONS = {
    "dpm_2": 2,
    "dpm_2_ancestral": 2,
    "dpmpp_2s_ancestral": 2,
    "dpmpp_2s_ancestral_cfg_pp": 2,
    "dpmpp_sde": 2,
    "dpmpp_sde_gpu": 2,
    "exp_heun_2_x0": 2,
    "exp_heun_2_x0_sde": 2,
    "heun": 2,
    "heunpp2": 3,
    "seeds_2": 2,
    "seeds_3": 3,
}

# These evaluate the network once at each noise level of their list.
_ON_THE_LIST = frozenset(
    ["ddim", "ddpm", "deis", "dpmpp_2m", "dpmpp_2m_cfg_pp", "euler", "euler_ancestral", "euler_ancestral_cfg_pp"]
    + ["euler_cfg_pp", "gradient_estimation", "gradient_estimation_cfg_pp", "ipndm", "ipndm_v", "lcm", "lms"]
    + ["res_multistep", "res_multistep_ancestral", "res_multistep_ancestral_cfg_pp", "res_multistep_cfg_pp"]
    + ["unipc", "unipc_bh2"]
)

# Relative; what float32 leaves of a straight line.
CLOSE = 1e-3

# These evaluate the network a varying number of times, or report steps otherwise; what a step is cannot be told.
_IRREGULAR = frozenset(["dpm_adaptive", "dpm_fast", "sa_solver_pece"])


def sampler_name(sampler: Any) -> str:
    """A sampler object's name as the user chose it, as far as it tells (`comfy/samplers.py:ksampler`)."""
    function = getattr(sampler, "sampler_function", None)
    name = getattr(function, "__name__", type(sampler).__name__)
    return name.removeprefix("sample_").removesuffix("_function")


def evaluations_per_step(name: str) -> int:
    """How often a sampler of the host evaluates the network in a step; 1 where it is not known to be more."""
    return _EVALUATIONS.get(name, 1)


def is_irregular(name: str) -> bool:
    """Whether a sampler of the host is known to evaluate the network in a way of its own."""
    return name in _IRREGULAR


def is_correctable(name: str) -> bool:
    """Whether what reused steps got wrong can be made good through a later denoised latent.

    Euler and DDIM move the latent by direction times step length (`comfy/k_diffusion/sampling.py`): a shift arrives
    whole. The others sum denoised latents of several steps and add no noise; the weights of one over all steps add up
    to that of its own step (`comfy/extra_samplers/uni_pc.py`): a shift arrives over the next steps.
    """
    return name in ("euler", "ddim") or sums_history(name)


def sums_history(name: str) -> bool:
    """Whether a correctable sampler makes a step of the denoised latents of several steps."""
    return name in ("unipc", "unipc_bh2", "dpmpp_2m", "res_multistep")


def keeps_to_its_levels(sampler: Any) -> bool:
    """Whether a sampler of the host evaluates the network once at each noise level of its list, and nowhere else."""
    return sampler_name(sampler) in _ON_THE_LIST and not getattr(sampler, "extra_options", {}).get("s_churn")


def is_affine(model_patcher: Any, sigma: float) -> bool:
    """Whether a denoised latent is a straight line in the network's answer (`calculate_denoised`), so that one can be
    told from the other. Asked of a few numbers on the CPU.
    """
    sampling = model_patcher.get_model_object("model_sampling")
    level, x = torch.tensor([sigma]), torch.full((1, 1, 1, 1, 1), 0.7)
    zero, one, two = (sampling.calculate_denoised(level, torch.full_like(x, value), x) for value in (0.0, 1.0, 2.0))
    slope = one - zero
    return bool((slope.abs() > 0).all() & ((two - one - slope).abs() <= CLOSE * slope.abs()).all())


def is_interrupt(error: BaseException) -> bool:
    """Whether the user cancelled; the class became a BaseException in later hosts."""
    return isinstance(error, comfy.model_management.InterruptProcessingException | KeyboardInterrupt)


def heed_cancel() -> None:
    """Raise the host's interrupt where the user cancelled, as every operation of a network does."""
    comfy.model_management.throw_exception_if_processing_interrupted()


def executing() -> tuple[str, str]:
    """Prompt id and node id of the node that runs; empty outside a queue (`comfy_execution/utils.py`)."""
    context = get_executing_context()
    return (context.prompt_id, context.node_id) if context else ("", "")


def user_folder() -> str:
    """Where the host keeps what users save (`folder_paths.py:get_user_directory`)."""
    return folder_paths.get_user_directory()


def _server() -> Any:
    """The running server, or None; its module is imported where there is one (`server.py:PromptServer`)."""
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def server_routes() -> Any:
    """The server's table of routes, or None; what is added before it starts is served."""
    return getattr(_server(), "routes", None)


def queueing_client() -> str | None:
    """The websocket client that queued the graph that runs now; None where there is none."""
    return getattr(_server(), "client_id", None)


def queued(prompt_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The nodes and the extra data of a graph that runs, as the client queued it; empty where it is not known.

    `execution.py:PromptQueue` keeps what runs as (number, prompt id, prompt, extra data, ...).
    """
    running = getattr(getattr(_server(), "prompt_queue", None), "currently_running", {})
    for _, known, prompt, extra, *_ in list(running.values()):
        if known == prompt_id:
            return prompt, extra
    return {}, {}


def send(event: str, data: dict[str, Any], client: str) -> None:
    """Send an event to a client, from any thread; the server writes it as JSON later."""
    _server().send_sync(event, data, client)


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


def ranks() -> Ranks | None:
    """The processes among which the token sequence is split, where a pack for several GPUs does that (xDiT)."""
    parallel = sys.modules.get("xfuser.core.distributed")
    try:
        group = parallel.get_sp_group() if parallel is not None else None
        return Ranks(group.device_group) if group is not None and group.world_size > 1 else None
    except (AttributeError, AssertionError):
        # It is there, but nothing is split; it says so by an assertion.
        return None


def is_training() -> bool:
    return bool(getattr(comfy.model_management, "in_training", False))


def sigma_window(model_patcher: Any, start: float, end: float) -> tuple[float, float]:
    """Highest and lowest sigma of a start and end percent, by the model's own schedule."""
    sampling = model_patcher.get_model_object("model_sampling")
    return float(sampling.percent_to_sigma(start)), float(sampling.percent_to_sigma(end))


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


def show_text(node_id: str | None, text: str) -> None:
    """Shows a text on a node in the browser that queued the graph; nothing where there is none."""
    show = getattr(_server(), "send_progress_text", None)
    client = queueing_client()
    if show and client and node_id:
        show(text, node_id, client)


def nodes_of(dynprompt: Any) -> dict[str, Any]:
    """The graph that runs, with the nodes that were added to it while it ran (`comfy_execution/graph.py`)."""
    return {one: dynprompt.get_node(one) for one in dynprompt.all_node_ids()} if dynprompt is not None else {}


def shown_on(dynprompt: Any, node_id: str | None) -> str | None:
    """The node in the browser that shows what a node has to show."""
    return dynprompt.get_display_node_id(node_id) if dynprompt is not None and node_id else node_id


def graph_builder() -> Any:
    """What nodes are added to the running graph with."""
    return GraphBuilder()


def is_output(class_type: str) -> bool:
    """Whether nodes of a class show or save something."""
    return bool(getattr(nodes.NODE_CLASS_MAPPINGS.get(class_type), "OUTPUT_NODE", False))
