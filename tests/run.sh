#!/usr/bin/env bash
# Installs what the tests need and runs all of them; arguments go to pytest (for example: tests/engine -k codebook).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../demo/setup.sh" demo dev
"$PYTHON" -m pytest "$@"
[ $# -eq 0 ] || exit 0
if [ -z "${CI:-}" ] && ! command -v node >/dev/null; then
    echo "Node.js is not here: the tests of the panel's own code (tests/web) are left out."
else
    node --test tests/web/
fi
