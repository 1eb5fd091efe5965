"""The one entry of all readers of manifests: finds out how a file is written and has it read."""

from __future__ import annotations

import re

from gate.manifest.checkin import read_csv, read_json
from gate.manifest.checkin_csv import header_of, looks_like_rows
from gate.manifest.checkin_text import encoding_of, lines_of
from gate.manifest.edifact import find_interchange
from gate.manifest.findings import CATALOGUE, Finding, FindingCode
from gate.manifest.paxlst import read_paxlst
from gate.manifest.reading import Reading
from gate.manifest.records import Format, Manifest
from gate.manifest.source import Source

LARGEST_BYTES = 64 << 20
_HEAD_BYTES = 8192

# Bytes that begin files of other kinds, which people send by mistake.
_OTHER_KINDS = (
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet (.xlsx, .ods): save it as CSV, or unpack it"),
    (b"\x1f\x8b", "gzip data: unpack it"),
    (b"BZh", "bzip2 data: unpack it"),
    (b"\xfd7zXZ\x00", "xz data: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet or document (.xls, .doc): save it as CSV"),
    (b"{\\rtf", "a rich text document: save it as plain text"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"<?xml", "XML"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)
_EXPECTED = (
    "expected PAXLST (a segment UNA or UNB near the start), CSV (a header with names such as surname, flight, "
    "departure_date) or JSON Lines (an object in braces a line)"
)
_SERVICE_SEGMENT = re.compile(rb"\s*UN[ABGH]\s*[^\sA-Za-z0-9]")


def read_manifest(data: bytes, reading: Reading, largest_bytes: int = LARGEST_BYTES) -> Manifest:
    """Read a manifest of any format.

    Args:
        data: the whole file.
        reading: what no file says.
        largest_bytes: a larger file is not read.

    Returns:
        Always a manifest, never an exception. A file that cannot be read has no messages and an ERROR in its findings
        (EMPTY, TOO_LARGE, FORMAT_UNKNOWN); its format is then a guess.
    """
    if len(data) > largest_bytes:
        return _nothing(FindingCode.TOO_LARGE, f"{len(data)} bytes, at most {largest_bytes} are read")
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        return _nothing(FindingCode.EMPTY, "nothing but blanks" if data else "no bytes at all")
    kind = next((kind for start, kind in _OTHER_KINDS if data.lstrip()[: len(start)] == start), None)
    if kind is not None:
        return _nothing(FindingCode.FORMAT_UNKNOWN, f"this is {kind}; {_EXPECTED}")
    written = format_of(data)
    if written is Format.PAXLST:
        return read_paxlst(data, reading)
    if written is Format.JSON_LINES:
        return read_json(data, reading)
    if written is Format.CSV:
        return read_csv(data, reading)
    return _nothing(FindingCode.FORMAT_UNKNOWN, f"found {_sample(data)}; {_EXPECTED}")


def format_of(data: bytes) -> Format | None:
    """How the file is written, by its beginning; None when it is like nothing that we read."""
    encoding = encoding_of(data)
    first = next((line.text for line in lines_of(data, encoding, 1 << 16) if line.text.strip()), "").lstrip()
    if first.startswith(("{", "[")):
        return Format.JSON_LINES
    head = data[:_HEAD_BYTES]
    if _SERVICE_SEGMENT.match(head) or find_interchange(Source(head).text, 0) is not None:
        return Format.PAXLST
    if header_of(data, encoding) is not None or looks_like_rows(data, encoding):
        return Format.CSV
    return None


def _nothing(code: FindingCode, message: str) -> Manifest:
    finding = Finding(0, "", 0, CATALOGUE[code].severity, code, message)
    return Manifest(Format.PAXLST, (), (finding,))


def _sample(data: bytes) -> str:
    """What a file begins with, safe to print."""
    return ascii(data[:24])[1:]
