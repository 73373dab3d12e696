"""The table of model families: where a network's blocks are, what is measured in them, where the frames are.

A row reads: the stacks of blocks in running order, and how each is hooked; how a hidden state is read as tensors with
the batch first; the frame grid; the measured attention and its gate; what else a reused step need not run. Classes
are known by name, so that no internals of the host are imported. Adding a family is a row here and one in
tests/host/models/members.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from .....adacache import FrameGrid
from . import frame_grids as grids
from . import gates
from . import hidden_states as layouts
from . import side_blocks as sides

Gate = Callable[[nn.Module, Mapping[str, Any], Tensor], Tensor | None]
Grid = Callable[[nn.Module, Tensor, Mapping[str, Any]], FrameGrid | None]
Quiet = Callable[[nn.Module], AbstractContextManager[object]]


@dataclass(frozen=True)
class Stack:
    """Blocks that run one after the other.

    Attributes:
        blocks: attribute of the network that holds them, a list or a dictionary of modules.
        kind: first part of their key in `patches_replace["dit"]`; "" hooks their `forward` for the call instead.
        state: what runs through them, the video first: entries of the patch's arguments and result, or parameters
            of `forward`, in the order in which it returns them.
        joined: where the video's tokens are once a stack runs on video and text together: "", "first" or "last".
    """

    blocks: str
    kind: str = "double_block"
    state: tuple[str, ...] = ("img",)
    joined: str = ""


@dataclass(frozen=True)
class Family:
    """How one family's trunk is hooked.

    Attributes:
        name: what people read.
        stacks: its blocks.
        grid: from the network, its latent input and the call's keyword arguments to the frame grid; None for images.
        layout: how a hidden state is read as tensors of (rows, tokens, ...).
        attention: attribute of a block whose output is the self-attention residual before its gate; "" measures all
            that the middle block adds.
        gate: from the block, its arguments and that output to the gated residual; None where it cannot tell.
        writes: whether blocks write into their input.
        copies: whether something between the blocks writes into what the first block returned, and reads the trunk's
            input again.
        drops: keyword arguments of the call that only such side blocks read.
        quiet: keeps the side blocks from running in a reused call, whose output would be thrown away.
    """

    name: str
    stacks: tuple[Stack, ...] = (Stack("blocks"),)
    grid: Grid | None = None
    layout: layouts.Layout = layouts.TOKENS
    attention: str = ""
    gate: Gate | None = None
    writes: bool = False
    copies: bool = False
    drops: tuple[str, ...] = ()
    quiet: Quiet = lambda network: nullcontext()


def both(first: str, last: str, joined: str) -> tuple[Stack, Stack]:
    """Blocks that run on video and text side by side, then blocks that run on both joined."""
    return Stack(first, state=("img", "txt")), Stack(last, "single_block", joined=joined)


def plain(blocks: str, *state: str) -> tuple[Stack]:
    """Blocks that the host lets nobody replace: their `forward` is hooked."""
    return (Stack(blocks, "", state),)


PREDICT2 = Family("Cosmos Predict2", plain("blocks", "x_B_T_H_W_D"), grids.patches)
PAIR = (Stack("blocks", state=("img", "txt")),)
WAN = Family("Wan", grid=grids.wan, attention="self_attn", gate=gates.wan)
LTX = Family("LTX-Video", (Stack("transformer_blocks"),), grids.one_token_each, attention="attn1", gate=gates.ltx,
             writes=True)  # fmt: skip
FLUX = Family("Flux", both("double_blocks", "single_blocks", "last"), writes=True)

FAMILIES: dict[str, Family] = {
    # Wan (comfy/ldm/wan)
    "WanModel": WAN,
    "VaceWanModel": replace(WAN, name="Wan VACE", copies=True, quiet=sides.vace),
    "CameraWanModel": replace(WAN, name="Wan Camera"),
    "WanModel_S2V": replace(WAN, name="Wan S2V", grid=grids.patches, quiet=sides.injected("audio_injector")),
    "HumoWanModel": replace(WAN, name="Wan HuMo", grid=grids.patches, drops=("audio_embed",)),
    "AnimateWanModel": replace(WAN, name="Wan Animate", drops=("face_pixel_values",)),
    "SCAILWanModel": replace(WAN, name="Wan SCAIL", grid=grids.scail),
    "SCAIL2WanModel": replace(WAN, name="Wan SCAIL 2", grid=grids.scail),
    "WanAnimate2Model": replace(WAN, name="Wan Animate 2", attention="", gate=None, drops=("pose_latents",)),
    "WanDancerModel": replace(WAN, name="Wan Dancer", quiet=sides.injected("music_injector")),
    # Other video
    "HunyuanVideo": Family("HunyuanVideo", both("double_blocks", "single_blocks", "first"), grids.hunyuan, writes=True),
    "LTXVModel": LTX,
    "LTXAVModel": replace(LTX, name="LTX-2", layout=layouts.TUPLE, attention="", gate=None),
    "AsymmDiTJoint": Family("Mochi", PAIR, grids.patches),
    "GeneralDIT": Family("Cosmos 1", plain("blocks", "x"), grids.patches, layouts.ROWS_FOURTH, writes=True),
    "MiniTrainDIT": PREDICT2,
    "Anima": replace(PREDICT2, name="Anima"),
    "Kandinsky5": Family("Kandinsky 5", plain("visual_transformer_blocks", "visual_embed"), grids.patches),
    "CogVideoXTransformer3DModel": Family(
        "CogVideoX", plain("blocks", "hidden_states", "encoder_hidden_states"), grids.patches
    ),
    "MiniMaxH3Model": Family("MiniMax H3", grid=grids.minimax, layout=layouts.NO_ROWS, writes=True),
    # Images
    "Flux": FLUX,
    "Chroma": replace(FLUX, name="Chroma"),
    "QwenImageTransformer2DModel": Family("Qwen-Image", (Stack("transformer_blocks", state=("img", "txt")),)),
    "OpenAISignatureMMDITWrapper": Family("Stable Diffusion 3", (Stack("joint_blocks", state=("img", "txt")),)),
    "NextDiT": Family("Lumina 2", plain("layers", "x")),
}


def family_of(network: nn.Module) -> Family | None:
    """The network's row, or None; a compiled network answers as the one inside."""
    return FAMILIES.get(type(getattr(network, "_orig_mod", network)).__name__)
