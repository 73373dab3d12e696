"""How close a video is to the uncached one."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

Video = np.ndarray  # [frames, height, width, 3], uint8


def decode(pngs: Iterable[bytes]) -> Video:
    """The frames of a video from lossless files."""
    return np.stack([np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in pngs])


def psnr(video: Video, reference: Video) -> float:
    """Peak signal-to-noise ratio over all pixels of all frames, in dB; infinite for equal videos."""
    if np.array_equal(video, reference):
        return float("inf")
    return float(peak_signal_noise_ratio(reference, video))


def ssim(video: Video, reference: Video) -> float:
    """Structural similarity, the mean over the frames; 1 for equal videos."""
    frames = zip(video, reference, strict=True)
    return float(np.mean([structural_similarity(b, a, channel_axis=-1) for a, b in frames]))
