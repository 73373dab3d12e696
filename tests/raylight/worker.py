"""A worker as Raylight's: a process with a model of its own, in a process group with the others."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.distributed as dist


class RayWorker:
    def __init__(self, rank: int, count: int, meet: str, threads: int) -> None:
        from demo import host

        host.import_host(Path(meet, str(rank)))
        torch.set_num_threads(threads)
        dist.init_process_group("gloo", init_method=f"file://{meet}/meet", rank=rank, world_size=count)
        self.rank = rank
        self.model: Any = None

    def set_mode(self, mode: str) -> None:
        """What the processes of the group are to one another: "sequence", "prompts", or nothing."""
        sys.modules.pop("xfuser.core.distributed", None)
        if mode:
            group = SimpleNamespace(world_size=dist.get_world_size(), device_group=dist.group.WORLD)
            name = {"sequence": "get_sp_group", "prompts": "get_cfg_group"}[mode]
            sys.modules["xfuser.core.distributed"] = SimpleNamespace(**{name: lambda: group})

    def model_function_runner(self, fn: Any, *args: Any, **kwargs: Any) -> None:
        self.model = fn(self.model, *args, **kwargs)

    def model_function_runner_get_values(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        return fn(self.model, *args, **kwargs)

    def load_unet(self, unet_path: str, model_options: dict[str, Any]) -> None:
        import comfy.sd

        self.model = comfy.sd.load_diffusion_model(unet_path, model_options=model_options)

    def common_ksampler(
        self,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: list,
        negative: list,
        latent: dict[str, Any],
    ) -> tuple[dict[str, Any]]:
        import comfy.sample

        image = comfy.sample.fix_empty_latent_channels(self.model, latent["samples"])
        noise = comfy.sample.prepare_noise(image, seed)
        chosen = (steps, cfg, sampler_name, scheduler, positive, negative, image)
        with torch.no_grad():
            samples = comfy.sample.sample(self.model, noise, *chosen, disable_pbar=True, seed=seed)
        return ({**latent, "samples": samples},)
