"""JSON Lines to rows: one object a line, a bad line costs one row. One JSON array of objects is tolerated."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator

from gate.manifest.checkin_fields import Field, field_of, field_of_document
from gate.manifest.checkin_rows import Cells, Row
from gate.manifest.checkin_text import Encoding, lines_of
from gate.manifest.findings import FindingCode
from gate.manifest.notebook import Notebook

LONGEST_LINE = 1 << 24
_MOST_DOCUMENTS = 20
Pairs = tuple[tuple[str, object], ...]
_BETWEEN = re.compile(r"[\s,]*")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Objects become tuples of pairs, so that a name that comes twice is noticed; arrays stay lists; numbers stay text, so
# that neither a long document number nor an endless one is ever computed with.
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str)


def is_array(data: bytes, encoding: Encoding) -> bool:
    """Whether the first sign of the file opens an array."""
    first = next((line.text for line in lines_of(data, encoding, 1 << 16) if line.text.strip()), "")
    return first.lstrip().startswith("[")


def rows_of(data: bytes, encoding: Encoding, notes: Notebook) -> Iterator[Row]:
    """Every row that can be read."""
    values = _array(data, encoding, notes) if is_array(data, encoding) else _lines(data, encoding, notes)
    unknown: set[str] = set()
    for number, line, value in values:
        if isinstance(value, tuple):
            yield _Members(line, number, notes, unknown).row(value)
        else:
            message = f"expected an object in braces, found {_kind(value)}"
            notes.note(FindingCode.JSON_INVALID, message, line=line, row=number, of_person=True)


def _lines(data: bytes, encoding: Encoding, notes: Notebook) -> Iterator[tuple[int, int, object]]:
    """Row, line and value of each line that holds one."""
    row = 0
    for line in lines_of(data, encoding, LONGEST_LINE):
        text = line.text.strip()
        if not text:
            continue
        row += 1
        if not line.whole:
            message = f"more than {LONGEST_LINE} characters in a line"
            notes.note(FindingCode.ROW_TOO_LARGE, message, line=line.number, row=row, of_person=True)
            continue
        try:
            value = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            message = f"{_why(error)}; expected one object a line"
            notes.note(FindingCode.JSON_INVALID, message, line=line.number, row=row, of_person=True)
        else:
            yield row, line.number, value


def _array(data: bytes, encoding: Encoding, notes: Notebook) -> Iterator[tuple[int, int, object]]:
    """Row, line and value of each element. Where one cannot be read, the rest cannot be found: nothing is used."""
    text = data[encoding.mark :].decode(encoding.codec, "replace").replace("\0", "")
    at = text.index("[") + 1
    line = 1 + text.count("\n", 0, at)
    notes.note(FindingCode.JSON_ARRAY, "one array; expected one object a line", line=line)
    for row in itertools.count(1):
        start = _gap(text, at)
        line += text.count("\n", at, start)
        if text[start : start + 1] == "]":
            if text[start + 1 :].strip():
                notes.note(FindingCode.JSON_INVALID, "more after the array's end", line=line)
            return
        try:
            value, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            message = f"the array cannot be read from here on: {_why(error)}; nothing of the file is used"
            notes.note(FindingCode.JSON_INVALID, message, line=line)
            return
        yield row, line, value
        line += text.count("\n", start, at)


def _gap(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


class _Members:
    """The members of one object, by field."""

    def __init__(self, line: int, number: int, notes: Notebook, unknown: set[str]) -> None:
        self._line = line
        self._number = number
        self._notes = notes
        self._unknown = unknown

    def row(self, pairs: Pairs) -> Row:
        documents = [value for name, value in pairs if field_of(name) is Field.DOCUMENTS]
        return Row(self._number, self._line, self._cells(pairs, field_of), self._documents(documents))

    def _cells(self, pairs: Pairs, field_for: Callable[[str], Field | None]) -> Cells:
        cells: dict[Field, str] = {}
        for name, value in pairs:
            field = field_for(name)
            if field is None:
                self._note_unknown(name)
            elif field is not Field.DOCUMENTS:
                self._put(cells, field, name, value)
        return cells

    def _put(self, cells: dict[Field, str], field: Field, name: str, value: object) -> None:
        text = _text(value)
        if text is None:
            self._note(FindingCode.VALUE_INVALID, f"expected text, found {_kind(value)}", field)
        elif field in cells and text and cells[field] != text:
            self._note(FindingCode.COLUMN_REPEATED, f"{name!r} says {field} once more; the first counts", field)
        elif text:
            cells.setdefault(field, text)

    def _documents(self, found: list[object]) -> tuple[Cells, ...]:
        every = [one for value in found for one in (value if isinstance(value, list) else [value]) if one is not None]
        if len(every) > _MOST_DOCUMENTS:
            message = f"{len(every)} documents; the first {_MOST_DOCUMENTS} are read"
            self._note(FindingCode.VALUE_INVALID, message, Field.DOCUMENTS)
        nested = []
        for one in every[:_MOST_DOCUMENTS]:
            if isinstance(one, tuple):
                nested.append(self._cells(one, field_of_document))
            else:
                message = f"expected a list of objects, found {_kind(one)} in it"
                self._note(FindingCode.VALUE_INVALID, message, Field.DOCUMENTS)
        return tuple(cells for cells in nested if cells)

    def _note(self, code: FindingCode, message: str, field: Field) -> None:
        self._notes.note(code, message, line=self._line, column=field, row=self._number, of_person=True)

    def _note_unknown(self, name: str) -> None:
        shown = _SURROGATES.sub("\ufffd", name[:100])
        if shown not in self._unknown and len(self._unknown) < 1000:
            self._unknown.add(shown)
            self._notes.note(FindingCode.COLUMN_UNKNOWN, f"{shown!r} was not read", line=self._line, column=shown)


def _text(value: object) -> str | None:
    """A value as a CSV cell would have it; None for what is no text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = " ".join(value)
    if not isinstance(value, str):
        return None
    # A lone half of a character can be written in JSON and nowhere else.
    return (value if value.isascii() else _SURROGATES.sub("\ufffd", value)).replace("\0", "").strip()


def _kind(value: object) -> str:
    return {tuple: "an object", list: "a list", bool: "true or false"}.get(type(value), "a plain value")


def _why(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.colno}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
