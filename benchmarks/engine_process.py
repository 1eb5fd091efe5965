"""The engine in a process of its own, as a gate runs it: `python -m benchmarks.engine_process`.

Takes its settings as JSON on standard input, prints its address on a line when it serves, and ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from gate.engine.build import build_engine
from gate.service.server import GateServer, serve
from gate.settings import Settings
from gate.telemetry.logs import set_up_logs


@contextmanager
def engine_process(settings: Settings) -> Iterator[str]:
    """Starts it and gives its address.

    Raises:
        RuntimeError: it did not come up; the message holds its own words.
    """
    command = (sys.executable, "-m", "benchmarks.engine_process")
    # Logs go to a file: nobody reads a pipe here, and a full one would stop the engine.
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            yield _address(process, settings, log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _address(process: subprocess.Popen[str], settings: Settings, log: IO[str]) -> str:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the engine's process has no pipes")
    process.stdin.write(settings.model_dump_json())
    process.stdin.close()
    address = process.stdout.readline().strip()
    if not address:
        log.seek(0)
        raise RuntimeError(f"the engine did not start:\n{log.read()}")
    return address


def main() -> None:
    """Runs until SIGTERM."""
    settings = Settings.model_validate_json(sys.stdin.read())
    # As `gate serve` does: the lines of a passage are part of its time.
    set_up_logs("json")
    asyncio.run(serve(build_engine(settings).engine, settings.server, _ready))


def _ready(server: GateServer) -> None:
    sys.stdout.write(f"{server.address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
