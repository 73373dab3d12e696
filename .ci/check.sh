#!/usr/bin/env bash
# Layout, lint and types of Python and JavaScript, what we use of ComfyUI, and GitHub's workflows: within a minute.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../demo/setup.sh" demo dev

"$PYTHON" -m ruff format --check .
"$PYTHON" -m ruff check .
"$PYTHON" -m bandit --quiet --recursive adacache nodes __init__.py

# The nodes reach the engine by `...adacache`, so for mypy the pack is a package; its folder's name need not be one.
types=demo/.cache/types
mkdir -p "$types"
ln -sfn "$PWD" "$types/pack"
python=$(command -v "$PYTHON")
[[ $python == /* ]] || python=$PWD/$python
(cd "$types" && "$python" -m mypy --config-file pack/pyproject.toml --package pack.adacache --package pack.nodes)

bash .ci/guard.sh "$PYTHON"

npm ci --prefix .ci --no-audit --no-fund --silent
node .ci/node_modules/typescript/bin/tsc --project .ci/tsconfig.json
node .ci/lint_workflows.mjs
