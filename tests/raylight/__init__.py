"""A stand-in for Raylight, which needs CUDA: its node ids, sockets and worker methods, on the CPU.

It is loaded as a pack by a server, and its workers are used without one. Only what our node meets is here; the network
is not split, but the groups of processes are real.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
REPO = HERE.parents[2]
WORKERS = 2

sys.path.append(str(HERE.parents[1]))  # as Raylight does, so that it has one name wherever it is loaded


def start(host_folder: str) -> None:
    """Starts Ray for two workers on this machine; they find the host and this module, as Raylight's do."""
    import ray

    os.environ.update(RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([host_folder, str(HERE.parents[1]), str(REPO)])
    try:
        ray.init(
            "local",
            num_cpus=WORKERS,
            object_store_memory=128 << 20,
            include_dashboard=False,
            namespace="default",
            log_to_driver=False,
        )
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


def actors(threads: int = 1) -> dict[str, list[Any]]:
    """RAY_ACTORS: two workers in a process group."""
    import ray

    from raylight.worker import RayWorker

    meet = tempfile.mkdtemp(prefix="adacache-ray-")
    atexit.register(shutil.rmtree, meet, ignore_errors=True)
    made = [ray.remote(RayWorker).options(num_cpus=1).remote(rank, WORKERS, meet, threads) for rank in range(WORKERS)]
    ray.get([one.__ray_ready__.remote() for one in made])
    return {"workers": made}


def widget(kind: str, default: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"default": default}


class RayInitializer:
    RETURN_TYPES = ("RAY_ACTORS_INIT",)
    RETURN_NAMES = ("ray_actors_init",)
    FUNCTION = "spawn_actor"
    CATEGORY = "Raylight"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        texts = {name: widget("STRING", name) for name in ("ray_cluster_address", "ray_cluster_namespace")}
        degrees = ("GPU", "ulysses_degree", "ring_degree", "cfg_degree", "dp_degree")
        before, after = ("sync_ulysses", "clear_vram_after_sampling", "FSDP", "FSDP_CPU_OFFLOAD"), ("skip_comm_test",)
        flags = [{name: widget("BOOLEAN", False) for name in names} for names in (before, (*after, "use_mmap"))]
        numbers = {name: widget("INT", 1) for name in degrees}
        return {"required": {**texts, **numbers, **flags[0], "XFuser_attention": (["TORCH_FLASH"],), **flags[1]}}

    def spawn_actor(self, ulysses_degree: int, **_: Any) -> tuple:
        import folder_paths
        import ray

        if not ray.is_initialized():
            start(str(Path(folder_paths.__file__).parent))
        made = actors()
        ray.get([one.set_mode.remote("sequence" if ulysses_degree > 1 else "") for one in made["workers"]])
        return (made,)


class RayUNETLoader:
    RETURN_TYPES = ("RAY_ACTORS",)
    RETURN_NAMES = ("ray_actors",)
    FUNCTION = "load_ray_unet"
    CATEGORY = "Raylight"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        import folder_paths

        files = (folder_paths.get_filename_list("diffusion_models"),)
        required = {"unet_name": files, "weight_dtype": (["default"],), "ray_actors_init": ("RAY_ACTORS_INIT",)}
        return {"required": required, "optional": {"lora": ("RAY_LORA",)}}

    def load_ray_unet(self, ray_actors_init: dict, unet_name: str, **_: Any) -> tuple:
        import folder_paths
        import ray

        path = folder_paths.get_full_path_or_raise("diffusion_models", unet_name)
        ray.get([one.load_unet.remote(path, {}) for one in ray_actors_init["workers"]])
        return (ray_actors_init,)


class RayModelSamplingSD3:
    RETURN_TYPES = ("RAY_ACTORS",)
    RETURN_NAMES = ("ray_actors",)
    FUNCTION = "patch"
    CATEGORY = "Raylight/extra"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"ray_actors": ("RAY_ACTORS",), "shift": widget("FLOAT", 3.0)}}

    def patch(self, ray_actors: dict, shift: float) -> tuple:
        import ray

        from raylight.in_worker import shifted

        ray.get([one.model_function_runner.remote(shifted, shift) for one in ray_actors["workers"]])
        return (ray_actors,)


class XFuserKSamplerAdvanced:
    RETURN_TYPES = ("LATENT", "RAY_ACTORS")
    RETURN_NAMES = ("latent", "ray_actors")
    FUNCTION = "ray_sample"
    CATEGORY = "Raylight"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        import comfy.samplers

        chosen = comfy.samplers.KSampler
        widgets = {
            "add_noise": (["enable", "disable"],),
            "noise_seed": widget("INT", 0),
            "steps": widget("INT", 20),
            "cfg": widget("FLOAT", 8.0),
            "sampler_name": (chosen.SAMPLERS,),
            "scheduler": (chosen.SCHEDULERS,),
        }
        links = {"ray_actors": ("RAY_ACTORS",), "positive": ("CONDITIONING",), "negative": ("CONDITIONING",)}
        ends = {"start_at_step": widget("INT", 0), "end_at_step": widget("INT", 10000)}
        more = {"return_with_leftover_noise": (["disable", "enable"],), "denoise": widget("FLOAT", 1.0)}
        return {"required": {**widgets, **links, "latent_image": ("LATENT",), **ends, **more}}

    def ray_sample(self, ray_actors: dict, noise_seed: int, latent_image: dict, **chosen: Any) -> tuple:
        import ray

        names = ("steps", "cfg", "sampler_name", "scheduler", "positive", "negative")
        given = (noise_seed, *(chosen[name] for name in names), latent_image)
        results = ray.get([one.common_ksampler.remote(*given) for one in ray_actors["workers"]])
        return (results[0][0], ray_actors)


NODES = (RayInitializer, RayUNETLoader, RayModelSamplingSD3, XFuserKSamplerAdvanced)
NODE_CLASS_MAPPINGS = {one.__name__: one for one in NODES}
