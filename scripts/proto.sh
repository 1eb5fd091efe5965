#!/bin/sh
# Generates gate/service/pb from proto/. With --check: into a temporary folder, and fails when the two differ.
set -eu
cd "$(dirname "$0")/.."
python=${VENV:-.venv}/bin/python
export PATH="$(cd "$(dirname "$python")" && pwd):$PATH" # protoc finds its mypy plugins there

out=.
if [ "${1:-}" = --check ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
fi
# The mapping puts right absolute imports into the package and keeps the wire's own names.
"$python" -m grpc_tools.protoc -Igate/service/pb=proto/egate/v1 \
    --python_out="$out" --grpc_python_out="$out" --mypy_out=quiet:"$out" --mypy_grpc_out=quiet:"$out" \
    gate/service/pb/lane.proto gate/service/pb/gallery.proto

if [ "$out" != . ]; then
    for file in "$out"/gate/service/pb/*; do
        diff -u "gate/service/pb/$(basename "$file")" "$file" || {
            echo "proto: gate/service/pb is not what proto/ generates. Run 'make proto' and commit." >&2
            exit 1
        }
    done
fi
