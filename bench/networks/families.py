"""Two more small networks for the bench: real clips in the LTX-Video layout, patterns in HunyuanVideo's.

Both are read by the host's own loader; their latents are linear (linear_latents.py), and a label stands for a
caption: a few fixed pseudo-random vectors.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).resolve().parent
TEXT_DIM, TOKENS = 256, 8  # features of a label


@dataclass(frozen=True)
class Network:
    """A network's name and shape."""

    name: str
    latent: tuple[int, int, int, int]  # channels, frames, rows, columns
    block: tuple[int, int, int]  # pixels behind a latent position: frames, rows, columns
    architecture: dict[str, Any]
    shift: float  # of the sampling recipe

    @property
    def weights(self) -> Path:
        return HERE / f"{self.name}.safetensors"

    @property
    def decoder(self) -> Path:
        return HERE / f"{self.name}_decoder.safetensors"


REAL = Network(
    name="ltx_real",
    latent=(128, 6, 8, 8),
    block=(2, 16, 16),
    architecture={
        "num_layers": 6,
        "num_attention_heads": 5,
        "attention_head_dim": 32,
        "cross_attention_dim": 160,
        "caption_channels": TEXT_DIM,
    },
    shift=3.0,
)
PATTERNS = Network(
    name="hunyuan_patterns",
    latent=(16, 8, 16, 16),
    block=(4, 8, 8),
    architecture={
        "in_channels": 16,
        "out_channels": 16,
        "patch_size": [1, 2, 2],
        "vec_in_dim": None,
        "context_in_dim": TEXT_DIM,
        "hidden_size": 128,
        "mlp_ratio": 4.0,
        "num_heads": 1,
        "depth": 2,
        "depth_single_blocks": 4,
        "axes_dim": [16, 56, 56],
        "theta": 256,
        "qkv_bias": True,
        "guidance_embed": False,
        "byt5": False,
        "meanflow": False,
        "use_cond_type_embedding": False,
        "vision_in_dim": None,
    },
    shift=3.0,
)
NETWORKS = {network.name: network for network in (REAL, PATTERNS)}


def features(label: str) -> torch.Tensor:
    """[1, TOKENS, TEXT_DIM]; zeros for the empty label, the unconditional."""
    if not label:
        return torch.zeros(1, TOKENS, TEXT_DIM)
    generator = torch.Generator().manual_seed(zlib.crc32(label.encode()))
    return torch.randn(1, TOKENS, TEXT_DIM, generator=generator)


def notes(network: Network) -> dict[str, str]:
    """What the host reads from an LTX-Video file's header, where the weights' shapes do not tell."""
    return {"config": json.dumps({"transformer": network.architecture})} if network is REAL else {}
