"""The soak's own nodes and route, for its server only: small networks, failures on purpose, a latent's hash, counts."""

from __future__ import annotations

import gc
import hashlib
import os
import sys
import threading
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import comfy.model_management
import torch
from aiohttp import web
from comfy.patcher_extension import WrappersMP
from server import PromptServer

sys.path.append(str(Path(__file__).resolve().parents[3] / "tests" / "host" / "models"))
from members import MEMBERS  # noqa: E402

FAILURES = {
    "memory": lambda: torch.OutOfMemoryError("on purpose: out of memory"),
    "error": lambda: RuntimeError("on purpose"),
    "cancel": comfy.model_management.InterruptProcessingException,
}
OURS = ("Session", "Run", "Evaluation", "TrunkHooks", "Cache", "Correction", "Observer", "Guard")


@lru_cache
def member(name: str) -> Any:
    """A small network, loaded once: how it comes apart and together is not what is looked at."""
    return MEMBERS[name].load()


class SoakNetwork:
    INPUT_TYPES = classmethod(lambda cls: {"required": {"name": ("STRING", {}), "batch": ("INT", {"default": 1})}})
    RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING", "LATENT")
    FUNCTION, CATEGORY = "give", "soak"

    def give(self, name: str, batch: int) -> tuple:
        one = MEMBERS[name]
        latent = one.latent()
        if batch > 1:
            latent = latent.repeat(batch, *[1] * (latent.ndim - 1))
        return member(name), one.conditioning(), one.conditioning(-1.0), {"samples": latent}


class SoakFailure:
    """A MODEL that fails at an evaluation, above or below what is on it later."""

    INPUT_TYPES = classmethod(
        lambda cls: {"required": {"model": ("MODEL",), "kind": ("STRING", {}), "at": ("INT", {}), "salt": ("INT", {})}}
    )
    RETURN_TYPES = ("MODEL",)
    FUNCTION, CATEGORY = "give", "soak"

    def give(self, model: Any, kind: str, at: int, salt: int) -> tuple:
        calls = Counter()

        def failing(executor: Any, *args: Any, **kwargs: Any) -> Any:
            calls["seen"] += 1
            if calls["seen"] == at:
                raise FAILURES[kind]()
            return executor(*args, **kwargs)

        clone = model.clone()
        clone.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "soak", failing)
        return (clone,)


class SoakHash:
    INPUT_TYPES = classmethod(lambda cls: {"required": {"samples": ("LATENT",), "salt": ("INT", {})}})
    RETURN_TYPES = ()
    FUNCTION, CATEGORY, OUTPUT_NODE = "give", "soak", True

    def give(self, samples: dict, salt: int) -> dict:
        latent = samples["samples"]
        parts = latent.unbind() if getattr(latent, "is_nested", False) else [latent]
        told = hashlib.sha256(b"".join(part.contiguous().cpu().numpy().tobytes() for part in parts)).hexdigest()
        return {"ui": {"text": [told[:16]]}}


NODE_CLASS_MAPPINGS = {"SoakNetwork": SoakNetwork, "SoakFailure": SoakFailure, "SoakHash": SoakHash}


def counts() -> dict[str, int]:
    """What must not grow."""
    gc.collect()
    objects = gc.get_objects()
    tensors = [one for one in objects if type(one) is torch.Tensor]
    ours = Counter(type(one).__name__ for one in objects if "AdaCache" in str(type(one).__module__))
    store = next(module.RUNS for name, module in list(sys.modules.items()) if name.endswith("nodes.server.run_store"))
    kept = list(store._kept.values())
    loaded = [one.model.model for one in comfy.model_management.current_loaded_models if one.model is not None]
    modules = [module for one in loaded for module in one.modules()]
    return {
        "resident_mib": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20,
        "tensors": len(tensors),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
        "ours_alive": sum(ours[name] for name in OURS),
        "runs_kept": len(kept),
        "runs_open": sum(not one.text for one in kept),
        "runs_bytes": sum(len(one.text) for one in kept),
        "hooks": sum(len(one._forward_hooks) + len(one._forward_pre_hooks) for one in modules),
        "forwards": sum("forward" in one.__dict__ for one in modules),
        "messages": PromptServer.instance.messages.qsize(),
    }


@PromptServer.instance.routes.get("/soak/counts")
async def _counts(request: Any) -> Any:
    return web.json_response(counts())
