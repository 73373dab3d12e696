"""Every single call of every function of ours in a sampling is made to fail, in every way through the pack.

    .venv/bin/python -m bench.faults [--most 3]

The test `tests/host/faults/test_ours.py` does so once per function; this is the same with all calls, or some of each,
spread over the run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from demo import host


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=10_000, help="calls of each function")
    options = parser.parse_args()
    test = "tests/host/faults/test_ours.py"
    environment = {**os.environ, "ADACACHE_BREAK_CALLS": str(options.most)}
    sys.exit(
        subprocess.run([sys.executable, "-m", "pytest", "-q", "-s", test], cwd=host.REPO, env=environment).returncode
    )


if __name__ == "__main__":
    main()
