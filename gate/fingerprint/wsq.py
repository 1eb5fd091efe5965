"""WSQ, the FBI's compression of fingerprints, decoded by NIST's code in the `wsq` package, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gate.errors import Code, EngineFault, FingerprintError
from gate.fingerprint.template import GreyImage
from gate.fingerprint.worker import RefusedError, Worker

MAGIC = b"\xff\xa0"

_FILE = Path(__file__).with_name("wsq_worker.py")
_START_OF_FRAME = 0xA2
_TABLES = frozenset(range(0xA3, 0xA9))
"""Markers of segments that may come before the frame: tables, restart interval, comment (IAFIS-IC-0110 V3, 4.1)."""

_TIMEOUT_S = 10.0


class WsqDecoder:
    """Decodes WSQ files. Threads may share one; they take turns. `close` ends its process."""

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        self._worker = Worker("WSQ", _FILE, timeout_s)

    def decode(self, data: bytes) -> GreyImage:
        """The pixels, (h, w).

        Raises:
            FingerprintError: FINGER_IMAGE_INVALID, when the file cannot be decoded or brings the decoder down.
        """
        width, height = read_size(data)
        try:
            answer = self._worker.ask(len(data).to_bytes(4, "little") + data)
        except RefusedError as error:
            raise FingerprintError(Code.FINGER_IMAGE_INVALID, f"the WSQ decoder refused the image: {error}") from error
        except EngineFault as fault:
            # The decoder is known for it: the bytes are at fault, and the process is replaced.
            raise FingerprintError(Code.FINGER_IMAGE_INVALID, "the WSQ decoder broke down over the image") from fault
        pixels = np.frombuffer(answer, np.uint8, offset=8)
        if len(pixels) != width * height:
            raise FingerprintError(
                Code.FINGER_IMAGE_INVALID, f"expected {width} x {height} pixels, the decoder gave {len(pixels)}"
            )
        return pixels.reshape(height, width)

    def close(self) -> None:
        """End the process; a later image starts another."""
        self._worker.close()


def read_size(data: bytes) -> tuple[int, int]:
    """Width and height out of the frame header, before anything is decoded.

    Raises:
        FingerprintError: FINGER_IMAGE_INVALID.
    """
    if not data.startswith(MAGIC):
        raise FingerprintError(
            Code.FINGER_IMAGE_INVALID, f"expected a WSQ file, found one that begins {data[:4].hex(' ')}"
        )
    at = len(MAGIC)
    while at + 4 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF or length < 2:
            break
        if marker == _START_OF_FRAME and at + 10 <= len(data):
            height, width = int.from_bytes(data[at + 6 : at + 8], "big"), int.from_bytes(data[at + 8 : at + 10], "big")
            return width, height
        if marker not in _TABLES:
            break
        at += 2 + length
    raise FingerprintError(Code.FINGER_IMAGE_INVALID, "expected a WSQ frame header, found none")
