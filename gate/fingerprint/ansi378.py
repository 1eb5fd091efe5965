"""Finger minutiae records of ANSI/INCITS 378-2004, read. The American older brother of ISO/IEC 19794-2:2005."""

from __future__ import annotations

from gate.fingerprint.record import (
    MAGIC,
    FingerRecord,
    RecordBytes,
    ViewHead,
    invalid,
    read_finger,
    read_minutiae,
    read_views_head,
    skip_extended_data,
    to_impression,
)
from gate.fingerprint.template import FingerTemplate, Impression

VERSION = b" 20\x00"

EXTRACTOR = "ansi378"
"""Who found the minutiae of a record: nobody knows more."""

_ANGLES = 180
"""Units of two degrees (6.4.2)."""

_IMPRESSIONS = frozenset(
    {
        Impression.LIVE_PLAIN,
        Impression.LIVE_ROLLED,
        Impression.NONLIVE_PLAIN,
        Impression.NONLIVE_ROLLED,
        Impression.LIVE_SWIPE,
    }
)


def read_ansi378(data: bytes, *, strict: bool = True, extractor: str = EXTRACTOR) -> FingerRecord:
    """The views of a record.

    Args:
        data: the whole record.
        strict: refuse every departure from the standard; otherwise report those that can be gone past.
        extractor: who found the minutiae, where the caller knows.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID.
    """
    record = RecordBytes(data, strict=strict)
    identifier = record.take(8, "format identifier and version")
    if identifier != MAGIC + VERSION:
        raise invalid("FMR with version 20", identifier.hex(" "))
    # Two bytes, or two zeros and four bytes for what does not fit (6.4.1.3).
    stated = record.number(2, "record length") or record.number(4, "long record length")
    record.note(stated == len(data), f"a record of the stated {stated} bytes", f"{len(data)} bytes")
    record.take(4, "product identifier")
    record.take(2, "capture equipment")
    size_px, px_per_cm, count = read_views_head(record)
    views = tuple(_read_view(record, size_px, px_per_cm, extractor) for _ in range(count))
    record.note_end()
    return FingerRecord(views, record.findings)


def _read_view(record: RecordBytes, size_px: tuple[int, int], px_per_cm: int, extractor: str) -> FingerTemplate:
    finger = read_finger(record)
    impression = to_impression(record, record.number(1, "impression type") & 0x0F, _IMPRESSIONS)
    quality = record.number(1, "finger quality")
    record.note(quality <= 100, "a finger quality up to 100", quality)
    head = ViewHead(finger, impression, *size_px, px_per_cm)
    count = record.number(1, "number of minutiae")
    template = read_minutiae(record, count, head, angles=_ANGLES, with_quality=True, extractor=extractor)
    skip_extended_data(record)
    return template
