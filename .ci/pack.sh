#!/usr/bin/env bash
# The archive that the registry would get: comfy-cli takes it, it is small, and what it holds is the committed pack.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cli=$PWD/demo/.cache/comfy-cli
[ -x "$cli/bin/comfy" ] || { python3 -m venv "$cli" && "$cli/bin/pip" install --quiet comfy-cli==1.23.0; }
comfy() { "$cli/bin/python" -m comfy_cli --skip-prompt --no-enable-telemetry node "$@"; }

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git clone --quiet . "$copy/adacache"
cd "$copy/adacache"
comfy validate
comfy pack
size=$(wc -c <node.zip)
echo "The archive has $size bytes."
((size < 600000)) || { echo "More than 600,000 bytes: see .comfyignore."; exit 1; }
