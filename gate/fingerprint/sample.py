"""A finger as it comes from a sensor or an integrator, before anybody has looked at it. Light, for the client."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from gate.fingerprint.position import FingerPosition, Impression

USUAL_DPI = 500.0
"""What live scanners deliver, and what is taken where nothing is said."""


class FingerEncoding(enum.StrEnum):
    """How the bytes of a fingerprint image are to be read."""

    PNG = "png"
    BMP = "bmp"
    GREY8 = "grey8"
    WSQ = "wsq"


class RecordEncoding(enum.StrEnum):
    """Minutiae records that are read as samples."""

    ISO_19794_2 = "iso_19794_2"
    ANSI_378 = "ansi_378"


@dataclass(frozen=True, slots=True)
class FingerSample:
    """One finger as it arrives: an image, or a record of its minutiae.

    Attributes:
        encoding: of `data`.
        data: a whole file or record, or rows of grey pixels.
        width_px, height_px: stated size; GREY8 needs it, for other images it is 0 or the true size.
        resolution_dpi: of images, stated.
        finger: as the sensor was told; of a record with several views: whose is meant.
        impression: of images, as the sensor was told.
    """

    encoding: FingerEncoding | RecordEncoding
    data: bytes = field(repr=False)
    width_px: int = 0
    height_px: int = 0
    resolution_dpi: float = USUAL_DPI
    finger: FingerPosition = FingerPosition.UNKNOWN
    impression: Impression = Impression.LIVE_PLAIN
