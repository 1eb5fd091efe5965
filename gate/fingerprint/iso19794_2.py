"""Finger minutiae records of ISO/IEC 19794-2: the 2005 edition and the 2011 edition, read and written.

The record formats only; the card formats, which have no header, are not for a gate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gate.fingerprint.record import (
    MAGIC,
    FingerRecord,
    RecordBytes,
    ViewHead,
    invalid,
    read_finger,
    read_minutiae,
    read_resolution,
    read_size,
    read_views_head,
    skip_extended_data,
    to_impression,
)
from gate.fingerprint.template import FingerTemplate, Impression

VERSION_2005 = b" 20\x00"
VERSION_2011 = b"030\x00"

EXTRACTOR = "iso19794-2"
"""Who found the minutiae of a record: nobody knows more. Templates of records are compared with each other only."""

_ANGLES = 256
_IMPRESSIONS_2005 = frozenset(
    {
        Impression.LIVE_PLAIN,
        Impression.LIVE_ROLLED,
        Impression.NONLIVE_PLAIN,
        Impression.NONLIVE_ROLLED,
        Impression.LIVE_SWIPE,
    }
)
_IMPRESSIONS_2011 = frozenset(Impression)

_HEADER_2005_BYTES = 24
_HEADER_2011_BYTES = 15
_QUALITY_BLOCK_BYTES = 5
_CERTIFICATE_BYTES = 3
_QUALITY_UNKNOWN = 255
"""Of a quality block: an attempt failed, or none was made (19794-1:2011)."""

_MINUTIA_QUALITY_UNKNOWN = 254
_PX_PER_CM = 197
_MAX_SIZE_PX = 0x3FFF
"""Coordinates have 14 bits."""


def read_iso19794_2(data: bytes, *, strict: bool = True, extractor: str = EXTRACTOR) -> FingerRecord:
    """The views of a record, of either edition.

    Args:
        data: the whole record.
        strict: refuse every departure from the standard; otherwise report those that can be gone past.
        extractor: who found the minutiae, where the caller knows.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID.
    """
    record = RecordBytes(data, strict=strict)
    magic, version = record.take(4, "format identifier"), record.take(4, "version")
    if magic != MAGIC or version not in (VERSION_2005, VERSION_2011):
        raise invalid("FMR with version 20 or 030", (magic + version).hex(" "))
    stated = record.number(4, "record length")
    record.note(stated == len(data), f"a record of the stated {stated} bytes", f"{len(data)} bytes")
    views = _read_2005(record, extractor) if version == VERSION_2005 else _read_2011(record, extractor)
    record.note_end()
    return FingerRecord(views, record.findings)


def _read_2005(record: RecordBytes, extractor: str) -> tuple[FingerTemplate, ...]:
    """The rest of the header, 19794-2:2005, 7.3, and the views, 7.4."""
    record.take(2, "capture equipment")
    size_px, px_per_cm, count = read_views_head(record)
    views = []
    for _ in range(count):
        finger = read_finger(record)
        # The view's number in the upper half tells several views of one finger apart.
        impression = to_impression(record, record.number(1, "impression type") & 0x0F, _IMPRESSIONS_2005)
        _note_quality(record, record.number(1, "finger quality"))
        head = ViewHead(finger, impression, *size_px, px_per_cm)
        minutiae = record.number(1, "number of minutiae")
        views.append(read_minutiae(record, minutiae, head, angles=_ANGLES, with_quality=True, extractor=extractor))
        skip_extended_data(record)
    return tuple(views)


def _read_2011(record: RecordBytes, extractor: str) -> tuple[FingerTemplate, ...]:
    """The rest of the header, 19794-2:2011, 8.3, and the representations, 8.4."""
    count = record.number(2, "number of representations")
    certified = record.number(1, "certification flag")
    record.note(certified <= 1, "a certification flag 0 or 1", certified)
    record.note(count > 0, "at least one representation", count)
    views = []
    for _ in range(count):
        before = record.left
        stated = record.number(4, "representation length")
        views.append(_read_representation(record, bool(certified), extractor))
        taken = before - record.left
        record.note(taken == stated, f"a representation of the stated {stated} bytes", f"{taken} bytes")
    return tuple(views)


def _read_representation(record: RecordBytes, certified: bool, extractor: str) -> FingerTemplate:
    record.take(9, "capture time")
    record.take(5, "capture device")
    for _ in range(record.number(1, "number of quality blocks")):
        block = record.take(_QUALITY_BLOCK_BYTES, "quality block")
        _note_quality(record, block[0], unknown=True)
    if certified:
        record.take(record.number(1, "number of certifications") * _CERTIFICATE_BYTES, "certifications")
    finger = read_finger(record)
    record.take(1, "representation number")
    px_per_cm = read_resolution(record)
    impression = to_impression(record, record.number(1, "impression type"), _IMPRESSIONS_2011)
    width, height = read_size(record)
    flags = record.number(1, "minutia field length")
    length = flags >> 4
    if length not in (5, 6):
        raise invalid("minutiae of 5 or 6 bytes", f"{length}")
    head = ViewHead(finger, impression, width, height, px_per_cm)
    count = record.number(1, "number of minutiae")
    template = read_minutiae(record, count, head, angles=_ANGLES, with_quality=length == 6, extractor=extractor)
    skip_extended_data(record)
    return template


def _note_quality(record: RecordBytes, quality: int, *, unknown: bool = False) -> None:
    holds = quality <= 100 or (unknown and quality == _QUALITY_UNKNOWN)
    record.note(holds, "a finger quality up to 100", quality)


def write_iso19794_2_2005(views: Sequence[FingerTemplate], quality: int = 0) -> bytes:
    """A record of the 2005 edition at 500 dpi: positions in whole pixels, angles in 256ths of a circle.

    Args:
        views: from 1 to 255. The record has one image size; it is given the largest.
        quality: of the fingers, 0 to 100.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID, for what this edition cannot say.
    """
    _check_writable(views, 255, _IMPRESSIONS_2005)
    width, height = max(view.width_px for view in views), max(view.height_px for view in views)
    body = b"".join(
        bytes([view.finger, number << 4 | view.impression, quality, len(view)]) + _minutiae(view, 0) + bytes(2)
        for view, number in zip(views, _view_numbers(views), strict=True)
    )
    length = _HEADER_2005_BYTES + len(body)
    header = MAGIC + VERSION_2005 + length.to_bytes(4, "big") + bytes(2) + _size_bytes(width, height)
    return header + _resolution_bytes() + bytes([len(views), 0]) + body


def write_iso19794_2_2011(views: Sequence[FingerTemplate]) -> bytes:
    """A record of the 2011 edition at 500 dpi: positions in whole pixels, angles in 256ths of a circle.

    The time of capture and the device are left unknown: a template should say no more than comparing needs.

    Args:
        views: from 1 to 176.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID, for what this edition cannot say.
    """
    _check_writable(views, 176, _IMPRESSIONS_2011)
    body = b"".join(_representation(view, number) for view, number in zip(views, _view_numbers(views), strict=True))
    length = _HEADER_2011_BYTES + len(body)
    return MAGIC + VERSION_2011 + length.to_bytes(4, "big") + len(views).to_bytes(2, "big") + bytes(1) + body


def _representation(view: FingerTemplate, number: int) -> bytes:
    unknown_time, unknown_device, no_quality_blocks = b"\xff" * 9, bytes(5), bytes(1)
    ridge_skeleton_endings = 0x01
    content = (
        unknown_time
        + unknown_device
        + no_quality_blocks
        + bytes([view.finger, number])
        + _resolution_bytes()
        + bytes([view.impression])
        + _size_bytes(view.width_px, view.height_px)
        + bytes([6 << 4 | ridge_skeleton_endings, len(view)])
        + _minutiae(view, _MINUTIA_QUALITY_UNKNOWN)
        + bytes(2)
    )
    return (4 + len(content)).to_bytes(4, "big") + content


def _check_writable(views: Sequence[FingerTemplate], most: int, impressions: frozenset[Impression]) -> None:
    if not 1 <= len(views) <= most:
        raise invalid(f"from 1 to {most} views", len(views))
    for view in views:
        if view.impression not in impressions:
            raise invalid("an impression that this edition knows", view.impression.name)
        if max(view.width_px, view.height_px) > _MAX_SIZE_PX:
            raise invalid(f"sides up to {_MAX_SIZE_PX} pixels", f"{view.width_px} x {view.height_px}")


def _view_numbers(views: Sequence[FingerTemplate]) -> list[int]:
    """Views of one finger count from 0.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID, for a 17th view of one finger.
    """
    numbers = [sum(other.finger == view.finger for other in views[:index]) for index, view in enumerate(views)]
    if max(numbers) > 15:
        raise invalid("at most 16 views of one finger", max(numbers) + 1)
    return numbers


def _size_bytes(width: int, height: int) -> bytes:
    return width.to_bytes(2, "big") + height.to_bytes(2, "big")


def _resolution_bytes() -> bytes:
    return _PX_PER_CM.to_bytes(2, "big") * 2


def _minutiae(view: FingerTemplate, quality_unknown: int) -> bytes:
    rows = np.zeros((len(view), 6), np.uint8)
    for column, values, size in ((0, view.x_px, view.width_px), (2, view.y_px, view.height_px)):
        whole = np.clip(np.rint(values), 0, size - 1).astype(np.uint16)
        rows[:, column], rows[:, column + 1] = whole >> 8, whole & 0xFF
    rows[:, 0] |= view.kind << 6
    rows[:, 4] = np.rint(view.angle_rad * (_ANGLES / (2 * np.pi))).astype(np.uint16) % _ANGLES
    rows[:, 5] = np.where(view.quality > 0, view.quality, quality_unknown)
    return rows.tobytes()
