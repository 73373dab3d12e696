"""The demo: one video, first without AdaCache, then with it, in a real ComfyUI; called by run.sh."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import webbrowser
from dataclasses import replace

from tqdm import tqdm

from demo import host, pictures, readme, results
from demo.client import Client, Done, Failed, Graph, Refused
from demo.metrics import decode
from demo.results import Take
from demo.serve import ServerError, accelerator, serving
from demo.workflow import FPS, OPENED, Caching, Shot, graph

WORKFLOW = host.DEMO_NODE / "example_workflows" / "adacache_demo.json"
ROUNDS = 3
WAYS: tuple[tuple[str, str, Caching | None], ...] = (
    ("uncached", "uncached", None),
    ("AdaCache balanced", "adacache", OPENED),
    ("AdaCache fast", "adacache_fast", Caching("fast", 1.0)),
    ("published AdaCache", "adacache_paper", Caching()),
    ("published + MoReg", "adacache_moreg", Caching(moreg=True)),
)


def main() -> None:
    """Runs the demo, writes what it made and says where."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped then too
    base = host.make_base(host.CACHE / "base")
    host.OUTPUT.mkdir(exist_ok=True)
    print("Starting ComfyUI ...", flush=True)
    device = accelerator()
    arguments = ["--cpu"] if device == "cpu" else []
    with serving(base, host.OUTPUT / "server.log", *arguments) as url:
        with Client(url) as client:
            takes = _film(client, Shot(options.prompt, options.seed, options.steps))
        table = results.rows(takes)
        _write(takes, table, options, device)
        if options.update_readme:
            readme.update(host.REPO, table)
        if options.ui:
            _stay_open(url)


def _options() -> argparse.Namespace:
    shot = Shot()
    parser = argparse.ArgumentParser(prog="bash demo/run.sh", description=__doc__)
    parser.add_argument("--prompt", default=shot.prompt, help=f"in the demo model's words (default: {shot.prompt})")
    parser.add_argument("--seed", type=int, default=shot.seed, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=shot.steps, help="default: %(default)s")
    parser.add_argument("--ui", action="store_true", help="leave ComfyUI open in the browser afterwards")
    parser.add_argument("--update-readme", action="store_true", help="put the pictures and the table into README.md")
    return parser.parse_args()


def _film(client: Client, shot: Shot) -> list[Take]:
    """All ways in turn, several times: a machine that is busy for a while is busy for all of them."""
    # The first run of a process loads the model and warms up torch; it would make the uncached run look slow.
    _follow(client, graph(replace(shot, steps=min(shot.steps, 4))), "warm-up")
    rounds = [[_take(client, shot, *way) for way in WAYS] for _ in range(ROUNDS)]
    return [replace(takes[0], seconds=[take.seconds[0] for take in takes]) for takes in zip(*rounds, strict=True)]


def _take(client: Client, shot: Shot, name: str, file: str, caching: Caching | None) -> Take:
    done = _follow(client, graph(shot, caching), name)
    trace = json.loads(done.outputs["trace"]["text"][0]) if caching else None
    run = trace["runs"][-1] if trace else {"derived": {"computed": shot.steps}, "cache_bytes": 0}
    return Take(
        name=name,
        file=file,
        steps=shot.steps,
        computed=run["derived"]["computed"],
        seconds=[done.seconds["sampler"]],
        frames=decode(map(client.fetch, done.outputs["frames"]["images"])),
        video=client.fetch(done.outputs["save"]["images"][0]),
        plot=client.fetch(done.outputs["plot"]["images"][0]) if caching else None,
        trace=trace,
        cache_bytes=run["cache_bytes"],
    )


def _follow(client: Client, work: Graph, name: str) -> Done:
    layout = "{desc} |{bar:30}| {n}/{total}, {elapsed} {postfix}"
    with tqdm(total=work["sampler"]["inputs"]["steps"], desc=f"{name:>18}", bar_format=layout) as bar:

        def watch(node: str, step: int) -> None:
            if node == "sampler":
                bar.update(step - bar.n)
            elif node == "decode" and not step:
                bar.set_postfix_str("decoding")
            elif node == "save":
                bar.set_postfix_str("")

        return client.run(work, watch)


def _write(takes: list[Take], table: list[results.Row], options: argparse.Namespace, device: str) -> None:
    folder = host.OUTPUT
    for take in takes:
        (folder / f"{take.file}.mp4").write_bytes(take.video)
        if take.plot:
            (folder / f"plot_{take.file}.png").write_bytes(take.plot)
            (folder / f"trace_{take.file}.json").write_text(json.dumps(take.trace, indent=1))
    pictures.side_by_side(takes, table, options.prompt, FPS).save(folder / "frames.png", optimize=True)
    facts = {"prompt": options.prompt, "seed": options.seed, "device": device}
    (folder / "table.json").write_text(results.as_json(table, **facts))
    (folder / "table.md").write_text(results.as_markdown(table))
    print(f"\n{results.as_text(table)}\n")
    print(f"Seconds are the sampler's, the median of {ROUNDS} rounds. PSNR and SSIM: against the uncached video.\n")
    print(f"In {folder.relative_to(host.REPO)}:")
    print(f"  {'  '.join(f'{take.file}.mp4' for take in takes)}   the videos")
    print("  frames.png                          their frames, side by side")
    print("  plot_*.png                          what was computed and what was reused, and why")
    print("  table.md  table.json  trace_*.json  the numbers")
    print("  server.log                          what ComfyUI said")


def _stay_open(url: str) -> None:
    """Opens the demo workflow in the browser and waits for Ctrl-C."""
    saved = host.CACHE / "base" / "user" / "default" / "workflows" / "AdaCache demo.json"
    saved.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(WORKFLOW, saved)
    page = f"{url}/?template={WORKFLOW.stem}&source={host.DEMO_NODE.name}"
    webbrowser.open(page)
    print(f"\nComfyUI is open, with the demo workflow: {page}\nCtrl-C stops it.", flush=True)
    signal.pause()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\nStopped.")
        sys.exit(130)
    except (Refused, Failed, ServerError) as error:
        sys.exit(f"\n{error}")
