"""Times networks of random weights at their true size in the host: what a step costs with a cache and without one.

On a GPU in bfloat16; on a CPU at small size, as a check of the command.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from demo import host

from ..hosted import Hosted
from .packing import packed
from .report import table
from .session import Session


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="bash bench/real_size.sh", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8.0, help="plan for so many (default: %(default)g)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help='for example "Wan 2.1 14B 480p"')
    parser.add_argument("--small", action="store_true", help="tiny networks on a GPU, too")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the JSON goes, written anew as it grows")
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="only fill this folder, for a machine of its own")
    arguments = parser.parse_args()
    if arguments.pack:
        print(f"{arguments.pack}: {packed(arguments.pack) / 2**20:.1f} MiB")
        return
    small = arguments.small or not torch.cuda.is_available()
    results = host.OUTPUT if small else host.REPO / "bench" / "results"
    out = arguments.out or results / "real_size.json"
    hosted = Hosted(extras=("nodes_easycache.py",), cpu=not torch.cuda.is_available())
    found = Session(hosted, arguments.minutes, small, out, arguments.only).run()
    print(f"\n{table(found)}\n\n{out}")


if __name__ == "__main__":
    main()
