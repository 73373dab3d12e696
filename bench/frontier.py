"""Quality against computed steps: every way to save steps, on the demo's network in the real host.

    bash bench/run.sh                                        # all of it: hours on two cores
    .venv/bin/python -m bench.frontier --prompts 12 --steps 30 --samplers euler

Every video is sampled uncached and then in each way at the same seed, in the same process; decoded frames are
compared with the uncached ones. Rows go into `frontier.jsonl` as they come and are not measured again, so a run may
be stopped and gone on with; delete the file after the network or a method changed. The report is made of all rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .report import write
from .rows import rows_of

RESULTS = Path(__file__).parent / "results"


def measure(options: argparse.Namespace, out: Path) -> None:
    """This part's share of the videos; each row is appended as soon as it is known."""
    from .quality import compare
    from .studio import Studio, level, prompts
    from .ways import FLOORS, Bench, ways

    have = {key(row) for row in rows_of(out)}
    studio = Studio()
    videos = [(prompt, seed) for seed in options.seeds for prompt in prompts(options.prompts)]
    for steps in options.steps:
        for sampler in options.samplers:
            bench = Bench(studio, steps, sampler)
            for prompt, seed in videos[options.part :: options.jobs]:
                about = {"prompt": prompt, "level": level(prompt), "seed": seed, "steps": steps, "sampler": sampler}
                wanted = [w for w in ways(steps) if not options.ways or w.method in (*options.ways, *FLOORS)]
                missing = [way for way in wanted if key(about | {"way": way.name}) not in have]
                if not missing:
                    continue
                reference = bench.run(studio.model, prompt, seed)
                for way in missing:
                    run = way.sample(bench, prompt, seed)
                    row = about | {"way": way.name, "method": way.method, "computed": round(run.computed, 3)}
                    row |= {"seconds": run.seconds, "uncached": reference.seconds}
                    row |= compare(run.frames, reference.frames)
                    with out.open("a") as file:  # one short line: appended whole, whoever else writes
                        file.write(json.dumps(row) + "\n")


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("prompt", "seed", "steps", "sampler", "way"))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.frontier", description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=24, help="spread over the demo's 24 (default: all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, nargs="+", default=[30, 20, 50])
    parser.add_argument("--samplers", nargs="+", default=["euler", "uni_pc", "dpmpp_2m_sde"])
    parser.add_argument("--ways", nargs="*", help="only these methods, and the floors (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULTS / "frontier.jsonl")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.part is None:
        parts = [[sys.executable, "-m", "bench.frontier", *sys.argv[1:], "--part", str(n)] for n in range(options.jobs)]
        threads = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        started = [subprocess.Popen(part, env=threads) for part in parts]
        failed = [process.wait() for process in started]
        write(rows_of(options.out), options.out.with_suffix(""))
        sys.exit(any(failed))
    measure(options, options.out)


if __name__ == "__main__":
    main()
