"""A Wan 2.1 network and VAE of the official layout, tiny and untrained, written as checkpoints.

For tests where speed matters and the picture does not. Built with the host's own classes, so the
host must be importable.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file


def write_network(
    path: Path, dim: int = 128, blocks: int = 4, ffn_dim: int = 256, kind: str = "WanModel", **more: object
) -> Path:
    """Writes a text-to-video network; `kind` names another class of the host, which `more` goes to."""
    import comfy.ldm.wan.model
    import comfy.ldm.wan.model_animate
    import comfy.ops

    modules = (comfy.ldm.wan.model, comfy.ldm.wan.model_animate)
    network_class = next(getattr(module, kind) for module in modules if hasattr(module, kind))
    network = network_class(
        dim=dim,
        ffn_dim=ffn_dim,
        num_heads=dim // 128,  # what the host's detection assumes
        num_layers=blocks,
        operations=comfy.ops.disable_weight_init,
        dtype=torch.float32,
        **more,
    )
    return _write(network, path)


def write_vae(path: Path, dim: int = 8) -> Path:
    """Writes a Wan 2.1 VAE of 16 channels."""
    import comfy.ldm.wan.vae

    vae = comfy.ldm.wan.vae.WanVAE(dim=dim, z_dim=16, temperal_downsample=[False, True, True])
    return _write(vae, path)


def _write(module: torch.nn.Module, path: Path) -> Path:
    # The host's layers leave their memory as it was: every weight is set here, always the same way.
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, weight in module.state_dict().items():
        scale = weight[0].numel() ** -0.5 if weight.dim() > 1 else 0.1
        weights[name] = torch.randn(weight.shape, generator=generator) * scale
        if "norm" in name and name.endswith("weight") or name.endswith("gamma"):
            weights[name] += 1.0
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path)
    return path
