"""Face records of ISO/IEC 19794-5, editions 2005 (version 010) and 2011 (version 030): fixed fields, big-endian."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from gate.manifest.face import Eyes, Face, FaceKind, FaceRecord, PictureFormat, day
from gate.manifest.tlv import invalid

MAGIC = b"FAC\x00"

# Facial record header (2005, 5.4): format, version, length of record, number of images.
_HEADER_2005 = struct.Struct(">4s4sIH")
# General header (2011, 8.2): the same, then certification flag and temporal semantics.
_HEADER_2011 = struct.Struct(">4s4sIHBH")
# Facial information (2005, 5.5): block length, number of feature points, then 14 bytes that are not needed here.
_FACE_2005 = struct.Struct(">IH14x")
# Representation header (2011, 8.3): length, capture date and time, technology, vendor, type, number of quality blocks.
_FACE_2011 = struct.Struct(">IHBB5xB2x2xB")
_QUALITY_BLOCK_BYTES = 5
# Facial information (2011, 8.4): number of landmark points, then 15 bytes that are not needed here.
_INFORMATION_2011 = struct.Struct(">H15x")
# A feature or landmark point (2005, 5.6; 2011, 8.5): type, code, x, y, z or reserved.
_POINT = struct.Struct(">BBHH2x")
# Image information (2005, 5.7; 2011, 8.6): image type, data type, then what is not needed here.
_IMAGE_2005 = struct.Struct(">BB10x")
_IMAGE_2011 = struct.Struct(">BB9x")
_PICTURE_LENGTH_2011 = struct.Struct(">I")

# MPEG-4 point 12.1 is the centre of the left eye, 12.2 of the right: group in the high half of the code.
_MPEG4, _LEFT_EYE, _RIGHT_EYE = 1, 0xC1, 0xC2

_KINDS_2005 = MappingProxyType({0: FaceKind.BASIC, 1: FaceKind.FULL_FRONTAL, 2: FaceKind.TOKEN_FRONTAL})
# The high bit adds a 3D shape to the same kind of picture.
_KINDS_2011 = MappingProxyType(
    {
        **_KINDS_2005,
        3: FaceKind.POST_PROCESSED_FRONTAL,
        0x80: FaceKind.BASIC,
        0x81: FaceKind.FULL_FRONTAL,
        0x82: FaceKind.TOKEN_FRONTAL,
    }
)
_FORMATS_2005 = MappingProxyType({0: PictureFormat.JPEG, 1: PictureFormat.JPEG2000})
_FORMATS_2011 = MappingProxyType({**_FORMATS_2005, 2: PictureFormat.JPEG2000, 3: PictureFormat.PNG})


class _Fields:
    """Reads fixed fields one after another from a block that must hold them."""

    def __init__(self, block: memoryview, name: str) -> None:
        self._block = block
        self._name = name
        self.position = 0

    def take(self, fields: struct.Struct, what: str) -> tuple[int, ...]:
        """The next fields. Raises PHOTO_RECORD_INVALID when the block ends before."""
        return fields.unpack(self.skip(fields.size, what))

    def skip(self, length: int, what: str) -> memoryview:
        """The next `length` bytes. Raises as `take` does."""
        left = len(self._block) - self.position
        if length > left:
            raise invalid(f"{self._name}: expected {length} bytes of {what}, found {left}")
        self.position += length
        return self._block[self.position - length : self.position]

    def rest(self) -> memoryview:
        """Everything that is left."""
        return self._block[self.position :]


class _Edition(NamedTuple):
    """What differs between the editions."""

    header: struct.Struct
    face: Callable[[memoryview, str], Face]


def read_19794(data: memoryview) -> FaceRecord:
    """All faces of a record that begins ``FAC``.

    A record longer than it states is read as far as it states, with a remark.

    Raises:
        EnrolmentError: PHOTO_RECORD_INVALID, with what was expected and found, for another version, a record or block
            that states more than there is, no face, and certification blocks (2011), which no travel document has.
    """
    version = bytes(data[4:8])
    edition = _EDITIONS.get(version)
    if bytes(data[:4]) != MAGIC or edition is None:
        raise invalid(f"face record: expected version 010 or 030 of ISO/IEC 19794-5, found {version!r}")
    if len(data) < edition.header.size:
        raise invalid(f"face record: expected a header of {edition.header.size} bytes, found {len(data)}")
    _, _, length, count, *flags = edition.header.unpack(data[: edition.header.size])
    if not edition.header.size <= length <= len(data):
        raise invalid(f"face record: states {length} bytes, found {len(data)}")
    if count == 0:
        raise invalid("face record: expected a face, found a count of 0")
    if flags and flags[0]:
        raise invalid(f"face record: expected no certification blocks, found certification flag {flags[0]}")
    remarks = [f"the face record states {length} bytes and has {len(data)}"] if length < len(data) else []
    faces, unread = _faces(data[edition.header.size : length], count, edition)
    if unread:
        remarks.append(f"the face record has {unread} bytes behind its last face")
    return FaceRecord(faces, tuple(remarks))


def _faces(blocks: memoryview, count: int, edition: _Edition) -> tuple[tuple[Face, ...], int]:
    """`count` faces, each in a block that begins with its own length; and how many bytes are left behind them."""
    faces = []
    position = 0
    for number in range(1, count + 1):
        name = f"face {number} of {count}"
        length = int.from_bytes(blocks[position : position + 4], "big")
        left = len(blocks) - position
        if left < 4 or not 4 <= length <= left:
            raise invalid(f"{name}: states {length} bytes, found {left}")
        faces.append(edition.face(blocks[position : position + length], name))
        position += length
    return tuple(faces), len(blocks) - position


def _face_2005(block: memoryview, name: str) -> Face:
    fields = _Fields(block, name)
    _, points = fields.take(_FACE_2005, "facial information")
    eyes = _eyes(fields.skip(points * _POINT.size, f"{points} feature points"))
    kind, stated = fields.take(_IMAGE_2005, "image information")
    return Face(fields.rest(), _KINDS_2005.get(kind, FaceKind.OTHER), _FORMATS_2005.get(stated), None, eyes)


def _face_2011(block: memoryview, name: str) -> Face:
    fields = _Fields(block, name)
    _, year, month, day_of_month, _, qualities = fields.take(_FACE_2011, "representation header")
    captured: date | None = day(year, month, day_of_month)
    fields.skip(qualities * _QUALITY_BLOCK_BYTES, f"{qualities} quality blocks")
    (points,) = fields.take(_INFORMATION_2011, "facial information")
    eyes = _eyes(fields.skip(points * _POINT.size, f"{points} landmark points"))
    kind, stated = fields.take(_IMAGE_2011, "image information")
    (length,) = fields.take(_PICTURE_LENGTH_2011, "picture length")
    picture = fields.skip(length, "picture")
    return Face(picture, _KINDS_2011.get(kind, FaceKind.OTHER), _FORMATS_2011.get(stated), captured, eyes)


def _eyes(points: memoryview) -> Eyes | None:
    found = {code: (x, y) for kind, code, x, y in _POINT.iter_unpack(points) if kind == _MPEG4}
    if _LEFT_EYE in found and _RIGHT_EYE in found:
        return Eyes(found[_LEFT_EYE], found[_RIGHT_EYE])
    return None


_EDITIONS = MappingProxyType(
    {b"010\x00": _Edition(_HEADER_2005, _face_2005), b"030\x00": _Edition(_HEADER_2011, _face_2011)}
)
