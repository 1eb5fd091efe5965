"""A template as bytes, exactly as it is: what is sealed and kept of a finger.

Standard records round positions to pixels and angles to 1.4°, and know no extractor; this loses nothing. Little-endian:
version (uint8), finger, impression (uint8), length of the extractor's name (uint8), width, height, number of minutiae
(uint16), the name in UTF-8, then for all minutiae x, y, angle (float32 each) and kind, quality (uint8 each).
"""

from __future__ import annotations

import struct

import numpy as np

from gate.errors import Code, FingerprintError
from gate.fingerprint.template import FingerPosition, FingerTemplate, Impression

_VERSION = 1
_HEAD = struct.Struct("<BBBBHHH")
_NAME_BYTES_AT = 3
_FIELDS = (("x_px", "<f4"), ("y_px", "<f4"), ("angle_rad", "<f4"), ("kind", "u1"), ("quality", "u1"))
_MINUTIA_BYTES = sum(np.dtype(kind).itemsize for _, kind in _FIELDS)


def pack(template: FingerTemplate) -> bytes:
    """The template's bytes.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID, for an extractor's name of more than 255 bytes.
    """
    name = template.extractor.encode()
    if len(name) > 255 or max(template.width_px, template.height_px) > 0xFFFF:
        raise _invalid("an extractor's name up to 255 bytes and sides up to 65535 pixels", repr(template))
    head = _HEAD.pack(
        _VERSION,
        template.finger,
        template.impression,
        len(name),
        template.width_px,
        template.height_px,
        len(template),
    )
    return head + name + b"".join(getattr(template, field).astype(kind).tobytes() for field, kind in _FIELDS)


def check(data: bytes) -> None:
    """Whether these are a template's bytes, as far as the head tells; much quicker than `unpack`.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID.
    """
    if len(data) < _HEAD.size:
        raise _invalid(f"{_HEAD.size} bytes or more", f"{len(data)}")
    version, _, _, name_bytes, _, _, count = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise _invalid(f"version {_VERSION}", f"{version}")
    expected = _HEAD.size + name_bytes + count * _MINUTIA_BYTES
    if len(data) != expected:
        raise _invalid(f"{expected} bytes", f"{len(data)}")


def read_extractor(data: bytes) -> str:
    """The extractor of a template that was packed."""
    return data[_HEAD.size : _HEAD.size + data[_NAME_BYTES_AT]].decode(errors="replace")


def unpack(data: bytes) -> FingerTemplate:
    """What `pack` packed.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID, for bytes that it did not.
    """
    check(data)
    _, finger, impression, name_bytes, width, height, count = _HEAD.unpack_from(data)
    try:
        whose = FingerPosition(finger), Impression(impression)
        name = data[_HEAD.size : _HEAD.size + name_bytes].decode()
    except ValueError as error:
        raise _invalid("a known finger and impression, and a name in UTF-8", str(error)) from error
    columns, at = [], _HEAD.size + name_bytes
    for _, kind in _FIELDS:
        columns.append(np.frombuffer(data, kind, count, at).copy())
        at += columns[-1].nbytes
    x_px, y_px, angle_rad, kinds, quality = columns
    return FingerTemplate(x_px, y_px, angle_rad, kinds, quality, width, height, name, *whose)


def _invalid(expected: str, found: str) -> FingerprintError:
    return FingerprintError(Code.FINGER_RECORD_INVALID, f"expected {expected}, found {found}")
