"""`gate serve` in a process of its own, as an operator starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Served:
    """A running engine: its process and its address."""

    process: subprocess.Popen[str]
    address: str


@contextmanager
def gate_serve(folder: Path, *arguments: str) -> Iterator[Served]:
    """Serves on a free port, with `folder` as working folder, so that no gate.toml of ours is read."""
    command = [sys.executable, "-m", "gate", "serve", "--address", "127.0.0.1:0", "--log", "json", *arguments]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        try:
            yield Served(process, _address(process))
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "ready":
            return str(event["address"])
    raise AssertionError("gate serve ended before it was ready:\n" + "".join(seen))
