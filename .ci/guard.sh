#!/usr/bin/env bash
# All that we use of ComfyUI is there, in the ComfyUI of COMFYUI_PATH or that of the tests; GitHub checks the newest.
# comfy-import-guard reads git alone, so it is shown copies of both. The argument is the Python that has it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
host=$(realpath "${COMFYUI_PATH:-demo/.cache/ComfyUI}")
if [ ! -d "$host/comfy" ]; then
    echo "No ComfyUI in $host: what we use of it is not checked here."
    exit
fi
work=$PWD/demo/.cache/guard
pack=$work/custom_nodes/ComfyUI-AdaCache
rm -rf "$work"
mkdir -p "$pack"
git ls-files -z -- '*.py' | xargs -0 cp --parents -t "$pack"
git init --quiet "$work/ComfyUI"
git() { command git -C "$work/ComfyUI" --git-dir=.git --work-tree="$host" -c user.name=guard -c user.email=guard "$@"; }
git add -- "$host/*.py" "$host/**/*.py"
git commit --quiet --message "$host"
guard='import sys; from comfy_import_guard.cli import main; sys.exit(main())'
"${1:-python3}" -c "$guard" --quiet --offline --cache-dir "$work" check --strict --comfy-dir "$work" --target HEAD
