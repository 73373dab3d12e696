#!/usr/bin/env bash
# Installs what the tests need and runs all of them; arguments go to pytest (for example: tests/engine -k codebook).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../demo/setup.sh" demo dev
exec "$PYTHON" -m pytest "$@"
