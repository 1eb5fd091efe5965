"""The GPU lock must differ from the ordinary one in the runtime, and in nothing else."""

from __future__ import annotations

import re
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str]]:
    return set(PIN.findall((REQUIREMENTS / name).read_text("utf-8")))


def test_only_the_runtime_differs() -> None:
    """A lock refreshed alone would drift, and a gate with a GPU would run what no test ever ran."""
    only_gpu, only_cpu = pins("gpu.txt") - pins("run.txt"), pins("run.txt") - pins("gpu.txt")
    assert {name for name, _ in only_gpu} == {"onnxruntime-gpu"}
    assert {name for name, _ in only_cpu} == {"onnxruntime"}
    assert {version for _, version in only_gpu} == {version for _, version in only_cpu}


def test_every_pin_has_hashes_and_no_index_is_named() -> None:
    text = (REQUIREMENTS / "gpu.txt").read_text("utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks if PIN.match(block))
    assert "http" not in text
    assert "--index-url" not in text
