"""CSV to rows: delimiter and header found by the names in it; quotes that never end cost one row, not the file.

RFC 4180, and what spreadsheets make of it.
"""

from __future__ import annotations

import csv
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from gate.manifest.checkin_fields import Field, accepted, field_of
from gate.manifest.checkin_rows import Row
from gate.manifest.checkin_text import Encoding, NumberedLine, lines_of
from gate.manifest.findings import FindingCode
from gate.manifest.notebook import Notebook

LONGEST_LINE = 1 << 20
_DELIMITERS = ",;\t|"
_HEADER_WITHIN = 20
_ALIKE_LINES = 5
_MOST_COLUMNS = 1000
_QUOTE = '"'
# A quoted cell may hold line ends (a machine-readable zone does); more than this is a quotation mark gone astray.
_QUOTED_LINES = 16
_QUOTED_CHARACTERS = 1 << 16


@dataclass(frozen=True, slots=True)
class Header:
    """The row that names the columns.

    Attributes:
        line: where it stands, from 1.
        delimiter: between cells.
        names: as written.
        fields: what each column holds; None: nothing that we read.
    """

    line: int
    delimiter: str
    names: tuple[str, ...]
    fields: tuple[Field | None, ...]

    @property
    def known(self) -> frozenset[Field]:
        """The fields it has."""
        return frozenset(field for field in self.fields if field is not None)


def header_of(data: bytes, encoding: Encoding) -> Header | None:
    """The line, among the first that are not blank, that names the most fields; None when none names any."""
    best: Header | None = None
    seen = 0
    for line in lines_of(data, encoding, LONGEST_LINE):
        if not line.text.strip():
            continue
        seen += 1
        if seen > _HEADER_WITHIN:
            break
        for delimiter in _DELIMITERS:
            header = _header(line, delimiter)
            if len(header.known) > (len(best.known) if best else 0):
                best = header
    return best


def looks_like_rows(data: bytes, encoding: Encoding) -> bool:
    """Whether the first lines are alike in their delimiters, though none is a header that we know."""
    lines = (line.text for line in lines_of(data, encoding, LONGEST_LINE) if line.text.strip())
    first = list(itertools.islice(lines, _ALIKE_LINES))
    printable = all(line.replace("\t", " ").isprintable() for line in first)
    counts = [{line.count(delimiter) for line in first} for delimiter in _DELIMITERS]
    return len(first) > 1 and printable and any(len(found) == 1 and max(found) > 1 for found in counts)


def _header(line: NumberedLine, delimiter: str) -> Header:
    names = tuple(cell.strip() for cell in _cells_of_line(line.text, delimiter)[:_MOST_COLUMNS])
    while names and not names[-1]:
        names = names[:-1]
    fields = [field_of(name) for name in names]
    return Header(line.number, delimiter, names, tuple(None if f is Field.DOCUMENTS else f for f in fields))


def note_header(header: Header, notes: Notebook) -> None:
    """Report columns that are not known, or mean the same."""
    seen: dict[Field, str] = {}
    for name, field in zip(header.names, header.fields, strict=True):
        if field is None and name:
            notes.note(FindingCode.COLUMN_UNKNOWN, f"{name!r} was not read", line=header.line, column=name)
        elif field in seen:
            message = f"{name!r} and {seen[field]!r} both hold {accepted(field)}"
            notes.note(FindingCode.COLUMN_REPEATED, message, line=header.line, column=name)
        elif field is not None:
            seen[field] = name


def rows_of(data: bytes, encoding: Encoding, header: Header, notes: Notebook) -> Iterator[Row]:
    """Every row below the header that can be cut into its cells; blank lines are passed over."""
    lines = _Lines(lines_of(data, encoding, LONGEST_LINE))
    number = 0
    for line in lines:
        blank = not line.text.strip()
        if line.number <= header.line:
            if line.number < header.line and not blank and not line.text.casefold().startswith("sep="):
                notes.note(FindingCode.LINES_SKIPPED, "above the header, not read", line=line.number)
            continue
        if blank:
            continue
        number += 1
        cells = _cells(line, lines, header, number, notes)
        if cells is not None and any(cells):
            row = _row(cells, line.number, number, header, notes)
            if row is not None:
                yield row


class _Lines:
    """Lines that can be given back."""

    def __init__(self, lines: Iterator[NumberedLine]) -> None:
        self._lines = lines
        self._back: deque[NumberedLine] = deque()

    def __iter__(self) -> Iterator[NumberedLine]:
        while (line := self.next()) is not None:
            yield line

    def next(self) -> NumberedLine | None:
        return self._back.popleft() if self._back else next(self._lines, None)

    def give_back(self, lines: list[NumberedLine]) -> None:
        self._back.extendleft(reversed(lines))


class _Feed:
    """What the csv module reads for one row: its line, and further ones while a quoted cell is open."""

    def __init__(self, first: NumberedLine, lines: _Lines) -> None:
        self._first = first
        self._lines = lines
        self.further: list[NumberedLine] = []
        self.ended = True

    def __iter__(self) -> Iterator[str]:
        yield self._first.text + "\n"
        room = _QUOTED_CHARACTERS
        while len(self.further) < _QUOTED_LINES and room > 0 and (line := self._lines.next()) is not None:
            self.further.append(line)
            room -= len(line.text)
            yield line.text + "\n"
        # The csv module asks for another line only while a quotation mark is open.
        self.ended = False


def _cells(line: NumberedLine, lines: _Lines, header: Header, number: int, notes: Notebook) -> list[str] | None:
    """The cells of a row; None when it cannot be cut, which is reported."""
    if not line.whole:
        message = f"more than {LONGEST_LINE} characters in a line"
        notes.note(FindingCode.ROW_TOO_LARGE, message, line=line.number, row=number, of_person=True)
        return None
    if _QUOTE not in line.text:
        return [cell.strip() for cell in line.text.split(header.delimiter)]
    feed = _Feed(line, lines)
    try:
        cells = next(csv.reader(feed, delimiter=header.delimiter, skipinitialspace=True), [])
    except csv.Error as error:
        lines.give_back(feed.further)
        notes.note(FindingCode.ROW_TOO_LARGE, str(error), line=line.number, row=number, of_person=True)
        return None
    if not feed.ended or _swallowed([line, *feed.further], cells, header):
        lines.give_back(feed.further)
        message = "a quotation mark is not closed within the row; the row is left out and reading goes on below it"
        notes.note(FindingCode.QUOTE_OPEN, message, line=line.number, row=number, of_person=True)
        return None
    return [cell.strip() for cell in cells]


def _swallowed(lines: list[NumberedLine], cells: list[str], header: Header) -> bool:
    """Whether a quoted cell that goes on over lines holds whole rows: then its quotation mark was a stray one."""
    between = len(header.names) - 1
    if len(lines) == 1 or between == 0:
        return False
    delimiters = sum(line.text.count(header.delimiter) for line in lines)
    return len(cells) != between + 1 or delimiters >= 2 * between


def _row(cells: list[str], line: int, number: int, header: Header, notes: Notebook) -> Row | None:
    width = len(header.names)
    if len(cells) > width and any(cells[width:]):
        message = f"{len(cells)} cells under {width} columns"
        notes.note(FindingCode.ROW_LONG, message, line=line, row=number, of_person=True)
        return None
    if tuple(cells[:width]) == header.names:
        notes.note(FindingCode.LINES_SKIPPED, "the header once more", line=line, row=number)
        return None
    if len(cells) < width:
        message = f"{len(cells)} cells under {width} columns; the last are taken as empty"
        notes.note(FindingCode.ROW_SHORT, message, line=line, row=number, of_person=True)
    values: dict[Field, str] = {}
    for field, cell in zip(header.fields, cells, strict=False):
        if field is not None and cell and field not in values:
            values[field] = cell
    return Row(number, line, values)


def _cells_of_line(text: str, delimiter: str) -> list[str]:
    """The cells of a line that stands for itself."""
    if _QUOTE not in text:
        return text.split(delimiter, _MOST_COLUMNS)
    try:
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
