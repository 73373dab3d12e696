"""How far a video is from another one, frame by frame; the measures are libraries', chosen here."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

EQUAL_PSNR = 100.0
"""What equal frames count as, in dB, since infinity is no number to plot or to save."""
NEARLY_EQUAL_PSNR = 99.9
"""The most that frames of any difference count as."""
SSIM_WINDOW = 11
"""Pixels; the Gaussian window of the paper that proposed SSIM. Smaller frames have no SSIM."""
LPIPS_NET, LPIPS_BACKBONE = "alex", "alexnet-owt-*.pth"
MISSING = -1.0
"""What a number output gives for a measure that could not be taken."""

Watch = Callable[[int, int], None]
"""Told after every frame: how many are done, of how many. It may raise to stop."""


class MetricsMissing(RuntimeError):
    """No library that measures; the text says what to install."""


@dataclass(frozen=True)
class Measure:
    """One measure of a video.

    Attributes:
        frames: its value per frame; empty where it was not taken.
        overall: its value for the whole video; None where it was not taken.
        missing: why it was not taken, or "".
    """

    frames: tuple[float, ...] = ()
    overall: float | None = None
    missing: str = ""

    def number(self) -> float:
        return MISSING if self.overall is None else self.overall


class Scores(NamedTuple):
    """How close a video is to its reference: PSNR in dB and SSIM rise with closeness, LPIPS falls."""

    psnr: Measure
    ssim: Measure
    lpips: Measure

    @property
    def worst(self) -> int:
        """The frame with the lowest PSNR, from 0."""
        return min(range(len(self.psnr.frames)), key=self.psnr.frames.__getitem__)

    @property
    def decibels(self) -> float:
        """PSNR of the whole video; it is always measured."""
        return math.nan if self.psnr.overall is None else self.psnr.overall

    @property
    def equal(self) -> bool:
        return all(value >= EQUAL_PSNR for value in self.psnr.frames)


def score(
    video: Tensor, reference: Tensor, device: Any = "cpu", watch: Watch | None = None, deep: bool = True
) -> Scores:
    """Every measure of a video.

    Args:
        video, reference: [frames, height, width, channels], 0 to 1, of one size; see `check`.
        device: where frames are measured, one at a time.
        watch: told after every frame.
        deep: whether to take LPIPS too, which needs a network of its own.

    Raises: MetricsMissing, where neither kornia nor scikit-image can be imported; ValueError, where a frame has values
    that are no numbers, see `not_finite`.
    """
    library = _library()
    network, why = _lpips(str(device)) if deep else (None, "not asked for")
    small = min(video.shape[1:3]) < SSIM_WINDOW
    psnrs, ssims, deeps = [], [], []
    for n, (ours, theirs) in enumerate(zip(video, reference, strict=True), 1):
        ours, theirs = (frame[..., :3].to(device, torch.float32).clamp(0, 1) for frame in (ours, theirs))
        psnrs.append(_psnr(library, ours, theirs))
        if not small:
            ssims.append(library.ssim(ours, theirs))
        if network is not None:
            deeps.append(_deep(network, ours, theirs))
        if watch:
            watch(n, len(video))
    too_small = f"frames of less than {SSIM_WINDOW} pixels" if small else ""
    return Scores(
        Measure(tuple(psnrs), _overall_psnr(psnrs)),
        Measure(tuple(ssims), None if small else fmean(ssims), too_small),
        Measure(tuple(deeps), fmean(deeps) if deeps else None, why),
    )


def check(field: str, images: Tensor, reference_field: str, reference: Tensor) -> None:
    """That two videos are of one size and can be compared frame by frame. Raises: ValueError."""
    for name, video in ((field, images), (reference_field, reference)):
        if video.ndim != 4 or video.shape[0] < 1:
            raise ValueError(f"{name}: shape {list(video.shape)}; needed: [frames, height, width, channels]")
    if images.shape[0] != reference.shape[0]:
        raise ValueError(
            f"{field}: {images.shape[0]} frames, but {reference_field} has {reference.shape[0]}; "
            "both need the same number of frames"
        )
    if images.shape[1:3] != reference.shape[1:3]:
        ours, theirs = (f"{video.shape[2]} x {video.shape[1]}" for video in (images, reference))
        raise ValueError(f"{field}: {ours} pixels, but {reference_field} has {theirs}; both need the same size")


def not_finite(field: str, video: Tensor) -> str:
    """A sentence where a frame of a video has no numbers to compare, else ""."""
    for n, frame in enumerate(video, 1):
        if not bool(torch.isfinite(frame).all()):
            return (
                f"{field}: frame {n} of {len(video)} has values that are not finite (NaN or infinity), as a VAE in "
                "half precision may give; allowed: numbers. Try a VAE in full precision (--fp32-vae)"
            )
    return ""


def _psnr(library: _Kornia | _Skimage, ours: Tensor, theirs: Tensor) -> float:
    """PSNR of a frame, in dB."""
    if torch.equal(ours, theirs):
        return EQUAL_PSNR
    value = float(library.psnr(ours, theirs))
    if math.isnan(value):
        raise ValueError("frames with values that are no numbers cannot be compared")
    return min(NEARLY_EQUAL_PSNR, value)


def _overall_psnr(frames: Sequence[float]) -> float:
    """PSNR over all pixels of all frames: the mean is that of the squared errors, not of the decibels."""
    error = fmean(0.0 if value >= EQUAL_PSNR else 10 ** (-value / 10) for value in frames)
    return min(NEARLY_EQUAL_PSNR, -10 * math.log10(error)) if error > 0 else EQUAL_PSNR


@dataclass(frozen=True)
class _Kornia:
    """Comes with ComfyUI, and measures on any device."""

    metrics: ModuleType

    def psnr(self, ours: Tensor, theirs: Tensor) -> float:
        return float(self.metrics.psnr(ours, theirs, 1.0))

    def ssim(self, ours: Tensor, theirs: Tensor) -> float:
        ours, theirs = (frame.movedim(-1, 0)[None] for frame in (ours, theirs))
        return float(self.metrics.ssim(ours, theirs, SSIM_WINDOW, 1.0, padding="valid").mean())


@dataclass(frozen=True)
class _Skimage:
    """Where kornia is not; on the CPU."""

    metrics: ModuleType

    def psnr(self, ours: Tensor, theirs: Tensor) -> float:
        mine, its = (frame.cpu().numpy() for frame in (ours, theirs))
        return float(self.metrics.peak_signal_noise_ratio(its, mine, data_range=1.0))

    def ssim(self, ours: Tensor, theirs: Tensor) -> float:
        mine, its = (frame.cpu().numpy() for frame in (ours, theirs))
        # The window and the variances of the paper that proposed SSIM, which are kornia's too.
        paper = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        return float(self.metrics.structural_similarity(its, mine, channel_axis=-1, data_range=1.0, **paper))


LIBRARIES = ((_Kornia, "kornia"), (_Skimage, "skimage"))


def _library() -> _Kornia | _Skimage:
    for choice, package in LIBRARIES:
        try:
            return choice(importlib.import_module(f"{package}.metrics"))
        except (ImportError, OSError, RuntimeError):  # not there, or it does not fit the torch that is
            continue
    raise MetricsMissing(
        "PSNR and SSIM need the package kornia, which ComfyUI's own requirements name, or scikit-image; "
        "neither can be imported. Install one: pip install kornia"
    )


def _deep(network: Any, ours: Tensor, theirs: Tensor) -> float:
    ours, theirs = (frame.movedim(-1, 0)[None] for frame in (ours, theirs))
    with torch.no_grad():
        return float(network(ours, theirs, normalize=True))


def _lpips(device: str) -> tuple[Any, str]:
    """The LPIPS network, or None and why not. Nothing is ever downloaded."""
    if importlib.util.find_spec("lpips") is None:
        return None, "the package lpips is not installed"
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    if not any(folder.glob(LPIPS_BACKBONE)):
        return None, f"its weights ({LPIPS_BACKBONE}) are not in torch's folder hub/checkpoints; nothing is downloaded"
    try:
        return _lpips_network(device), ""
    except Exception as error:  # a package of others, and no more than a column of the report
        return None, f"the package lpips failed: {error}"


@lru_cache(maxsize=1)
def _lpips_network(device: str) -> Any:
    network = importlib.import_module("lpips").LPIPS(net=LPIPS_NET, verbose=False)
    return network.eval().requires_grad_(False).to(device)
