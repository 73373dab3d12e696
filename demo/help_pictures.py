"""Takes the pictures of the help pages, from runs of the demo's model.

    .venv/bin/python -m demo.help_pictures

Look at the pictures before you keep them.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from demo import host
from demo.brand import INK, PALE, PAPER, bars
from demo.client import Client, Graph
from demo.serve import serving
from demo.sweep import sweep
from demo.workflow import Caching, Shot, graph

FOLDER = host.REPO / "web" / "docs"
WIDTH, ROW, EDGE, LABEL, COUNT = 720, 64, 20, 190, 110
Steps = Sequence[bool]


def rows(lines: Sequence[tuple[str, str, Steps]]) -> Image.Image:
    """A row of bars for each line, with words at its left and right."""
    picture = Image.new("RGB", (WIDTH * 2, (len(lines) * ROW + EDGE) * 2), PAPER)
    draw = ImageDraw.Draw(picture)
    for number, (left, right, steps) in enumerate(lines):
        top, bottom = EDGE + number * ROW, number * ROW + ROW
        middle = top + bottom
        draw.text((EDGE * 2, middle), left, INK, ImageFont.load_default(38), anchor="lm")
        draw.text(((WIDTH - EDGE) * 2, middle), right, PALE, ImageFont.load_default(34), anchor="rm")
        bars(draw, (LABEL * 2, top * 2, (WIDTH - COUNT) * 2, bottom * 2), steps)
    return picture.resize((WIDTH, picture.height // 2), Image.Resampling.LANCZOS)


def count(steps: Steps) -> str:
    return f"{sum(steps)} of {len(steps)}"


def codebook() -> Image.Image:
    """The published codebook for 30 steps, as what follows a change."""
    edges = ("below 0.08", "below 0.16", "below 0.24", "below 0.32", "below 0.40", "above")
    lines = []
    for name, rate in zip(edges, (6, 5, 4, 3, 2, 1), strict=True):
        steps = [step % rate == 0 for step in range(13)]
        lines.append((f"change {name}" if not lines else name, f"rate {rate}", steps))
    return rows(lines)


class Runs:
    """Runs the demo's graph in a server."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def steps(self, work: Graph) -> list[bool]:
        """Which steps were computed."""
        (run,) = json.loads(self.client.run(work).outputs["trace"]["text"][0])["runs"]
        return [record["computed"] for record in run["records"]]

    def picture(self, work: Graph, node: str) -> Image.Image:
        """The first picture that a node shows."""
        outputs = self.client.run(work).outputs
        shown = next(out for name, out in outputs.items() if name.partition(".")[0] == node and "images" in out)
        return Image.open(io.BytesIO(self.client.fetch(shown["images"][0]))).convert("RGB")

    def plan(self) -> list[bool]:
        """The plan that Calibrate makes of one measured run, for twice the speed."""
        work = graph(Shot(), Caching("measure only", 1.0))
        inputs = {"handle": ["adacache", 1], "value": ["sampler", 0], "target": "speed-up (x)", "amount": 2.0}
        inputs |= {"runs": "this graph's runs", "protect": 0.15, "with_moreg": False, "save_as": "", "traces": ""}
        work["calibrate"] = {"class_type": "AdaCacheCalibrate", "inputs": inputs}
        work["plan"] = {"class_type": "PreviewAny", "inputs": {"source": ["calibrate", 5]}}
        total, _, chosen = self.client.run(work).outputs["plan"]["text"][0].partition(" steps: ")
        return [str(step) in chosen.split() for step in range(1, int(total) + 1)]

    def compared(self) -> Image.Image:
        """What Compare shows of turbo and the uncached video."""
        work = graph(Shot(), Caching("turbo", 1.0)) | {"plain": graph(Shot())["sampler"]}
        work["decoded"] = {"class_type": "VAEDecode", "inputs": {"samples": ["plain", 0], "vae": ["vae", 0]}}
        inputs = {"images": ["decode", 0], "reference": ["decoded", 0], "view": "side by side and heat map"}
        work["compare"] = {"class_type": "AdaCacheCompare", "inputs": inputs | {"wipe_at": 0.5, "heat_max": 0.0}}
        return self.picture(work, "compare")


def pictures(runs: Runs) -> dict[str, Image.Image]:
    """By the node's id."""
    plans = {
        name: runs.steps(graph(Shot(), Caching(name, 1.0))) for name in ("near-lossless", "balanced", "fast", "turbo")
    }
    moving = Shot()
    still = replace(moving, prompt=f"{moving.prompt.rpartition(', ')[0]}, standing still")
    moved = [runs.steps(graph(shot, Caching(moreg=True))) for shot in (still, moving)]
    plan = runs.plan()
    sheet = runs.picture(sweep(Shot(), "preset", "turbo, fast, balanced"), "sweep")
    return {
        "AdaCachePatchModel": rows([(name, count(steps), steps) for name, steps in plans.items()]),
        "AdaCacheMoRegSettings": rows([(n, count(s), s) for n, s in zip(("still", "moves"), moved, strict=True)]),
        "AdaCacheCodebook": codebook(),
        "AdaCacheCalibrate": rows([("measured", "30 of 30", [True] * 30), ("plan for 2x", count(plan), plan)]),
        "AdaCacheCalibration": rows([("my wan", count(plan), plan)]),
        "AdaCacheStats": runs.picture(graph(Shot(), Caching("balanced", 1.0)), "plot"),
        "AdaCacheCompare": runs.compared(),
        "AdaCacheSweep": sheet,
    }


def main() -> None:
    """Command line."""
    with tempfile.TemporaryDirectory() as temp:
        base = host.make_base(Path(temp))
        with serving(base, base / "server.log", "--cpu") as url, Client(url) as client:
            for name, picture in pictures(Runs(client)).items():
                if picture.width > WIDTH:
                    high = round(picture.height * WIDTH / picture.width)
                    picture = picture.resize((WIDTH, high), Image.Resampling.LANCZOS)
                picture.save(FOLDER / f"{name}.webp", quality=70, method=6)


if __name__ == "__main__":
    main()
