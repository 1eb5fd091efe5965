"""A process that does one thing for the engine, because the C code in it reads bytes from strangers.

Should the code crash or hang, the engine answers with a fault, and the next request finds a fresh process. The worker
is a file that imports no part of this package; its answers are, little-endian, a status (uint32: 0 done, 1 refused), a
length (uint32), and that many bytes: the answer, or UTF-8 that says why it was refused.
"""

from __future__ import annotations

import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from gate.errors import Code, EngineFault

_HEAD = struct.Struct("<II")

_MAX_ANSWER_BYTES = 64 << 20
"""More than any image; a worse number is a broken process's."""

_FAREWELL_S = 0.5
"""A process that is well ends as soon as its pipes are closed."""


class RefusedError(Exception):
    """The worker is well, and could not do what was asked: its reason."""


class Worker:
    """Starts the process with the first request. Threads may share one; they take turns. `close` ends the process.

    Args:
        name: for messages.
        file: the worker's.
        timeout_s: after which a request is given up, and the process with it.
    """

    def __init__(self, name: str, file: Path, timeout_s: float) -> None:
        self._name = name
        # Isolated: neither the working folder nor the environment decides what is imported.
        self._command = (sys.executable, "-I", str(file))
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, message: bytes) -> bytes:
        """The answer to `message`.

        Raises:
            RefusedError: with the worker's reason.
            EngineFault: EXTRACTION_FAILED, when the process crashed or hung.
        """
        with self._lock:
            process = self._started()
            try:
                status, answer = _converse(process, message, time.monotonic() + self._timeout_s)
            except (OSError, EOFError, TimeoutError) as error:
                self._stop()
                raise EngineFault(
                    Code.EXTRACTION_FAILED,
                    f"the {self._name} process failed (exit {process.returncode}): {type(error).__name__}: {error}",
                ) from error
        if status:
            raise RefusedError(answer.decode(errors="replace"))
        return answer

    def close(self) -> None:
        """End the process; a later request starts another."""
        with self._lock:
            self._stop()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._process = subprocess.Popen(  # noqa: S603 -- our own file, by our own interpreter
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
            )
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _converse(process: subprocess.Popen[bytes], message: bytes, deadline_s: float) -> tuple[int, bytes]:
    if process.stdin is None or process.stdout is None:
        raise EOFError("the process has no pipes")
    writing, reading = process.stdin.fileno(), process.stdout.fileno()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    _write(writing, message, deadline_s)
    status, length = _HEAD.unpack(_read(reading, _HEAD.size, deadline_s))
    if length > _MAX_ANSWER_BYTES:
        raise EOFError(f"its answer would have {length} bytes")
    return status, _read(reading, length, deadline_s)


def _write(pipe: int, message: bytes, deadline_s: float) -> None:
    left = memoryview(message)
    while left:
        _wait(pipe, selectors.EVENT_WRITE, deadline_s)
        left = left[os.write(pipe, left) :]


def _read(pipe: int, length: int, deadline_s: float) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        _wait(pipe, selectors.EVENT_READ, deadline_s)
        part = os.read(pipe, length - len(parts))
        if not part:
            raise EOFError("it ended without an answer")
        parts += part
    return bytes(parts)


def _wait(pipe: int, event: int, deadline_s: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, event)
        if not selector.select(max(0.0, deadline_s - time.monotonic())):
            raise TimeoutError("no answer in time")
