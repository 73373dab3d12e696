#!/usr/bin/env bash
# Runs the demo: a small Wan video in a real ComfyUI, without and with AdaCache. --help lists the options.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh" demo
exec "$PYTHON" -m demo.run "$@"
