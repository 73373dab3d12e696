"""Where the host, ComfyUI, is, and how the demo and the tests bring our pack and models to it.

The host runs with a base folder of our own, so a checkout named by COMFYUI_PATH is only read.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
DEMO = REPO / "demo"
MODELS = DEMO / "models"
DEMO_NODE = DEMO / "custom_nodes" / "adacache_demo"
CACHE = DEMO / ".cache"  # ignored by git
OUTPUT = DEMO / "output"  # ignored by git
HOST = Path(os.environ.get("COMFYUI_PATH") or CACHE / "ComfyUI").expanduser().resolve()

PACK_NAME = "ComfyUI-AdaCache"  # the dash is deliberate: users' folders have one
NETWORK = "wan_demo_t2v.safetensors"
VAE = "wan_demo_vae.safetensors"


def make_base(folder: Path) -> Path:
    """Fills a base folder for the host: our pack, the demo's node and the demo's models, as links."""
    for name in ("input", "output", "temp", "user"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _link(folder / "custom_nodes" / PACK_NAME, REPO)
    _link(folder / "custom_nodes" / DEMO_NODE.name, DEMO_NODE)
    _link(folder / "models" / "diffusion_models" / NETWORK, MODELS / NETWORK)
    _link(folder / "models" / "vae" / VAE, MODELS / VAE)
    return folder


def import_host(base: Path, cpu: bool = True) -> None:
    """Makes the host's modules importable in this process, before ours of the same name.

    Args:
        base: the base folder that it gets.
        cpu: compute there; else where the host itself would.
    """
    if not is_here():
        raise RuntimeError(f"No ComfyUI in {HOST}. Run bash tests/run.sh, or set COMFYUI_PATH.")
    put_first()
    allow_torchvision()
    import comfy.cli_args

    comfy.cli_args.args.cpu = cpu
    comfy.cli_args.args.base_directory = str(make_base(base))  # before folder_paths is imported
    import utils.extra_config  # noqa: F401  before nodes.py puts comfy/ in front, which has a utils.py


def is_here() -> bool:
    """Whether there is a host to run."""
    return (HOST / "comfy" / "ldm").is_dir()


def put_first() -> None:
    """Lets `import nodes` find the host's nodes.py: our own folder of that name would hide it."""
    if str(HOST) not in sys.path:
        sys.path.insert(0, str(HOST))


def allow_torchvision() -> None:
    """Lets a CUDA build of torchvision import beside a CPU build of torch.

    Such a pair lacks two operators. Nothing here calls them; they only have to exist.
    """
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", "(Tensor boxes, Tensor scores, float iou) -> Tensor")


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(target)
