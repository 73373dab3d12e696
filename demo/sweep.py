"""Takes the pictures of AdaCache Sweep that the README shows, from the demo's model.

    .venv/bin/python -m demo.sweep [--out demo/pictures]

Look at the pictures before you keep them.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path

from PIL import Image

from demo import host
from demo.client import Client, Graph
from demo.serve import serving
from demo.workflow import Caching, Shot, graph

WIDTH = 1280
VALUES = "turbo, fast, balanced, near-lossless"


def sweep(shot: Shot, vary: str, values: str) -> Graph:
    """The demo's graph with a sweep at its end."""
    work = graph(shot, Caching("balanced", 1.0))
    for name in ("stats", "trace", "plot", "video", "save", "frames"):
        del work[name]
    work["decode"]["inputs"]["samples"] = ["sampler", 0]
    inputs = {"images": ["decode", 0], "handle": ["adacache", 1], "vary": vary, "values": values}
    inputs |= {"frames": 5, "plot_against": "computed steps"}
    work["sweep"] = {"class_type": "AdaCacheSweep", "inputs": inputs}
    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=host.DEMO / "pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temp:
        base = host.make_base(Path(temp))
        with serving(base, base / "server.log", "--cpu") as url, Client(url) as client:
            outputs = client.run(sweep(Shot(), "preset", VALUES)).outputs
            shown = next(out for name, out in outputs.items() if name.startswith("sweep.") and "images" in out)
            sheet, plot = (Image.open(io.BytesIO(client.fetch(file))).convert("RGB") for file in shown["images"])
    smaller = sheet.resize((WIDTH, round(sheet.height * WIDTH / sheet.width)), Image.Resampling.LANCZOS)
    # Photographs, where lossless files would be several times as large.
    smaller.save(options.out / "sweep.jpg", quality=88)
    plot.quantize(128).save(options.out / "sweep_plot.png", optimize=True)


if __name__ == "__main__":
    main()
