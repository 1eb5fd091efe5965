"""The photograph that comes beside a manifest, out of whatever it comes in: a picture file, or a chip's face record."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date

from gate.errors import Code, FrameError
from gate.manifest import dg2, face_record_19794
from gate.manifest.face import FRONTAL, Eyes, Face, FaceKind, FaceRecord, PictureFormat, sniff
from gate.manifest.tlv import invalid


class Container(enum.StrEnum):
    """What a photograph came in."""

    FILE = "file"
    """A picture file as it is."""
    FACE_RECORD = "face_record"
    """A face record of ISO/IEC 19794-5 by itself."""
    DG2 = "dg2"
    """Data group 2 of a travel document's chip."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph, unwrapped and not yet decoded.

    Attributes:
        data: a whole JPEG, PNG or JPEG 2000 file (or codestream), by its signature; whether it can be decoded is for
            the decoder to say.
        format: by the same signature.
        faces: how many faces the record held; 1 for a file.
        kind, captured, eyes: what the record says; None where it says nothing. `captured` is the day of capture or, for
            records that do not know it, of the record's making.
        remarks: what was odd about the record, for a person to read. Holds no personal data.
    """

    data: bytes = field(repr=False)
    format: PictureFormat
    container: Container
    faces: int = 1
    kind: FaceKind | None = None
    captured: date | None = None
    eyes: Eyes | None = None
    remarks: tuple[str, ...] = ()


def unwrap(data: bytes) -> Photo:
    """The photograph in `data`: a picture file, a face record (ISO/IEC 19794-5), or a DG2 (ICAO Doc 9303-10).

    Of several faces the first that was made for comparing (full frontal, token, MRTD) is taken, or else the first.
    Where a record states one format and the picture bears another's signature, the signature counts.
    Time is linear in the number of bytes.

    Raises:
        FrameError: FRAME_EMPTY; FRAME_ENCODING_MISMATCH when it is none of these.
        EnrolmentError: PHOTO_RECORD_INVALID when it is a record that does not hold together or holds no picture.
    """
    if not data:
        raise FrameError(Code.FRAME_EMPTY, "expected a photograph, found 0 bytes")
    view = memoryview(data)
    found = sniff(view)
    if found is not None:
        return Photo(bytes(data), found, Container.FILE)
    if data.startswith(face_record_19794.MAGIC):
        return _choose(face_record_19794.read_19794(view), Container.FACE_RECORD)
    if data[0] == dg2.DG2 or data.startswith(dg2.GROUP):
        return _choose(dg2.read_dg2(view), Container.DG2)
    raise FrameError(
        Code.FRAME_ENCODING_MISMATCH,
        f"expected a JPEG, PNG or JPEG 2000 file, a face record or a DG2, found one that begins {data[:8].hex(' ')}",
    )


def _choose(record: FaceRecord, container: Container) -> Photo:
    face = next((face for face in record.faces if face.kind in FRONTAL), record.faces[0])
    found = sniff(face.picture)
    if found is None:
        raise invalid(
            f"expected a JPEG, PNG or JPEG 2000 picture in the face record, found {len(face.picture)} bytes "
            f"that begin {bytes(face.picture[:8]).hex(' ') or 'with nothing'}"
        )
    remarks = (*record.remarks, *_mismatch(face, found))
    return Photo(bytes(face.picture), found, container, len(record.faces), face.kind, face.captured, face.eyes, remarks)


def _mismatch(face: Face, found: PictureFormat) -> tuple[str, ...]:
    if face.stated in (None, found):
        return ()
    return (f"the face record states {face.stated}, the picture is {found}",)
