"""Bytes to numbered lines of text: which encoding, and a bound on every line. Never the whole text at once."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from gate.manifest.findings import FindingCode
from gate.manifest.notebook import Notebook

_CHUNK = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ONLY_IN_CP1252 = re.compile(rb"[\x80-\x9f]")
_NOT_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_STRAY = re.compile("[\udc80-\udcff]")


class Encoding(NamedTuple):
    """How the text is encoded: codec, length of its mark in bytes, and whether it was guessed."""

    codec: str
    mark: int
    guessed: bool


class NumberedLine(NamedTuple):
    """One line without its end; number from 1. `whole` is False when it was longer than allowed and was cut."""

    number: int
    text: str
    whole: bool


def encoding_of(data: bytes) -> Encoding:
    """By its mark; else UTF-16 by its zero bytes; else UTF-8 if that fits; else a Western eight-bit set."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return Encoding(codec, len(mark), guessed=False)
    head = data[:4096]
    even, odd, half = head[0::2].count(0), head[1::2].count(0), max(1, len(head) // 2)
    # Western text in UTF-16 has a zero in nearly every other byte; stray NULs in other text are rarer and anywhere.
    if odd > 0.6 * half and even < 0.1 * half:
        return Encoding("utf-16-le", 0, guessed=False)
    if even > 0.6 * half and odd < 0.1 * half:
        return Encoding("utf-16-be", 0, guessed=False)
    if _mostly_utf8(data):
        return Encoding("utf-8", 0, guessed=False)
    cp1252 = _ONLY_IN_CP1252.search(data) is not None and _NOT_IN_CP1252.search(data) is None
    return Encoding("cp1252" if cp1252 else "latin-1", 0, guessed=True)


def _mostly_utf8(data: bytes) -> bool:
    """Whether what is beyond ASCII is UTF-8, perhaps with a damaged byte here and there."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = stray = 0
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        text = decoder.decode(chunk, final=start + _CHUNK >= len(data))
        if not text.isascii():
            strays = len(_STRAY.findall(text))
            stray += strays
            good += len(_BEYOND_ASCII.findall(text)) - strays
    return stray == 0 or good > 4 * stray


def lines_of(data: bytes, encoding: Encoding, longest: int) -> Iterator[NumberedLine]:
    """Every line, blank ones too; ends are LF, CRLF or CR. Zero characters are left out.

    Args:
        data: the file.
        encoding: as `encoding_of` found it.
        longest: characters of a line; the rest of a longer one is passed over.
    """
    raw = io.BytesIO(data)
    raw.seek(encoding.mark)
    text = io.TextIOWrapper(raw, encoding=encoding.codec, errors="replace", newline=None)
    number = 0
    while line := text.readline(longest + 1):
        number += 1
        whole = len(line) <= longest or line.endswith("\n")
        if not whole:
            while (rest := text.readline(_CHUNK)) and not rest.endswith("\n"):
                pass
        line = line[:longest].removesuffix("\n")
        yield NumberedLine(number, line.replace("\0", "") if "\0" in line else line, whole)


def note_encoding(data: bytes, encoding: Encoding, notes: Notebook) -> None:
    """Report a guess, and bytes that do not belong in the text."""
    if encoding.guessed:
        name = "Windows-1252" if encoding.codec == "cp1252" else "ISO 8859-1 (Latin-1)"
        notes.note(FindingCode.TEXT_GUESSED, f"read as {name}; send UTF-8")
    single_byte = encoding.codec in ("utf-8", "cp1252", "latin-1")
    if single_byte and (zeros := data.count(0)):
        notes.note(
            FindingCode.TEXT_DAMAGED, f"{zeros} NUL bytes, left out", line=data.count(b"\n", 0, data.index(0)) + 1
        )
    if encoding.codec == "utf-8" and (at := _first_stray(data, encoding.mark)) is not None:
        message = f"byte 0x{data[at]:02X} at offset {at} is not UTF-8; such bytes became a replacement sign"
        notes.note(FindingCode.TEXT_DAMAGED, message, line=data.count(b"\n", 0, at) + 1)


def _first_stray(data: bytes, start: int) -> int | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(start, len(data), _CHUNK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(data[at : at + _CHUNK], final=at + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return at - pending + error.start
    return None
