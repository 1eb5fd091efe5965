"""Face image data blocks of ISO/IEC 39794-5, as ICAO's application profile puts them on chips: DER with automatic tags.

Only the way to the picture is read, and the few fields beside it that this project uses: format, kind, day of capture.
Members are found by tag, as most are optional. Not read: landmarks, quality, 3D shapes, extension blocks, and the
codes of an extension; a record that has nothing else has no face here. The fields that ASN.1 numbers [n] appear as
tag 0x80 + n when primitive and 0xA0 + n when constructed; a CHOICE keeps its own tag inside its member's.
"""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

from gate.manifest.face import Face, FaceKind, FaceRecord, PictureFormat, day
from gate.manifest.tlv import elements, first, invalid, required

FACE_IMAGE_DATA_BLOCK = 0x65  # [APPLICATION 5]

_SEQUENCE = 0x30
# FaceImageDataBlock.representationBlocks, RepresentationBlock.imageRepresentation and .captureDateTimeBlock
_REPRESENTATIONS, _IMAGE, _CAPTURED = 0xA1, 0xA1, 0xA2
# ImageRepresentation.base, ImageRepresentationBase.imageRepresentation2DBlock
_BASE, _TWO_DIMENSIONAL = 0xA0, 0xA0
# ImageRepresentation2DBlock.representationData2D and .imageInformation2DBlock
_PICTURE, _INFORMATION = 0x80, 0xA1
# ImageInformation2DBlock.imageDataFormat and .faceImageKind2D, both a CHOICE of .code and an extension
_FORMAT, _KIND, _CODE = 0xA0, 0xA1, 0x80
# DateTimeBlock
_YEAR, _MONTH, _DAY = 0x80, 0x81, 0x82

_FORMATS = MappingProxyType({2: PictureFormat.JPEG, 3: PictureFormat.JPEG2000, 4: PictureFormat.JPEG2000})
_KINDS = MappingProxyType({0: FaceKind.MRTD, 1: FaceKind.GENERAL_PURPOSE})


def read_39794(block: memoryview) -> FaceRecord:
    """All two-dimensional faces of a FaceImageDataBlock, from the content of its tag 65.

    Raises:
        EnrolmentError: PHOTO_RECORD_INVALID, with what was expected and found, where the DER does not hold together or
            no representation has a two-dimensional picture.
    """
    representations = required(block, _REPRESENTATIONS, "FaceImageDataBlock")
    blocks = [e.value for e in elements(representations, "representationBlocks") if e.tag == _SEQUENCE]
    faces = tuple(face for face in map(_face, blocks) if face is not None)
    if not faces:
        raise invalid(f"face record: expected a two-dimensional picture, found none in {len(blocks)} representations")
    skipped = len(blocks) - len(faces)
    return FaceRecord(faces, (f"{skipped} representations hold no two-dimensional picture",) if skipped else ())


def _face(representation: memoryview) -> Face | None:
    """The representation's picture; None where it is of a kind that is not read."""
    image = required(representation, _IMAGE, "RepresentationBlock")
    base = first(image, _BASE, "imageRepresentation")
    picture_block = None if base is None else first(base, _TWO_DIMENSIONAL, "base")
    if picture_block is None:
        return None
    picture = required(picture_block, _PICTURE, "imageRepresentation2DBlock")
    information = required(picture_block, _INFORMATION, "imageRepresentation2DBlock")
    return Face(
        picture,
        _KINDS.get(_choice(information, _KIND)),
        _FORMATS.get(_choice(information, _FORMAT)),
        _day(first(representation, _CAPTURED, "RepresentationBlock")),
    )


def _choice(information: memoryview, tag: int) -> int:
    """The code of a CHOICE of code and extension; -1 where it has none."""
    choice = first(information, tag, "imageInformation2DBlock")
    return -1 if choice is None else _integer(first(choice, _CODE, "imageInformation2DBlock"))


def _day(block: memoryview | None) -> date | None:
    if block is None:
        return None
    year, month, day_of_month = (_integer(first(block, tag, "captureDateTimeBlock")) for tag in (_YEAR, _MONTH, _DAY))
    return day(year, month, day_of_month)


def _integer(value: memoryview | None) -> int:
    """An INTEGER or ENUMERATED of at most four bytes; -1 where there is none."""
    return int.from_bytes(value, "big", signed=True) if value is not None and 1 <= len(value) <= 4 else -1
