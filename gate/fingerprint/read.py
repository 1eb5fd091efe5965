"""Any finger minutiae record, told apart by its own bytes."""

from __future__ import annotations

from gate.fingerprint.ansi378 import read_ansi378
from gate.fingerprint.iso19794_2 import VERSION_2005, read_iso19794_2
from gate.fingerprint.record import FingerRecord

_LENGTH_AT = 8


def read_finger_record(data: bytes, *, strict: bool = True) -> FingerRecord:
    """The views of an ISO/IEC 19794-2:2005 or :2011 or an ANSI/INCITS 378-2004 record.

    Args:
        data: the whole record.
        strict: refuse every departure from the standard; otherwise report those that can be gone past.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID.
    """
    return read_ansi378(data, strict=strict) if _is_ansi(data) else read_iso19794_2(data, strict=strict)


def _is_ansi(data: bytes) -> bool:
    """ANSI/INCITS 378-2004 and ISO/IEC 19794-2:2005 begin alike, and differ in the length that follows.

    ANSI has two bytes for it, and two zeros with four bytes after them when it is above 65,535. ISO has four bytes, of
    which the first two are zeros up to 65,535.
    """
    if data[4:_LENGTH_AT] != VERSION_2005:
        return False
    if data[_LENGTH_AT : _LENGTH_AT + 2] != bytes(2):
        return int.from_bytes(data[_LENGTH_AT : _LENGTH_AT + 4], "big") != len(data)
    return int.from_bytes(data[_LENGTH_AT + 2 : _LENGTH_AT + 6], "big") == len(data) > 0xFFFF
