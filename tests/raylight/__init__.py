"""A stand-in for Raylight, which needs CUDA: its node ids, sockets and worker methods, on the CPU.

It is loaded as a pack by a server, and its workers are used without one. Only what our node meets is here; the network
is not split, but the groups of processes are real.
"""

from __future__ import annotations

import os
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
    made = [ray.remote(RayWorker).options(num_cpus=1).remote(rank, WORKERS, meet, threads) for rank in range(WORKERS)]
    ray.get([one.__ray_ready__.remote() for one in made])
    return {"workers": made}


class RayInitializer:
    RETURN_TYPES = ("RAY_ACTORS_INIT",)
    FUNCTION = "spawn_actor"
    CATEGORY = "Raylight"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"ulysses_degree": ("INT", {"default": 2})}}

    def spawn_actor(self, ulysses_degree: int) -> tuple:
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

        names = folder_paths.get_filename_list("diffusion_models")
        return {"required": {"ray_actors_init": ("RAY_ACTORS_INIT",), "unet_name": (names,)}}

    def load_ray_unet(self, ray_actors_init: dict, unet_name: str) -> tuple:
        import folder_paths
        import ray

        path = folder_paths.get_full_path_or_raise("diffusion_models", unet_name)
        ray.get([one.load_unet.remote(path, {}) for one in ray_actors_init["workers"]])
        return (ray_actors_init,)


class XFuserKSamplerAdvanced:
    RETURN_TYPES = ("LATENT", "RAY_ACTORS")
    RETURN_NAMES = ("latent", "ray_actors")
    FUNCTION = "ray_sample"
    CATEGORY = "Raylight"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "noise_seed": ("INT", {"default": 0}),
                "steps": ("INT", {"default": 20}),
                "cfg": ("FLOAT", {"default": 3.0}),
                "ray_actors": ("RAY_ACTORS",),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "latent_image": ("LATENT",),
            }
        }

    def ray_sample(self, ray_actors: dict, noise_seed: int, latent_image: dict, **chosen: Any) -> tuple:
        import ray

        given = (noise_seed, chosen["steps"], chosen["cfg"], "euler", "simple", chosen["positive"], chosen["negative"])
        results = ray.get([one.common_ksampler.remote(*given, latent_image) for one in ray_actors["workers"]])
        return (results[0][0], ray_actors)


NODE_CLASS_MAPPINGS = {one.__name__: one for one in (RayInitializer, RayUNETLoader, XFuserKSamplerAdvanced)}
