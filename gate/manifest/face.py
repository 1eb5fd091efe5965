"""A face as a record of a travel document holds it: the picture's bytes, and what the record says about them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple


class PictureFormat(enum.StrEnum):
    """How a picture is compressed."""

    JPEG = "jpeg"
    PNG = "png"
    JPEG2000 = "jpeg2000"


class FaceKind(enum.StrEnum):
    """What kind of portrait the record says it is (ISO/IEC 19794-5 "face image type", 39794-5 "face image kind")."""

    BASIC = "basic"
    FULL_FRONTAL = "full_frontal"
    TOKEN_FRONTAL = "token_frontal"  # noqa: S105 -- the standard's word for a normalised portrait
    POST_PROCESSED_FRONTAL = "post_processed_frontal"
    MRTD = "mrtd"
    GENERAL_PURPOSE = "general_purpose"
    OTHER = "other"


FRONTAL = frozenset({FaceKind.FULL_FRONTAL, FaceKind.TOKEN_FRONTAL, FaceKind.MRTD})
"""Kinds made for comparing, as travel documents must hold them (ICAO Doc 9303-10, 4.7.2)."""


class Eyes(NamedTuple):
    """Centres of the eyes, pixels (x, y) from the picture's top left; left and right are the subject's own."""

    left: tuple[int, int]
    right: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a record.

    Attributes:
        picture: the compressed picture, a view into the record.
        kind: None when the record does not say.
        stated: format that the record states; None when it does not say, or states none that is read here.
        captured: day of capture or of the record's making; None when not stated.
        eyes: None when not stated.
    """

    picture: memoryview = field(repr=False)
    kind: FaceKind | None
    stated: PictureFormat | None
    captured: date | None = None
    eyes: Eyes | None = None


class FaceRecord(NamedTuple):
    """The faces of one record, in order, and what was odd about it, for a person to read."""

    faces: tuple[Face, ...]
    remarks: tuple[str, ...] = ()


def sniff(picture: memoryview) -> PictureFormat | None:
    """The format of which `picture` bears the signature; None when it is none of those read here."""
    head = bytes(picture[:12])
    return next((found for signature, found in _SIGNATURES if head.startswith(signature)), None)


def day(year: int, month: int, day_of_month: int) -> date | None:
    """That day; None when it is none, as records have it that leave it open by zeros or ones."""
    try:
        return date(year, month, day_of_month)
    except ValueError:
        return None


_SIGNATURES = (
    (b"\xff\xd8\xff", PictureFormat.JPEG),
    (b"\x89PNG\r\n\x1a\n", PictureFormat.PNG),
    # JP2 file (ISO/IEC 15444-1, I.5.1), or the codestream alone: SOC, then SIZ (A.4.1, A.5.1).
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", PictureFormat.JPEG2000),
    (b"\xff\x4f\xff\x51", PictureFormat.JPEG2000),
)
