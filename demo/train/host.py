"""Imports the host, ComfyUI: training uses its own network classes.

Set COMFYUI_PATH to a checkout; without it the demo's own copy is used.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

DEMO = Path(__file__).resolve().parents[1]
CACHE = DEMO / ".cache" / "train"  # checkpoints and the encoded data set; git ignores it
MODELS = DEMO / "models"

# torchrun tells each of its processes who it is. One thread a worker and several
# workers is faster on CPUs than the reverse: they wait for each other once a step.
WORKER, WORKERS = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def import_host() -> Path:
    """Makes `import comfy` work, on the CPU where there is no CUDA; returns the host's folder."""
    folder = Path(os.environ.get("COMFYUI_PATH") or DEMO / ".cache" / "ComfyUI")
    if not (folder / "comfy").is_dir():
        raise SystemExit(f"No ComfyUI in {folder}: set COMFYUI_PATH to a checkout of it.")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    _import_torchvision()
    argv, sys.argv = sys.argv, sys.argv[:1]  # the host would read our arguments as its own
    try:
        import comfy.cli_args
    finally:
        sys.argv = argv
    comfy.cli_args.args.cpu = not torch.cuda.is_available()
    comfy.cli_args.args.use_pytorch_cross_attention = True  # the fastest to train through
    return folder


def device() -> torch.device:
    """Where training runs."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision() -> torch.autocast:
    """bfloat16 for the heavy operations; weights and losses stay float32."""
    return torch.autocast(device().type, dtype=torch.bfloat16)


def join_workers() -> None:
    """Meets the other workers, when torchrun started several."""
    if WORKERS > 1:
        torch.distributed.init_process_group("gloo")


def share_gradients(model: torch.nn.Module) -> None:
    """Gives every worker the mean of all workers' gradients."""
    if WORKERS > 1:
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(flat)
        parts = (flat / WORKERS).split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


def save(checkpoint: dict, path: Path) -> None:
    """Writes a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(checkpoint, partial)
    partial.replace(path)


def _import_torchvision() -> None:
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        # A CUDA build beside a CPU build of torch lacks these two operators;
        # nothing here calls them, they only have to exist.
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for operator in ("nms", "qnms"):
            signature = "(Tensor boxes, Tensor scores, float iou) -> Tensor"
            torch.library.define(f"torchvision::{operator}", signature)
