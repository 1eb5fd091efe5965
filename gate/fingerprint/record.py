"""What the minutiae records of ISO/IEC 19794-2 and ANSI/INCITS 378 have in common: how they are read.

Strict reading refuses every departure from the standard. Lenient reading goes past those that leave the minutiae in no
doubt, and reports each; what it cannot go past it refuses too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.errors import Code, FingerprintError
from gate.fingerprint.template import TEMPLATE_DPI, FingerPosition, FingerTemplate, Impression, MinutiaKind

MAGIC = b"FMR\x00"

MINUTIA_BYTES = 6
_CM_PER_INCH = 2.54
_PX_PER_CM_AT_500_DPI = 197

MIN_PX_PER_CM = 99
"""250 dpi; the 2011 edition's least (19794-2:2011, 8.4.11)."""


@dataclass(frozen=True, slots=True)
class FingerRecord:
    """What a record held.

    Attributes:
        views: one template for each view of a finger, in the record's order, at 500 dpi.
        findings: departures from the standard that a lenient reading went past; empty after a strict one.
    """

    views: tuple[FingerTemplate, ...]
    findings: tuple[str, ...]


def invalid(expected: str, found: object) -> FingerprintError:
    """The error that every reader here raises."""
    return FingerprintError(Code.FINGER_RECORD_INVALID, f"expected {expected}, found {found}")


class RecordBytes:
    """A record's bytes, read from the front; big-endian, as all these standards are.

    Args:
        data: the record.
        strict: whether `note` refuses.
    """

    def __init__(self, data: bytes, *, strict: bool) -> None:
        self._data = data
        self._at = 0
        self._strict = strict
        self._findings: list[str] = []

    @property
    def left(self) -> int:
        """Bytes that have not been read."""
        return len(self._data) - self._at

    @property
    def findings(self) -> tuple[str, ...]:
        """What `note` let pass."""
        return tuple(self._findings)

    def take(self, length: int, what: str) -> bytes:
        """The next bytes.

        Raises:
            FingerprintError: FINGER_RECORD_INVALID, when there are fewer.
        """
        if self.left < length:
            raise invalid(f"{length} bytes of {what} at byte {self._at}", f"{self.left} bytes")
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, length: int, what: str) -> int:
        """The next bytes as a number without sign."""
        return int.from_bytes(self.take(length, what), "big")

    def note(self, holds: bool, expected: str, found: object) -> None:
        """A departure from the standard, unless it `holds`: an error when strict, otherwise a finding.

        Raises:
            FingerprintError: FINGER_RECORD_INVALID.
        """
        if holds:
            return
        error = invalid(expected, found)
        if self._strict:
            raise error
        self._findings.append(error.message)

    def note_end(self) -> None:
        """Nothing may follow what has been read."""
        self.note(self.left == 0, "the record's end", f"{self.left} bytes more")


@dataclass(frozen=True, slots=True)
class ViewHead:
    """What is known of a view before its minutiae are read."""

    finger: FingerPosition
    impression: Impression
    width_px: int
    height_px: int
    px_per_cm: int


def read_finger(record: RecordBytes) -> FingerPosition:
    """One byte: which finger."""
    found = record.number(1, "finger position")
    known = found in FingerPosition.__members__.values()
    record.note(known, f"a finger position from 0 to {max(FingerPosition)}", found)
    return FingerPosition(found) if known else FingerPosition.UNKNOWN


def to_impression(record: RecordBytes, found: int, allowed: frozenset[Impression]) -> Impression:
    """The impression type that a number stands for."""
    known = found in allowed
    record.note(known, f"an impression type out of {sorted(map(int, allowed))}", found)
    return Impression(found) if known else Impression.UNKNOWN


def read_resolution(record: RecordBytes) -> int:
    """Two numbers of two bytes: pixels a centimetre, which must be the same both ways.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID; without a resolution the minutiae mean nothing.
    """
    across, down = record.number(2, "resolution in x"), record.number(2, "resolution in y")
    if across != down or across < MIN_PX_PER_CM:
        raise invalid(f"one resolution of at least {MIN_PX_PER_CM} pixels a centimetre", f"{across} x {down}")
    return across


def read_size(record: RecordBytes) -> tuple[int, int]:
    """Two numbers of two bytes: width and height, pixels.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID.
    """
    width, height = record.number(2, "image width"), record.number(2, "image height")
    if not width or not height:
        raise invalid("an image size above 0", f"{width} x {height}")
    return width, height


def read_views_head(record: RecordBytes) -> tuple[tuple[int, int], int, int]:
    """What ANSI 378 and 19794-2:2005 say before their views: size (width, height) px, pixels a cm, how many views."""
    size_px = read_size(record)
    px_per_cm = read_resolution(record)
    count = record.number(1, "number of views")
    reserved = record.number(1, "reserved byte")
    record.note(reserved == 0, "a reserved byte 0", reserved)
    record.note(count > 0, "at least one view", count)
    return size_px, px_per_cm, count


def dpi(px_per_cm: int) -> float:
    """Resolution in pixels an inch. 197 is how 500 dpi is written, although it is 500.38."""
    return TEMPLATE_DPI if px_per_cm == _PX_PER_CM_AT_500_DPI else px_per_cm * _CM_PER_INCH


def read_minutiae(
    record: RecordBytes, count: int, head: ViewHead, *, angles: int, with_quality: bool, extractor: str
) -> FingerTemplate:
    """A view's minutiae. Those outside the image are a departure, and are left out.

    Args:
        record: where they come next.
        count: how many.
        head: of their view.
        angles: how many values an angle may have; they divide the circle.
        with_quality: a sixth byte holds the minutia's quality.
        extractor: who found them.
    """
    length = MINUTIA_BYTES if with_quality else MINUTIA_BYTES - 1
    rows = np.frombuffer(record.take(count * length, f"{count} minutiae"), np.uint8).reshape(count, length)
    words = rows[:, :4].astype(np.uint16)
    kind, x = words[:, 0] >> 6, (words[:, 0] & 0x3F) << 8 | words[:, 1]
    reserved, y = words[:, 2] >> 6, (words[:, 2] & 0x3F) << 8 | words[:, 3]
    angle = rows[:, 4]
    quality = rows[:, 5] if with_quality else np.zeros(count, np.uint8)
    _note_all(record, kind <= max(MinutiaKind), f"minutia types up to {max(MinutiaKind):d}", kind)
    _note_all(record, reserved == 0, "reserved bits 0", reserved)
    _note_all(record, angle < angles, f"angles below {angles}", angle)
    _note_all(record, (quality <= 100) | (quality >= 254), "minutia quality up to 100, 254 or 255", quality)
    inside = (x < head.width_px) & (y < head.height_px)
    record.note(
        bool(inside.all()),
        f"every minutia within {head.width_px} x {head.height_px}",
        f"{np.count_nonzero(~inside)} outside",
    )
    return FingerTemplate.at_500_dpi(
        x[inside].astype(np.float32),
        y[inside].astype(np.float32),
        angle[inside] * (2 * np.pi / angles),
        np.where(kind <= max(MinutiaKind), kind, MinutiaKind.OTHER)[inside],
        np.where(quality <= 100, quality, 0)[inside],
        width_px=head.width_px,
        height_px=head.height_px,
        resolution_dpi=dpi(head.px_per_cm),
        extractor=extractor,
        finger=head.finger,
        impression=head.impression,
    )


def skip_extended_data(record: RecordBytes) -> None:
    """A length of two bytes, and that many bytes of blocks: type, length with both, and data each.

    Ridge counts, cores and deltas come there; nothing here uses them.
    """
    length = record.number(2, "extended data length")
    left = record.take(length, "extended data")
    while left:
        block = int.from_bytes(left[2:4], "big")
        if block < 4 or block > len(left):
            record.note(False, f"an extended data block of 4 to {len(left)} bytes", block)
            return
        left = left[block:]


def _note_all(
    record: RecordBytes, holds: np.ndarray[tuple[int], np.dtype[np.bool_]], expected: str, found: np.ndarray
) -> None:
    record.note(bool(holds.all()), expected, found[~holds][0] if not holds.all() else "")
