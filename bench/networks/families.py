"""The bench's own small networks, of four layouts and three kinds of clips.

All are read by the host's own loader; their latents are linear (linear_latents.py), and a label stands for a
caption: a few fixed pseudo-random vectors.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

HERE = Path(__file__).resolve().parent
TEXT_DIM, TOKENS = 256, 8  # features of a label
WAN_TEXT_DIM = 4096  # what the host takes every Wan network for


@dataclass(frozen=True)
class Network:
    """A network's name and shape."""

    name: str
    layout: Literal["ltx", "hunyuan", "wan"]
    clips: Literal["real", "patterns", "shapes"]
    latent: tuple[int, int, int, int]  # channels, frames, rows, columns
    block: tuple[int, int, int]  # pixels behind a latent position: frames, rows, columns
    architecture: dict[str, Any]
    shift: float  # of the sampling recipe

    @property
    def text_dim(self) -> int:
        return WAN_TEXT_DIM if self.layout == "wan" else TEXT_DIM

    def blocks(self, model: Any) -> list[nn.Module]:
        """The transformer blocks of a network of this layout, in order."""
        names = {"ltx": ("transformer_blocks",), "hunyuan": ("double_blocks", "single_blocks"), "wan": ("blocks",)}
        return [block for name in names[self.layout] for block in getattr(model, name)]

    @property
    def weights(self) -> Path:
        return HERE / f"{self.name}.safetensors"

    @property
    def decoder(self) -> Path:
        return HERE / f"{self.name}_decoder.safetensors"


LTX_REAL = Network(
    name="ltx_real",
    layout="ltx",
    clips="real",
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
HUNYUAN_PATTERNS = Network(
    name="hunyuan_patterns",
    layout="hunyuan",
    clips="patterns",
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
WAN_REAL = Network(
    name="wan_real",
    layout="wan",
    clips="real",
    latent=(16, 5, 16, 16),
    block=(4, 8, 8),
    architecture={"dim": 128, "num_heads": 1, "ffn_dim": 512, "num_layers": 8},
    shift=3.0,
)
WAN22_SHAPES = Network(  # of 48 channels, as the 5B network of Wan 2.2
    name="wan22_shapes",
    layout="wan",
    clips="shapes",
    latent=(48, 8, 16, 16),
    block=(4, 8, 8),
    architecture={"in_dim": 48, "out_dim": 48, "dim": 128, "num_heads": 1, "ffn_dim": 256, "num_layers": 11},
    shift=3.0,
)
NETWORKS = {network.name: network for network in (LTX_REAL, HUNYUAN_PATTERNS, WAN_REAL, WAN22_SHAPES)}


def features(label: str, width: int = TEXT_DIM) -> torch.Tensor:
    """[1, TOKENS, width]; zeros for the empty label, the unconditional."""
    if not label:
        return torch.zeros(1, TOKENS, width)
    generator = torch.Generator().manual_seed(zlib.crc32(label.encode()))
    return torch.randn(1, TOKENS, width, generator=generator)


def notes(network: Network) -> dict[str, str]:
    """What the host reads from an LTX-Video file's header, where the weights' shapes do not tell."""
    return {"config": json.dumps({"transformer": network.architecture})} if network.layout == "ltx" else {}
