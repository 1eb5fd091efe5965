"""Decodes WSQ in a process of its own: files in on stdin, pixels out on stdout.

Started by `gate.fingerprint.worker` as a file by itself. A request is, little-endian, a length (uint32) and that many
bytes of a WSQ file; the answer (see `gate.fingerprint.worker`) is width and height (uint32) and the grey pixels.
"""

from __future__ import annotations

import io
import os
import struct
import sys
from typing import BinaryIO

import wsq
from PIL import Image

REQUEST_HEAD = struct.Struct("<I")
SIZE = struct.Struct("<II")
_ANSWER_HEAD = struct.Struct("<II")

FORMAT = wsq.WsqImagePlugin.WsqImageFile.format


def decode(data: bytes) -> bytes:
    """Width, height and pixels.

    Raises:
        Exception: whatever Pillow and the decoder raise; they have no common base.
    """
    with Image.open(io.BytesIO(data), formats=(FORMAT,)) as picture:
        pixels = picture.tobytes()
        return SIZE.pack(*picture.size) + pixels


def serve(files: BinaryIO, answers: BinaryIO) -> None:
    """Answer one file after the other until the other side closes."""
    while len(head := files.read(REQUEST_HEAD.size)) == REQUEST_HEAD.size:
        (length,) = REQUEST_HEAD.unpack(head)
        try:
            status, answer = 0, decode(files.read(length))
        except Exception as error:  # noqa: BLE001 -- its reason goes to the engine, which knows the cause: these bytes
            status, answer = 1, f"{type(error).__name__}: {error}".encode()
        answers.write(_ANSWER_HEAD.pack(status, len(answer)) + answer)
        answers.flush()


def main() -> None:
    """Serve on stdin and stdout. Whatever the libraries print goes to stderr instead."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
