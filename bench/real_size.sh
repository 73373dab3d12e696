#!/usr/bin/env bash
# Times networks of true size with and without a cache; arguments go to bench.real_size (see --help).
#   bash bench/real_size.sh --pack FOLDER   packs what a machine without a network needs; there, the same command runs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -d wheels ]; then # a packed folder: nothing is fetched
    PYTHON=${COMFYUI_PYTHON:-python3}
    site=demo/.cache/site
    [ -d "$site" ] ||
        "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$site" wheels/*.whl
    export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
else
    source demo/setup.sh demo
fi
exec "$PYTHON" -W ignore -m bench.real_size "$@"
