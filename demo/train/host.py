"""Imports the host, ComfyUI: training uses its own network classes.

Set COMFYUI_PATH to a checkout; without it the demo's own copy is used.
"""

from __future__ import annotations

import sys

import torch

from demo import host

MODELS = host.MODELS


def import_host() -> None:
    """Makes `import comfy` work, on the CPU where there is no CUDA."""
    if not host.is_here():
        raise SystemExit(f"No ComfyUI in {host.HOST}: set COMFYUI_PATH to a checkout of it.")
    host.put_first()
    host.allow_torchvision()
    argv, sys.argv = sys.argv, sys.argv[:1]  # the host would read our arguments as its own
    try:
        import comfy.cli_args
    finally:
        sys.argv = argv
    comfy.cli_args.args.cpu = not torch.cuda.is_available()
    comfy.cli_args.args.use_pytorch_cross_attention = True  # the fastest to train through


def device() -> torch.device:
    """Where training runs."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision() -> torch.autocast:
    """bfloat16 for the heavy operations; weights and losses stay float32."""
    return torch.autocast(device().type, dtype=torch.bfloat16)
