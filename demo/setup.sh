# Sourced by demo/run.sh and tests/run.sh, with the extras of pyproject.toml that they need as arguments.
# Readies a Python and a ComfyUI, the first time in minutes, then in a moment. Sets PYTHON. Obeys:
#   COMFYUI_PATH    a ComfyUI of your own to use; it is only read
#   COMFYUI_PYTHON  the Python that runs it; then no virtual environment is made

fail() {
    echo "$1" >&2
    exit 1
}

find_python() {
    for name in python3 python3.13 python3.12 python3.11 python3.10 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    fail "No Python 3.10 or newer was found. Please install one."
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Compiled files of every folder, a user's ComfyUI too, go to the cache.
export PYTHONPYCACHEPREFIX="$PWD/demo/.cache/pycache"
# Waiting threads sleep: on a busy machine, spinning ones made each step take ten times as long.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"

if [ -n "${COMFYUI_PATH:-}" ] && [ ! -f "$COMFYUI_PATH/main.py" ]; then
    fail "COMFYUI_PATH is $COMFYUI_PATH, but there is no ComfyUI (no main.py) in that folder."
fi
if [ -n "${COMFYUI_PYTHON:-}" ]; then
    [ -n "${COMFYUI_PATH:-}" ] || fail "COMFYUI_PYTHON is set; please also set COMFYUI_PATH, the ComfyUI it runs."
    PYTHON=$COMFYUI_PYTHON
else
    PYTHON=.venv/bin/python
    if ! "$PYTHON" -c "" 2>/dev/null; then
        base_python=$(find_python)
        "$base_python" -m venv --clear .venv ||
            fail "$base_python could not make a virtual environment (on Debian and Ubuntu: apt install python3-venv)."
    fi
fi
"$PYTHON" demo/install.py "$@"
