#!/bin/sh
# Generates gate/service/pb from proto/. With --check: into a temporary folder, and fails when the two differ.
set -eu
cd "$(dirname "$0")/.."
python=${VENV:-.venv}/bin/python
export PATH="$(cd "$(dirname "$python")" && pwd):$PATH" # protoc finds its mypy plugins there

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=.
[ "${1:-}" != --check ] || out=$work/generated

# Under the package's own path, so that generated modules import each other from it; the wire's names stay.
mkdir -p "$work/gate/service/pb" "$work/generated"
for file in proto/egate/v1/*.proto; do
    sed 's#^import "egate/v1/#import "gate/service/pb/#' "$file" >"$work/gate/service/pb/$(basename "$file")"
done
"$python" -m grpc_tools.protoc -I"$work" \
    --python_out="$out" --grpc_python_out="$out" --mypy_out=quiet:"$out" --mypy_grpc_out=quiet:"$out" \
    "$work"/gate/service/pb/*.proto

if [ "$out" != . ]; then
    for file in "$out"/gate/service/pb/*; do
        diff -u "gate/service/pb/$(basename "$file")" "$file" || {
            echo "proto: gate/service/pb is not what proto/ generates. Run 'make proto' and commit." >&2
            exit 1
        }
    done
fi
