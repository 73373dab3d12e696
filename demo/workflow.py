"""The demo's graph, in the form the API takes: the demo model, with or without AdaCache."""

from __future__ import annotations

from dataclasses import dataclass

from demo import host
from demo.client import Graph

FPS = 12
SHIFT = 3.0
NEGATIVE = ""  # the demo model knows the empty caption as "no condition"


@dataclass(frozen=True)
class Shot:
    """What the video shows and how it is sampled; the same for every way of caching."""

    prompt: str = "one green circle and two blue stars on a gray background, moving fast"
    seed: int = 1
    steps: int = 30
    cfg: float = 3.0
    size: int = 128  # what the demo model was trained on, as are 33 frames
    frames: int = 33


@dataclass(frozen=True)
class Caching:
    """The settings of AdaCache in the demo; the numbers are for the demo model."""

    preset: str = "paper fast"
    sensitivity: float = 2.0
    moreg: bool = False


OPENED = Caching("balanced", 1.0)
"""What the demo opens with: the default preset."""

# MoReg compares a video's motion to what is usual for the model. Published: norm 0.385 and power 8, of Open-Sora. The
# norm here is the demo model's median motion score. Its videos differ by a factor of four: power 8 would overdo it.
MOREG = {
    "strides": "1",
    "norm": 0.18,
    "power": 2.0,
    "divisor": 1.0,
    "gradient_weight": 10.0,
    "first_step": 0,
    "last_step": 0,
}


def graph(shot: Shot, caching: Caching | None = None) -> Graph:
    """The demo workflow; without caching it has no node of ours between loader and video."""
    nodes = {
        "network": _node("UNETLoader", unet_name=host.NETWORK, weight_dtype="default"),
        "shift": _node("ModelSamplingSD3", model=["network", 0], shift=SHIFT),
        "prompt": _node("AdaCacheDemoTextEncode", caption=shot.prompt),
        "negative": _node("AdaCacheDemoTextEncode", caption=NEGATIVE),
        "latent": _node("EmptyHunyuanLatentVideo", width=shot.size, height=shot.size, length=shot.frames, batch_size=1),
        "sampler": _sampler(shot, "adacache" if caching else "shift"),
        "vae": _node("VAELoader", vae_name=host.VAE),
        "decode": _node("VAEDecode", samples=["stats" if caching else "sampler", 0], vae=["vae", 0]),
        "video": _node("CreateVideo", images=["decode", 0], fps=FPS),
        "save": _node("SaveVideo", video=["video", 0], filename_prefix="AdaCache/demo", format="auto", codec="auto"),
        "frames": _node("PreviewImage", images=["decode", 0]),  # without loss, for PSNR and SSIM
    }
    return nodes | (_caching_nodes(caching) if caching else {})


def _sampler(shot: Shot, model: str) -> dict:
    return _node(
        "KSampler",
        model=[model, 0],
        positive=["prompt", 0],
        negative=["negative", 0],
        latent_image=["latent", 0],
        seed=shot.seed,
        steps=shot.steps,
        cfg=shot.cfg,
        sampler_name="euler",
        scheduler="simple",
        denoise=1.0,
    )


def _caching_nodes(caching: Caching) -> Graph:
    patch = _node(
        "AdaCachePatchModel",
        model=["shift", 0],
        preset=caching.preset,
        sensitivity=caching.sensitivity,
        start_percent=0.0,
        end_percent=1.0,
        max_reuses=0,
        cache_location="auto",
    )
    if caching.moreg:
        patch["inputs"]["moreg"] = ["moreg", 0]
    nodes = {
        "adacache": patch,
        "stats": _node("AdaCacheStats", handle=["adacache", 1], value=["sampler", 0]),
        "trace": _node("PreviewAny", source=["stats", 5]),
        "plot": _node("PreviewImage", images=["stats", 6]),
    }
    return nodes | ({"moreg": _node("AdaCacheMoRegSettings", **MOREG)} if caching.moreg else {})


def _node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}
