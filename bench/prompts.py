"""AdaCache over the demo's prompts, in a real ComfyUI: computed steps and quality by motion level.

    .venv/bin/python -m bench.prompts --out bench/results/demo_prompts.json       # after bash demo/run.sh

Every prompt is sampled uncached, then with each way of saving steps at the same seed; videos are compared with the
uncached one as decoded frames. Seconds are the sampler's and say something only on an idle machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from tqdm import tqdm

from demo import host
from demo.client import Client
from demo.metrics import Video, decode, psnr, ssim
from demo.serve import serving
from demo.workflow import Caching, Shot, graph

CAP = 60.0  # dB; closer than this is the same video, and equal ones would be infinite
LEVELS = ("still", "slowly", "fast", "erratically")  # the captions' words for how much moves


@dataclass(frozen=True)
class Way:
    """A way to save steps: caching, or simply running fewer."""

    name: str
    caching: Caching | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Sample:
    """One video: what it cost, and how close it is to the uncached one of its prompt."""

    way: str
    prompt: str
    level: str
    computed: int
    seconds: float
    psnr: float
    ssim: float
    score: float | None  # median motion score


def ways(plain: list[float], moreg: list[float], fewer: list[int]) -> list[Way]:
    """Caching by sensitivity, without and with MoReg, and fewer steps."""
    return [
        *(Way(f"AdaCache x{s:g}", Caching(sensitivity=s)) for s in plain),
        *(Way(f"AdaCache + MoReg x{s:g}", Caching(sensitivity=s, moreg=True)) for s in moreg),
        *(Way(f"{steps} steps", steps=steps) for steps in fewer),
    ]


def measure(client: Client, shot: Shot, among: list[Way]) -> Iterator[Sample]:
    """All ways on one prompt; the uncached video is their reference."""
    level = next(level for level in LEVELS if level in shot.prompt)
    reference, _, seconds, _ = film(client, shot, None)
    yield Sample("uncached", shot.prompt, level, shot.steps, seconds, CAP, 1.0, None)
    for way in among:
        taken = replace(shot, steps=way.steps or shot.steps)
        frames, computed, seconds, score = film(client, taken, way.caching)
        close = (min(CAP, psnr(frames, reference)), ssim(frames, reference))
        yield Sample(way.name, shot.prompt, level, computed, seconds, *close, score)


def film(client: Client, shot: Shot, caching: Caching | None) -> tuple[Video, int, float, float | None]:
    """Frames, computed steps, the sampler's seconds and the median motion score of one video."""
    done = client.run(graph(shot, caching))
    frames = decode(map(client.fetch, done.outputs["frames"]["images"]))
    if caching is None:
        return frames, shot.steps, done.seconds["sampler"], None
    (run,) = json.loads(done.outputs["trace"]["text"][0])["runs"]
    scores = sorted(r["score"] for r in run["records"] if r["score"] is not None)
    return frames, run["derived"]["computed"], done.seconds["sampler"], scores[len(scores) // 2] if scores else None


def table(samples: list[Sample]) -> str:
    """Means by way, and computed steps by motion level."""
    head = ["way", "computed", *LEVELS, "PSNR", "worst", "SSIM", "speed-up"]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    uncached = mean(s.seconds for s in samples if s.way == "uncached")
    for way in dict.fromkeys(s.way for s in samples):
        mine = [s for s in samples if s.way == way]
        by_level = [[s.computed for s in mine if s.level == level] for level in LEVELS]
        cells = [way, f"{mean(s.computed for s in mine):.1f}"]
        cells += [f"{mean(level):.1f}" if level else "" for level in by_level]
        cells += [f"{mean(s.psnr for s in mine):.1f}", f"{min(s.psnr for s in mine):.1f}"]
        cells += [f"{mean(s.ssim for s in mine):.3f}", f"{uncached / mean(s.seconds for s in mine):.2f}x"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=Path, default=host.DEMO / "prompts.txt", help="one caption per line")
    parser.add_argument("--every", type=int, default=1, help="use every n-th prompt")
    parser.add_argument("--sensitivities", type=float, nargs="+", default=[0.5, 1, 2, 4, 8], help="without MoReg")
    parser.add_argument("--moreg", type=float, nargs="+", default=[2, 4], help="sensitivities with MoReg")
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 15], help="step counts to compare with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="JSON; a table is written beside it")
    options = parser.parse_args()
    prompts = options.prompts.read_text().split("\n")[:: options.every]
    prompts = [prompt for prompt in prompts if prompt.strip()]
    among = ways(options.sensitivities, options.moreg, options.steps)
    samples: list[Sample] = []
    base = host.make_base(host.CACHE / "base")
    with serving(base, host.CACHE / "bench.log", "--cpu") as url, Client(url) as client:
        client.run(graph(replace(Shot(prompts[0]), steps=4)))  # loads the model
        for prompt in tqdm(prompts, desc="prompts"):
            samples += measure(client, Shot(prompt, options.seed), among)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps({"seed": options.seed, "steps": Shot().steps, "samples": [vars(s) for s in samples]}, indent=1)
        + "\n"
    )
    options.out.with_suffix(".md").write_text(table(samples) + "\n")
    print(table(samples))


if __name__ == "__main__":
    main()
