"""What is known of the host's samplers, by their names (`comfy/k_diffusion/sampling.py`)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

# The host's samplers of higher order, by their evaluations per step; the last step or two may make fewer.
_TWICE = frozenset(
    ["dpm_2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp", "dpmpp_sde", "dpmpp_sde_gpu"]
    + ["exp_heun_2_x0", "exp_heun_2_x0_sde", "heun", "seeds_2"]
)
_THRICE = frozenset(["heunpp2", "seeds_3"])

# These evaluate the network once at each noise level of their list.
_ON_THE_LIST = frozenset(
    ["ddim", "ddpm", "deis", "dpmpp_2m", "dpmpp_2m_cfg_pp", "euler", "euler_ancestral", "euler_ancestral_cfg_pp"]
    + ["euler_cfg_pp", "gradient_estimation", "gradient_estimation_cfg_pp", "ipndm", "ipndm_v", "lcm", "lms"]
    + ["res_multistep", "res_multistep_ancestral", "res_multistep_ancestral_cfg_pp", "res_multistep_cfg_pp"]
    + ["unipc", "unipc_bh2"]
)

# These add noise in every step, beside those that say so in their names.
_NOISY = frozenset(["ddpm", "lcm", "sa_solver", "sa_solver_pece", "seeds_2", "seeds_3"])

# RES4LYF's add noise unless their name says that they do not (res_2m_ode), or the option `eta` is 0.
_NOISY_ELSEWHERE = re.compile(r"(res|deis)_\d[ms]|rk(_beta)?")

# These evaluate the network a varying number of times, or report steps otherwise; what a step is cannot be told.
_IRREGULAR = frozenset(["dpm_adaptive", "dpm_fast", "sa_solver_pece"])


def sampler_name(sampler: Any) -> str:
    """A sampler object's name as the user chose it, as far as it tells (`comfy/samplers.py:ksampler`)."""
    function = getattr(sampler, "sampler_function", None)
    name = getattr(function, "__name__", type(sampler).__name__)
    return name.removeprefix("sample_").removesuffix("_function")


def levels(sampler: Any, sigmas: Sequence[float]) -> list[float]:
    """The noise levels that a sampling runs through, one more than its steps.

    RES4LYF's samplers are told their part of the list by options, and have it padded with zeros where they go on with
    what another sampling left (its `beta/samplers.py`): all others run through the whole list.
    """
    options, listed = getattr(sampler, "extra_options", {}), list(sigmas)
    if "steps_to_run" not in options or len(listed) < 3:
        return listed
    if listed[0] == 0:
        listed = listed[1:]
    if listed[-1] == listed[-2]:
        listed = listed[:-1]
    start, steps = 0, options["steps_to_run"]
    if options.get("sampler_mode") == "resample":
        left = float((options.get("state_info") or {}).get("sigma_next", -1))
        start = next((step for step, level in enumerate(listed[:-1]) if math.isclose(level, left, rel_tol=1e-4)), 0)
    return listed[start : start + steps + 1] if steps >= 0 else listed[start:]


def evaluations_per_step(name: str) -> int:
    """How often a sampler of the host evaluates the network in a step; 1 where it is not known to be more."""
    return 3 if name in _THRICE else 2 if name in _TWICE else 1


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


def adds_noise(sampler: Any) -> bool:
    """Whether a sampler adds fresh noise to the latent from step to step."""
    name, options = sampler_name(sampler), getattr(sampler, "extra_options", {})
    if options.get("s_churn"):
        return True
    noisy = "sde" in name or "ancestral" in name or name in _NOISY or _NOISY_ELSEWHERE.fullmatch(name)
    return bool(noisy) and options.get("eta", 1.0) != 0 and options.get("s_noise", 1.0) != 0


def keeps_to_its_levels(sampler: Any) -> bool:
    """Whether a sampler of the host evaluates the network once at each noise level of its list, and nowhere else."""
    return sampler_name(sampler) in _ON_THE_LIST and not getattr(sampler, "extra_options", {}).get("s_churn")
