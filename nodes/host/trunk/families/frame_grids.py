"""Where families keep a video's frames in their token sequence.

Each takes the network, the latent it is given, (rows, channels, frames, height, width), and the call's keyword
arguments; None where there are no frames. All of these lay tokens out frame by frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from .....adacache import FrameGrid


def patches(network: nn.Module, x: Tensor, kwargs: Mapping[str, Any]) -> FrameGrid | None:
    """The video first, in patches rounded up; what other tokens there are come after it (S2V, HuMo)."""
    if x.ndim != 5:
        return None
    frames, height, width = (math.ceil(n / p) for n, p in zip(x.shape[2:], _patch(network), strict=True))
    return FrameGrid(frames, height * width)


def one_token_each(network: nn.Module, x: Tensor, kwargs: Mapping[str, Any]) -> FrameGrid | None:
    """A token per latent pixel of the video (LTX), the first of the latents where several are packed into one.

    Guiding frames are more frames of the latent.
    """
    shape = _first_latent(x, kwargs)
    return FrameGrid(shape[2], shape[3] * shape[4]) if len(shape) == 5 else None


def wan(network: nn.Module, x: Tensor, kwargs: Mapping[str, Any]) -> FrameGrid | None:
    """After the tokens of a reference image, if there is one; frames that were added in time come last."""
    grid = patches(network, x, kwargs)
    if grid is None or getattr(network, "ref_conv", None) is None or kwargs.get("reference_latent") is None:
        return grid
    return grid._replace(offset=_tokens(network, kwargs["reference_latent"]))


def hunyuan(network: nn.Module, x: Tensor, kwargs: Mapping[str, Any]) -> FrameGrid | None:
    """After the tokens of a reference latent, if there is one."""
    grid = patches(network, x, kwargs)
    if grid is None or kwargs.get("ref_latent") is None:
        return grid
    reference = kwargs["ref_latent"]
    return grid._replace(offset=_tokens(network, reference) * reference.shape[2])


def scail(network: nn.Module, x: Tensor, kwargs: Mapping[str, Any]) -> FrameGrid | None:
    """After the reference frames, which are set before the video in time."""
    grid = patches(network, x, kwargs)
    reference = kwargs.get("reference_latent")
    if grid is None or reference is None:
        return grid
    return grid._replace(offset=reference.shape[2] * grid.tokens)


def minimax(network: nn.Module, x: Tensor, kwargs: Mapping[str, Any]) -> FrameGrid | None:
    """The last segment of the sequence that text, sound and video share."""
    start, stop, _ = kwargs["minimax_payload"]["layout"].segments[-1]
    frames = _first_latent(x, kwargs)[2]
    return FrameGrid(frames, (stop - start) // frames, start)


def _first_latent(x: Tensor, kwargs: Mapping[str, Any]) -> tuple[int, ...]:
    """Shape of the first of the latents that came packed into one, or of the only one."""
    shapes = kwargs.get("latent_shapes")
    return tuple(shapes[0]) if shapes else tuple(x.shape)


def _tokens(network: nn.Module, reference: Tensor) -> int:
    """Tokens of one frame of a reference latent."""
    return math.prod(size // p for size, p in zip(reference.shape[-2:], _patch(network)[1:], strict=True))


def _patch(network: nn.Module) -> tuple[int, int, int]:
    """Latent frames, rows and columns to a token, by the names that the networks use."""
    if (patch := getattr(network, "patch_size", None)) is not None:
        in_time = getattr(network, "patch_size_t", None) or 1
        return (in_time, patch, patch) if isinstance(patch, int) else tuple(patch)
    return network.patch_temporal, network.patch_spatial, network.patch_spatial
