#!/usr/bin/env bash
# Installs what the tests need and runs all of them; arguments go to pytest (for example: tests/engine -k codebook).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../demo/setup.sh" demo dev
if [ $# -gt 0 ]; then
    exec "$PYTHON" -m pytest "$@"
fi
# A process for each core, each with one thread; what is left at the end is shared anew.
OMP_NUM_THREADS=1 "$PYTHON" -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal
if [ -z "${CI:-}" ] && ! command -v node >/dev/null; then
    echo "Node.js is not here: the tests of the panel's own code (tests/web) are left out."
else
    node --test tests/web/
fi
