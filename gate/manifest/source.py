"""A file's text without its lines, and the line of any place in it.

Gateways wrap EDIFACT at a fixed column, in the middle of a tag or a value, and indent it; ISO 9735 knows no lines at
all. So the lines go before anything is read.
"""

from __future__ import annotations

import codecs
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Hashable

import numpy as np

_LF = 10
_CR = 13
_LINES_AS_SEGMENTS = re.compile(rb"UNA[^\w\s]{3}[^\w\r\n] ?(\r\n|\n|\r)[ \t]*UNB")
_INDENTATION = re.compile(rb"(?:^|[\r\n])([ \t]+)UN[ABGH]")
_BLANKS = re.compile(r"[ \t]*")
_HEAD = 1 << 16
"""Bytes within which the first interchange begins, where its lines are anything but plain."""


class Source:
    """What a file says.

    Attributes:
        text: one character a byte (ISO 8859-1), without line breaks and common indentation.
        indented: lines were indented alike.
        marked: it began with a byte order mark.
        unterminated: for separators, an offset behind which no segment has a terminator: what one interchange was
            searched for in vain, the next must not be.
    """

    def __init__(self, data: bytes) -> None:
        data, self.marked = _without_byte_order_mark(data)
        newline_ends = _LINES_AS_SEGMENTS.search(data, 0, _HEAD)
        if newline_ends:  # UNA names the line break as the segment terminator
            data = data.replace(newline_ends[1], b"\x1c" + newline_ends[1])
        data, self.indented = _without_indentation(data)
        self._breaks = _line_breaks(data)
        self.text = data.translate(None, b"\r\n").decode("latin-1")
        self.unterminated: dict[Hashable, int] = {}

    def line(self, offset: int) -> int:
        """The line, from 1, on which the segment at `offset` of the text begins; blanks before its tag do not count."""
        return bisect_right(self._breaks, self.after_blanks(offset)) + 1

    def after_blanks(self, offset: int) -> int:
        """The first place from `offset` on that is no blank."""
        blanks = _BLANKS.match(self.text, offset) if self.text[offset : offset + 1] in (" ", "\t") else None
        return blanks.end() if blanks else offset

    def line_end(self, offset: int) -> int:
        """Where the line that goes on behind `offset` of the text ends."""
        found = bisect_right(self._breaks, offset)
        return self._breaks[found] if found < len(self._breaks) else len(self.text)

    def breaks_within(self, start: int, end: int) -> array[int]:
        """Where lines ended between two offsets of the text, the first excluded."""
        return self._breaks[bisect_right(self._breaks, start) : bisect_left(self._breaks, end)]


def _without_byte_order_mark(data: bytes) -> tuple[bytes, bool]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode(), True
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :], True
    return data, False


def _without_indentation(data: bytes) -> tuple[bytes, bool]:
    """Without the blanks that begin most lines, where they do: a wrapped value must not keep them."""
    found = _INDENTATION.search(data, 0, _HEAD)
    if found is None:
        return data, False
    indentation = found[1]
    lines = data.count(b"\n", found.start(1))
    if data.count(b"\n" + indentation, found.start(1)) * 2 < lines:
        return data, False
    return data[: found.start(1)] + data[found.end(1) :].replace(b"\n" + indentation, b"\n"), True


def _line_breaks(data: bytes) -> array[int]:
    """For each line end, how many characters other than CR and LF precede it. CR alone counts only without any LF."""
    octets = np.frombuffer(data, np.uint8)
    returns = np.flatnonzero(octets == _CR)
    feeds = np.flatnonzero(octets == _LF)
    ends, others = (feeds, returns) if len(feeds) else (returns, feeds)
    kept = ends - np.arange(len(ends)) - np.searchsorted(others, ends)
    return array("q", kept.astype(np.int64).tobytes())
