"""Writes face records round a picture, for tests and fuzzing: the reverse of gate.manifest.dg2 and its neighbours."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

Edition = Literal["2005", "2011"]

LEFT_EYE, RIGHT_EYE = (1, 0xC1), (1, 0xC2)
HEADER = bytes.fromhex("8002 0101 8101 02 8201 00 8307 20240120132309 8702 0101 8802 0008")


@dataclass(frozen=True)
class Portrait:
    """One face to write.

    Attributes:
        kind: face image type, as the edition codes it.
        stated: image data type, as the edition codes it.
        points: type, code, x and y of feature points.
    """

    picture: bytes
    kind: int = 1
    stated: int = 0
    points: tuple[tuple[int, int, int, int], ...] = ()
    captured: tuple[int, int, int] = (2024, 1, 20)
    qualities: int = 0


def tlv(tag: int, *values: bytes) -> bytes:
    """A data object of BER with the shortest length."""
    value = b"".join(values)
    size = len(value)
    width = 0 if size < 0x80 else (size.bit_length() + 7) // 8
    length = bytes([size]) if not width else bytes([0x80 | width]) + size.to_bytes(width, "big")
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


def face_record(*portraits: Portrait, edition: Edition = "2005") -> bytes:
    """A record of ISO/IEC 19794-5 that holds those faces."""
    blocks = b"".join(map(_face_2005 if edition == "2005" else _face_2011, portraits))
    if edition == "2005":
        return struct.pack(">4s4sIH", b"FAC\x00", b"010\x00", 14 + len(blocks), len(portraits)) + blocks
    return struct.pack(">4s4sIHBH", b"FAC\x00", b"030\x00", 17 + len(blocks), len(portraits), 0, 0) + blocks


def _points(portrait: Portrait) -> bytes:
    return b"".join(struct.pack(">BBHHH", kind, code, x, y, 0) for kind, code, x, y in portrait.points)


def _face_2005(portrait: Portrait) -> bytes:
    information = struct.pack(">HBBB3s2s3s3s", len(portrait.points), 0, 0, 0, b"", b"", b"", b"")
    image = struct.pack(">BBHHBBHH", portrait.kind, portrait.stated, 413, 531, 1, 2, 0, 0)
    body = information + _points(portrait) + image + portrait.picture
    return struct.pack(">I", 4 + len(body)) + body


def _face_2011(portrait: Portrait) -> bytes:
    header = struct.pack(">HBBBBBHBHHB", *portrait.captured, 13, 23, 9, 908, 0, 0, 0, portrait.qualities)
    qualities = struct.pack(">BHH", 90, 1, 1) * portrait.qualities
    information = struct.pack(">HBBBB3s2s3s3s", len(portrait.points), 0, 0, 0, 0, b"", b"", b"", b"")
    image = struct.pack(">BBHHBHBB", portrait.kind, portrait.stated, 413, 531, 0, 0, 0, 1)
    picture = struct.pack(">I", len(portrait.picture)) + portrait.picture
    body = header + qualities + information + _points(portrait) + image + picture
    return struct.pack(">I", 4 + len(body)) + body


def face_image_data_block(*pictures: bytes, code: int = 3, kind: int | None = 0, year: int | None = 2024) -> bytes:
    """A FaceImageDataBlock of ISO/IEC 39794-5, in the wrapper of ICAO's profile, with a representation a picture."""
    representations = b"".join(
        tlv(
            0x30,
            tlv(0x80, number.to_bytes(3, "big")),
            tlv(0xA1, tlv(0xA0, tlv(0xA0, tlv(0x80, picture), _information(code, kind)))),
            b"" if year is None else tlv(0xA2, tlv(0x80, year.to_bytes(2, "big")), b"\x81\x01\x01", b"\x82\x01\x14"),
        )
        for number, picture in enumerate(pictures)
    )
    version = tlv(0xA0, b"\x80\x01\x03", b"\x81\x02\x07\xe3")
    return tlv(0xA1, tlv(0x65, version, tlv(0xA1, representations)))


def _information(code: int, kind: int | None) -> bytes:
    return tlv(
        0xA1,
        tlv(0xA0, tlv(0x80, bytes([code]))),
        b"" if kind is None else tlv(0xA1, tlv(0x80, bytes([kind]))),
    )


def dg2(*records: bytes, tag: int = 0x5F2E, header: bytes = HEADER, count: int | None = None) -> bytes:
    """A DG2 with an instance a record."""
    stated = len(records) if count is None else count
    instances = b"".join(tlv(0x7F60, tlv(0xA1, header), tlv(tag, record)) for record in records)
    return tlv(0x75, tlv(0x7F61, tlv(0x02, bytes([stated % 256])), instances))
