"""What this command needs on a machine that has PyTorch and no network, in one folder."""

from __future__ import annotations

import re
from pathlib import Path

from demo import host

from ..pack import pack

# Of the project: neither pictures nor trained models, nor what others measured, nor what is left out elsewhere.
WITHOUT = (".gitignore", "bench/networks", "bench/results", "demo/models", "demo/pictures", "demo/train", "tests")
# Of the host: no text is encoded.
HOST_WITHOUT = ("blueprints", "comfy_api_nodes", "tokenizer.json", "vocab.json", "merges.txt")
WHEELS = ("torchsde", "trampoline")
# The host's own, where it asks for them; without compiled kernels the second does all in PyTorch.
HOST_WHEELS, HOST_PURE = ("comfy-aimdo",), ("comfy-kitchen",)


def packed(folder: Path) -> int:
    """Fills the folder anew; returns its size in bytes. There, `bash bench/real_size.sh` runs as it does here."""
    asked = (host.HOST / "requirements.txt").read_text()
    pins = {re.split(r"[=<>~!]", line)[0]: line for line in asked.split()}
    wheels = [*WHEELS, *(pins[name] for name in HOST_WHEELS if name in pins)]
    pure = [pins[name] for name in HOST_PURE if name in pins]
    return pack(folder, wheels, [], "3.12", pure, WITHOUT, HOST_WITHOUT)
