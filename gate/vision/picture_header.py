"""What a JPEG or PNG file says about itself, read without decoding a pixel.

A header of 30,000 x 30,000 pixels, a file cut short and a 16-bit picture are all found here, in microseconds,
before OpenCV is asked to set memory aside. The walk follows ITU-T T.81 (JPEG) and the W3C PNG specification.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from gate.errors import Code, FrameError

JPEG_MAGIC = b"\xff\xd8\xff"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

_SOI, _EOI, _SOS, _DNL, _TEM = 0xD8, 0xD9, 0xDA, 0xDC, 0x01
# Start-of-frame markers share C0..CF with DHT (C4), JPG (C8) and DAC (CC).
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Baseline, extended sequential and progressive Huffman: what libjpeg decodes and cameras send.
_SOF_SUPPORTED = frozenset({0xC0, 0xC1, 0xC2})
# A marker ends a scan, unless it is a stuffed zero, a fill byte or a restart (T.81, B.1.1.5).
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# Encoders write about ten progressive scans. Each costs a pass over all blocks, so hundreds of empty ones
# are a known way to keep a decoder busy with a small file.
_MAX_SCANS = 20

_PNG_COLOUR_TYPES = frozenset({0, 2, 3, 4, 6})


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """Size of a compressed picture, pixels, as its own header states it."""

    width_px: int
    height_px: int


def read_jpeg_header(data: bytes) -> PictureHeader:
    """Size of a JPEG, after a walk over all its markers up to the end-of-image.

    Raises:
        FrameError: FRAME_TRUNCATED when a segment or scan runs past the end, FRAME_UNSUPPORTED for other than
            8-bit Huffman JPEG in grey or YCbCr, FRAME_UNDECODABLE when the markers make no sense.
    """
    size: PictureHeader | None = None
    scans = 0
    position = 2
    while True:
        marker, position = _next_marker(data, position)
        if marker == _EOI:
            break
        if marker in _SOF:
            if size is not None:
                raise FrameError(Code.FRAME_UNDECODABLE, "JPEG: expected one frame header, found a second")
            size = _jpeg_frame_header(marker, _segment(data, position))
        if marker == _SOS:
            scans += 1
            if size is None or scans > _MAX_SCANS:
                wrong = "a scan before the frame header" if size is None else f"more than {_MAX_SCANS} scans"
                raise FrameError(Code.FRAME_UNDECODABLE, f"JPEG: found {wrong}")
            position = _scan_end(data, position + len(_segment(data, position)) + 2)
        elif marker != _TEM:
            position += len(_segment(data, position)) + 2
    if size is None or scans == 0:
        raise FrameError(Code.FRAME_TRUNCATED, "JPEG: end of image comes before any picture data")
    return size


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """The marker code at `position`, and the position after it; fill bytes (FF FF ..) are skipped."""
    start = position
    while position < len(data) and data[position] == 0xFF:
        position += 1
    if position >= len(data):
        raise _truncated("JPEG", "a marker", len(data))
    if position == start or data[position] in (0x00, _SOI):
        raise FrameError(
            Code.FRAME_UNDECODABLE, f"JPEG: expected a marker at byte {start}, found 0x{data[position]:02x}"
        )
    return data[position], position + 1


def _segment(data: bytes, position: int) -> bytes:
    """Content of the marker segment whose two length bytes stand at `position`."""
    length = int.from_bytes(data[position : position + 2], "big")
    if position + 2 > len(data) or position + length > len(data):
        raise _truncated("JPEG", f"a segment of {length} bytes at byte {position}", len(data))
    if length < 2:
        raise FrameError(Code.FRAME_UNDECODABLE, f"JPEG: segment at byte {position} states length {length}")
    return data[position + 2 : position + length]


def _scan_end(data: bytes, position: int) -> int:
    found = _SCAN_END.search(data, position)
    if found is None:
        raise _truncated("JPEG", "the end-of-image marker", len(data))
    return found.start()


def _jpeg_frame_header(marker: int, body: bytes) -> PictureHeader:
    if len(body) < 6:
        raise FrameError(Code.FRAME_UNDECODABLE, f"JPEG: frame header of {len(body)} bytes, expected 6 or more")
    precision, components = body[0], body[5]
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    if marker not in _SOF_SUPPORTED:
        raise FrameError(
            Code.FRAME_UNSUPPORTED, f"JPEG: expected baseline or progressive Huffman coding, found SOF{marker - 0xC0}"
        )
    if precision != 8:
        raise FrameError(Code.FRAME_UNSUPPORTED, f"JPEG: expected 8 bits a sample, found {precision}")
    if components not in (1, 3):
        raise FrameError(Code.FRAME_UNSUPPORTED, f"JPEG: expected 1 or 3 components, found {components}")
    if width == 0 or height == 0:
        raise FrameError(Code.FRAME_UNSUPPORTED, f"JPEG: the header leaves the size open ({width} x {height})")
    return PictureHeader(width, height)


def read_png_header(data: bytes) -> PictureHeader:
    """Size of a PNG, after a walk over all its chunks up to IEND; checksums of critical chunks are checked.

    Raises:
        FrameError: FRAME_TRUNCATED when a chunk runs past the end or IEND is missing, FRAME_UNSUPPORTED for
            other than 8 bits a sample and for animations, FRAME_UNDECODABLE when the chunks make no sense.
    """
    size: PictureHeader | None = None
    position = len(PNG_MAGIC)
    while True:
        kind, body, position = _png_chunk(data, position)
        if size is None:
            size = _png_image_header(kind, body)
        elif kind == b"acTL":
            raise FrameError(Code.FRAME_UNSUPPORTED, "PNG: expected one picture, found an animation")
        elif kind == b"IEND":
            return size


def _png_chunk(data: bytes, position: int) -> tuple[bytes, bytes, int]:
    """Kind and content of the chunk at `position`, and the position after it."""
    length = int.from_bytes(data[position : position + 4], "big")
    end = position + 12 + length
    if position + 12 > len(data) or end > len(data):
        raise _truncated("PNG", "a whole chunk" if position + 12 > len(data) else f"a chunk of {length}", len(data))
    kind = data[position + 4 : position + 8]
    # The lower-case bit of the first letter marks a chunk that a reader may skip (PNG, 5.4).
    critical = not kind[0] & 0x20
    stated = int.from_bytes(data[end - 4 : end], "big")
    if critical and zlib.crc32(data[position + 4 : end - 4]) != stated:
        raise FrameError(Code.FRAME_UNDECODABLE, f"PNG: the checksum of chunk {kind!r} is wrong")
    return kind, data[position + 8 : end - 4], end


def _png_image_header(kind: bytes, body: bytes) -> PictureHeader:
    if kind != b"IHDR" or len(body) != 13:
        raise FrameError(Code.FRAME_UNDECODABLE, f"PNG: expected IHDR of 13 bytes, found {kind!r} of {len(body)}")
    width, height = int.from_bytes(body[0:4], "big"), int.from_bytes(body[4:8], "big")
    depth, colour = body[8], body[9]
    if colour not in _PNG_COLOUR_TYPES or width == 0 or height == 0:
        raise FrameError(Code.FRAME_UNDECODABLE, f"PNG: header says {width} x {height}, colour type {colour}")
    if depth != 8:
        raise FrameError(Code.FRAME_UNSUPPORTED, f"PNG: expected 8 bits a sample, found {depth}")
    return PictureHeader(width, height)


def _truncated(kind: str, wanted: str, length: int) -> FrameError:
    return FrameError(Code.FRAME_TRUNCATED, f"{kind}: expected {wanted}, but the data ends at byte {length}")
