"""The networks that are timed: their layouts as released, what a graph gives them, and random weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Size(NamedTuple):
    """Of a video in pixels; `length` counts frames."""

    name: str
    width: int
    height: int
    length: int


SIZES = (Size("480p", 832, 480, 81), Size("720p", 1280, 720, 81))
SMALL = Size("small", 64, 64, 9)


@dataclass(frozen=True, eq=False)
class Network:
    """A network of the host's.

    Attributes:
        kind: a class of `comfy/supported_models.py`; hosts of some age lack some.
        layout: what its constructor takes.
        small: what replaces parts of the layout where only the command is to be checked.
        text: length and width of the prompt's features, and the width in the small layout.
        latent: (width, height, length) in pixels and frames to the shapes of the latent, of one batch row.
        billions: of parameters.
        passed: of those, what a token of the video goes through.
        layers, attention: transformer blocks, and the width of their attention; for an estimate of the work.
        patch: rows and columns of the latent that make a token.
    """

    name: str
    kind: str
    layout: dict[str, Any]
    small: dict[str, Any]
    text: tuple[int, int, int]
    latent: Callable[[Size], tuple[tuple[int, ...], ...]]
    billions: float
    passed: float
    layers: int
    attention: int
    patch: int = 2
    more: Callable[[], dict[str, Any]] = field(default=dict)

    def tokens(self, size: Size) -> int:
        """Of the video."""
        _, frames, *sides = self.latent(size)[0]
        return frames * math.prod(math.ceil(side / self.patch) for side in sides)

    def work(self, size: Size) -> float:
        """Floating-point operations of a step, for the prompt and the empty one; an estimate."""
        tokens = self.tokens(size)
        return 2 * (2 * self.passed * 1e9 * tokens + 4 * self.layers * self.attention * tokens**2)

    def text_features(self, small: bool) -> Tensor:
        length, width, narrow = self.text
        return torch.randn(1, 8 if small else length, narrow if small else width)


def wan_latent(size: Size) -> tuple[tuple[int, ...], ...]:
    return ((16, (size.length - 1) // 4 + 1, size.height // 8, size.width // 8),)


def hunyuan_latent(size: Size) -> tuple[tuple[int, ...], ...]:
    return ((32, (size.length - 1) // 4 + 1, size.height // 16, size.width // 16),)


def h3_latent(size: Size) -> tuple[tuple[int, ...], ...]:
    """Video and sound; frames come in 17 k + 5 (`comfy_extras/nodes_minimax_h3.py`), the next number counts."""
    groups = math.ceil(max(0, size.length - 5) / 17)
    sound = round((17 * groups + 5) / 24 * 40)
    return ((24, 5 * groups + 2, size.height // 16, size.width // 16), (32, 2, sound))


WAN = {"image_model": "wan2.1", "model_type": "t2v", "in_dim": 16}
WAN_SMALL = {"dim": 128, "ffn_dim": 256, "num_heads": 1, "num_layers": 4}
HUNYUAN_15 = {
    "image_model": "hunyuan_video",
    "in_channels": 65,
    "out_channels": 32,
    "vec_in_dim": None,
    "context_in_dim": 3584,
    "hidden_size": 2048,
    "mlp_ratio": 4.0,
    "num_heads": 16,
    "depth": 54,
    "depth_single_blocks": 0,
    "axes_dim": [16, 56, 56],
    "theta": 256,
    "patch_size": [1, 1, 1],
    "qkv_bias": True,
    "guidance_embed": False,
    "byt5": True,
    "meanflow": False,
    "use_cond_type_embedding": True,
    "vision_in_dim": 1152,
    "meanflow_sum": True,
}
H3_SMALL = {
    "hidden_size": 64,
    "num_layers": 4,
    "token_refiner_num_layers": 1,
    "num_attention_heads": 1,
    "ffn_hidden_size": 128,
    "text_dim": 48,
    "timestep_input_dim": 32,
    "time_embed_hidden_size": 32,
    "time_embed_dim": 32,
}

WAN_1B = Network(
    "Wan 2.1 1.3B",
    "WAN21_T2V",
    WAN | {"dim": 1536, "ffn_dim": 8960, "num_heads": 12, "num_layers": 30},
    WAN_SMALL,
    (512, 4096, 4096),
    wan_latent,
    billions=1.4,
    passed=1.3,
    layers=30,
    attention=1536,
)
WAN_14B = Network(
    "Wan 2.1 14B",
    "WAN21_T2V",
    WAN | {"dim": 5120, "ffn_dim": 13824, "num_heads": 40, "num_layers": 40},
    WAN_SMALL,
    (512, 4096, 4096),
    wan_latent,
    billions=14.3,
    passed=12.4,
    layers=40,
    attention=5120,
)
HUNYUAN = Network(
    "HunyuanVideo 1.5",
    "HunyuanVideo15",
    HUNYUAN_15,
    {"context_in_dim": 256, "hidden_size": 128, "num_heads": 1, "depth": 4},
    (256, 3584, 256),
    hunyuan_latent,
    billions=8.3,
    passed=2.7,
    layers=54,
    attention=2048,
    patch=1,
    more=lambda: {"pooled_output": None, "conditioning_byt5small": torch.randn(1, 64, 1472)},
)
H3 = Network(
    "MiniMax H3",
    "MiniMaxH3",
    {"image_model": "minimax_h3"},
    H3_SMALL,
    (256, 5120, 48),
    h3_latent,
    billions=33.1,
    passed=19.3,
    layers=50,
    attention=7168,
)
PLACES = ((WAN_1B, 0), (WAN_14B, 0), (WAN_1B, 1), (HUNYUAN, 0), (H3, 0), (WAN_14B, 1), (HUNYUAN, 1), (H3, 1))
ORDER = tuple((network, SIZES[size]) for network, size in PLACES)
"""What is measured, the most telling for its time first."""


class NotHere(RuntimeError):
    """The host does not have the network."""


def build(network: Network, device: torch.device, small: bool) -> Any:
    """A MODEL of random weights, made where it computes: bfloat16, or float32 where it is small.

    Raises:
        NotHere: this host has no such network.
    """
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models

    kind = getattr(comfy.supported_models, network.kind, None)
    if kind is None:
        raise NotHere(f"this ComfyUI has no {network.name}")
    config = kind(known(network.layout | (network.small if small else {})))
    config.set_inference_dtype(torch.float32 if small else torch.bfloat16, None)
    model = config.get_model({}, "", device=device)
    model.diffusion_model.to(device)  # all of it, also what did not ask where it is to be
    generator = torch.Generator(device).manual_seed(0)
    for name, weight in model.diffusion_model.state_dict().items():
        randomize(name, weight, generator)
    # On the device when it is not used, too: moving it would take longer than what is measured.
    patcher = comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=device)
    comfy.model_management.load_models_gpu([patcher], force_full_load=True)
    return patcher


def known(layout: dict[str, Any]) -> dict[str, Any]:
    """What this version of the host takes of a layout; HunyuanVideo names all that it takes."""
    if layout["image_model"] != "hunyuan_video":
        return layout
    from comfy.ldm.hunyuan_video.model import HunyuanVideoParams

    names = {"image_model", *HunyuanVideoParams.__dataclass_fields__}
    return {name: value for name, value in layout.items() if name in names}


def randomize(name: str, weight: Tensor, generator: torch.Generator) -> None:
    """Weights that keep a hidden state's size; the host's layers leave their memory as it was."""
    if not weight.is_floating_point():
        weight.zero_()
        return
    weight.normal_(0.0, weight[0].numel() ** -0.5 if weight.dim() > 1 else 0.1, generator=generator)
    if name.endswith("inv_freq"):  # a table, not a weight
        weight.abs_()
    elif "norm" in name and name.endswith(("weight", "scale")):
        weight.add_(1.0)
