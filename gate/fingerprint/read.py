"""Any finger minutiae record, told apart by its own bytes; and what else a file with a finger may be."""

from __future__ import annotations

from gate.fingerprint.ansi378 import read_ansi378
from gate.fingerprint.image import BMP_MAGIC
from gate.fingerprint.iso19794_2 import VERSION_2005, read_iso19794_2
from gate.fingerprint.record import MAGIC, FingerRecord
from gate.fingerprint.sample import FingerEncoding, RecordEncoding
from gate.fingerprint.wsq import MAGIC as WSQ_MAGIC
from gate.vision.picture_header import PNG_MAGIC

_LENGTH_AT = 8


def read_finger_record(data: bytes, *, strict: bool = True) -> FingerRecord:
    """The views of an ISO/IEC 19794-2:2005 or :2011 or an ANSI/INCITS 378-2004 record.

    Args:
        data: the whole record.
        strict: refuse every departure from the standard; otherwise report those that can be gone past.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID.
    """
    return read_ansi378(data, strict=strict) if is_ansi378(data) else read_iso19794_2(data, strict=strict)


def guess_encoding(data: bytes) -> FingerEncoding | RecordEncoding | None:
    """What a file is, by its first bytes; None for raw pixels and for anything else that does not say."""
    if data.startswith(MAGIC):
        return RecordEncoding.ANSI_378 if is_ansi378(data) else RecordEncoding.ISO_19794_2
    known = ((PNG_MAGIC, FingerEncoding.PNG), (WSQ_MAGIC, FingerEncoding.WSQ), (BMP_MAGIC, FingerEncoding.BMP))
    return next((encoding for magic, encoding in known if data.startswith(magic)), None)


def is_ansi378(data: bytes) -> bool:
    """Whether a record is one of ANSI/INCITS 378-2004.

    It and ISO/IEC 19794-2:2005 begin alike, and differ in the length that follows.

    ANSI has two bytes for it, and two zeros with four bytes after them when it is above 65,535. ISO has four bytes, of
    which the first two are zeros up to 65,535.
    """
    if data[4:_LENGTH_AT] != VERSION_2005:
        return False
    if data[_LENGTH_AT : _LENGTH_AT + 2] != bytes(2):
        return int.from_bytes(data[_LENGTH_AT : _LENGTH_AT + 4], "big") != len(data)
    return int.from_bytes(data[_LENGTH_AT + 2 : _LENGTH_AT + 6], "big") == len(data) > 0xFFFF
