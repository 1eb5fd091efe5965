"""Minutiae by NIST's MINDTCT, as Debian's libfprint-2-2 contains it, in a process of its own.

C code of the 1990s that reads images from strangers: should one crash it, the engine answers with a fault, and the next
image finds a fresh process.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from gate.errors import Code, ConfigError, EngineFault, FingerprintError
from gate.fingerprint import libfprint_worker as wire
from gate.fingerprint.template import FingerImage, FingerTemplate, MinutiaKind

_MINUTIA = np.dtype([("x", "<i4"), ("y", "<i4"), ("direction", "<i4"), ("type", "<i4"), ("reliability", "<f8")])
"""As `libfprint_worker.MINUTIA`."""

_MM_PER_INCH = 25.4
_DIRECTIONS = 32
_WORKER = Path(wire.__file__)

_TIMEOUT_S = 10.0
"""An image takes 50 to 200 ms; this is for a process that hangs."""

_FAREWELL_S = 0.5
"""A process that is well ends as soon as its pipes are closed."""

_MIN_SIDE_PX = 64
_MAX_PIXELS = 2000 * 2000
"""Sizes at which MINDTCT has its blocks and keeps its temper."""

_MAX_MINUTIAE = 255


def is_installed() -> bool:
    """The library can be loaded here. Loading it runs none of its code but its constructors."""
    try:
        ctypes.CDLL(wire.LIBRARY)
    except OSError:
        return False
    return True


class LibfprintExtractor:
    """Minutiae by MINDTCT. Threads may share one; they take turns. `close` ends its process.

    Args:
        timeout_s: after which an image is given up, and the process with it.
        command: that starts the process; another one in tests.

    Raises:
        ConfigError: EXTRACTOR_MISSING, without the library.
    """

    name = "mindtct-1"

    def __init__(self, timeout_s: float = _TIMEOUT_S, command: tuple[str, ...] | None = None) -> None:
        if command is None and not is_installed():
            raise ConfigError(
                Code.EXTRACTOR_MISSING, f"expected {wire.LIBRARY}, found none: apt-get install libfprint-2-2"
            )
        self._command = command or (sys.executable, "-I", str(_WORKER))
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def extract(self, image: FingerImage) -> FingerTemplate:
        """See `gate.fingerprint.extractor.Extractor`."""
        _check_size(image)
        head = wire.IMAGE_HEAD.pack(image.width_px, image.height_px, image.resolution_dpi / _MM_PER_INCH)
        with self._lock:
            found = self._ask(head + np.ascontiguousarray(image.grey).tobytes())
        return _template(found, image, self.name)

    def close(self) -> None:
        """End the process; a later image starts another."""
        with self._lock:
            self._stop()

    def _ask(self, message: bytes) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        process = self._started()
        try:
            return _converse(process, message, time.monotonic() + self._timeout_s)
        except (OSError, EOFError, TimeoutError) as error:
            self._stop()
            raise EngineFault(
                Code.EXTRACTION_FAILED, f"libfprint's process failed ({process.returncode}): {error!r}"
            ) from error

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


def _check_size(image: FingerImage) -> None:
    sides = image.width_px, image.height_px
    if min(sides) < _MIN_SIDE_PX or sides[0] * sides[1] > _MAX_PIXELS:
        raise FingerprintError(
            Code.FINGER_IMAGE_INVALID,
            f"expected sides from {_MIN_SIDE_PX} and at most {_MAX_PIXELS} pixels, found {sides[0]} x {sides[1]}",
        )


def _converse(
    process: subprocess.Popen[bytes], message: bytes, deadline_s: float
) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Send an image, and return its minutiae as the rows of `_MINUTIA`.

    Raises:
        EngineFault: EXTRACTION_FAILED, when the process says that it failed. It can go on.
        OSError, EOFError, TimeoutError: when the process is gone, or hangs.
    """
    pipes = _Pipes(process, deadline_s)
    pipes.write(message)
    status, count = wire.ANSWER_HEAD.unpack(pipes.read(wire.ANSWER_HEAD.size))
    if status:
        reason = pipes.read(count).decode(errors="replace")
        raise EngineFault(Code.EXTRACTION_FAILED, f"libfprint refused an image: {reason}")
    return np.frombuffer(pipes.read(count * wire.MINUTIA.size), _MINUTIA)


class _Pipes:
    """The two pipes of a process, with a deadline for all that goes through them."""

    def __init__(self, process: subprocess.Popen[bytes], deadline_s: float) -> None:
        if process.stdin is None or process.stdout is None:
            raise EOFError("the process has no pipes")
        self._stdin, self._stdout = process.stdin.fileno(), process.stdout.fileno()
        self._deadline_s = deadline_s
        os.set_blocking(self._stdin, False)
        os.set_blocking(self._stdout, False)

    def write(self, message: bytes) -> None:
        left = memoryview(message)
        while left:
            self._wait(self._stdin, selectors.EVENT_WRITE)
            left = left[os.write(self._stdin, left) :]

    def read(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            self._wait(self._stdout, selectors.EVENT_READ)
            part = os.read(self._stdout, length - len(parts))
            if not part:
                raise EOFError("it ended in the middle of an answer")
            parts += part
        return bytes(parts)

    def _wait(self, pipe: int, event: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if not selector.select(max(0.0, self._deadline_s - time.monotonic())):
                raise TimeoutError("no answer in time")


def _template(found: np.ndarray[tuple[int], np.dtype[np.void]], image: FingerImage, name: str) -> FingerTemplate:
    """NBIS counts directions clockwise from up, in 32nds, and points back along the ridge as ISO/IEC 19794-2 does."""
    best = found[np.argsort(-found["reliability"], kind="stable")[:_MAX_MINUTIAE]]
    return FingerTemplate.at_500_dpi(
        best["x"],
        best["y"],
        np.pi / 2 - best["direction"] * (2 * np.pi / _DIRECTIONS),
        np.where(best["type"] == 1, MinutiaKind.ENDING, MinutiaKind.BIFURCATION),
        np.clip(np.rint(best["reliability"] * 100), 1, 100).astype(np.uint8),
        width_px=image.width_px,
        height_px=image.height_px,
        resolution_dpi=image.resolution_dpi,
        extractor=name,
        finger=image.finger,
        impression=image.impression,
    )
