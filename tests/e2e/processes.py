"""Starts the engine in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Served:
    """A running engine."""

    process: subprocess.Popen[str]
    address: str


@contextmanager
def engine_process(*arguments: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "tests.e2e.engine_process", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            # Log lines may come before the address.
            address = next(line.strip() for line in process.stdout if line.startswith("127.0.0.1:"))
            yield Served(process, address)
        finally:
            process.kill()
