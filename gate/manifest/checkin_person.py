"""The person of a row of check-in data."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import TypeVar

from gate.manifest import century
from gate.manifest.checkin_dates import Orders, Trouble, read_date
from gate.manifest.checkin_fields import Field, accepted
from gate.manifest.checkin_rows import Cells, Row
from gate.manifest.checkin_values import (
    consent_of,
    document_kind_of,
    document_number_of,
    is_photo_name,
    role_of,
    same_name,
    sequence_of,
    sex_of,
    state_of,
)
from gate.manifest.findings import FindingCode, Severity
from gate.manifest.mrz import Mrz, read_mrz
from gate.manifest.notebook import Notebook
from gate.manifest.reading import Reading
from gate.manifest.records import Document, Person, Reference, Role

_DATA_URL = re.compile(r"data:[\w/+.;=-]{0,80};base64,", re.ASCII)
_REFERENCES = ((Field.REFERENCE, "ABO"), (Field.RECORD_LOCATOR, "AVF"))
_LONGEST_NAME = 200
# Further findings of a kind are only counted, so nobody would read further explanations.
_EXPLAINED_ZONES = 1000

T = TypeVar("T")


class PersonReader:
    """Makes people of rows."""

    def __init__(self, reading: Reading, orders: Orders, notes: Notebook) -> None:
        self._today = reading.now.date()
        self._birth = partial(century.birth, today=self._today)
        self._near = partial(century.near, today=self._today)
        self._orders = orders
        self._doubtful_zones = 0
        self._notes = notes

    def person(self, row: Row) -> Person | None:
        """The row's person; None when there is no surname, which is reported."""
        return _OneRow(row, self).person()

    def note(self, row: Row, code: FindingCode, message: str, field: Field, severity: Severity | None = None) -> None:
        """Report something about a row."""
        self._notes.note(code, message, line=row.line, column=field, row=row.number, of_person=True, severity=severity)

    def date_of(self, row: Row, text: str, field: Field) -> date | None:
        """A birth date or expiry; None when there is none or it cannot be used, which is reported."""
        if not text:
            return None
        birth = field is Field.BIRTH_DATE
        found = read_date(text, self._orders.of(field), self._birth if birth else self._near)
        if not isinstance(found, Trouble) and birth and found > self._today:
            found = Trouble(FindingCode.DATE_INVALID, f"{text}: in the future")
        if isinstance(found, Trouble):
            self.note(row, found.code, f"{found.message}; not used", field)
            return None
        return found

    def zone_of(self, row: Row, text: str) -> Mrz | None:
        """A machine-readable zone; its findings become the row's, and block nobody."""
        if not text:
            return None
        zone = read_mrz(text, self._today, explained=self._doubtful_zones < _EXPLAINED_ZONES)
        self._doubtful_zones += bool(zone.doubtful)
        for finding in zone.findings:
            severity = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
            place = f"line {finding.line} of the zone: " if finding.line else ""
            self.note(row, finding.code, place + finding.message, Field.MRZ, severity)
        return zone


class _OneRow:
    """One row being read."""

    def __init__(self, row: Row, reader: PersonReader) -> None:
        self._row = row
        self._cells = row.cells
        self._reader = reader
        self._zone = reader.zone_of(row, row.cells.get(Field.MRZ, "")) or Mrz(kind=None)

    def person(self) -> Person | None:
        zone = self._zone
        surname = self._name(Field.SURNAME, zone.surname)
        if not surname:
            self._note(FindingCode.VALUE_MISSING, f"nobody is named; expected {accepted(Field.SURNAME)}", Field.SURNAME)
            return None
        born = self._reader.date_of(self._row, self._cells.get(Field.BIRTH_DATE, ""), Field.BIRTH_DATE)
        contact = self._cells.get(Field.CONTACT, "")
        return Person(
            role=self._word(Field.ROLE, role_of, "a role such as passenger or crew") or Role.PASSENGER,
            surname=surname,
            given_names=self._name(Field.GIVEN_NAMES, zone.given_names),
            birth_date=self._agreed(Field.BIRTH_DATE, born, zone.birth_date),
            sex=self._agreed(Field.SEX, self._word(Field.SEX, sex_of, "M, F or X") or "", zone.sex),
            nationality=self._state(self._cells, Field.NATIONALITY, zone.nationality),
            residence=self._state(self._cells, Field.RESIDENCE, ""),
            documents=self._documents(),
            references=tuple(
                Reference(qualifier, self._cells[field]) for field, qualifier in _REFERENCES if field in self._cells
            ),
            seat="".join(self._cells.get(Field.SEAT, "").split()).upper(),
            sequence=self._word(Field.CHECK_IN_SEQUENCE, sequence_of, "1 to 4 digits, perhaps with a letter") or "",
            contacts=(contact,) if contact else (),
            consent=self._consent(),
            photo=self._photo_name(),
            photo_data=self._photo_data(),
            line=self._row.line,
            segment=self._row.number,
        )

    def _note(self, code: FindingCode, message: str, field: Field) -> None:
        self._reader.note(self._row, code, message, field)

    def _word(self, field: Field, meaning: Callable[[str], T | None], expected: str) -> T | None:
        text = self._cells.get(field, "")
        found = meaning(text) if text else None
        if text and found is None:
            self._note(FindingCode.VALUE_INVALID, f"{text[:40]!r}: expected {expected}; not used", field)
        return found

    def _agreed(self, field: Field, stated: T, zone: T) -> T:
        """What the column says, else what the zone says; said so where they differ."""
        if stated and zone and stated != zone:
            self._note(FindingCode.VALUE_CONFLICT, f"{stated}, and {zone} in the zone; the column's counts", field)
        return stated or zone

    def _name(self, field: Field, zone: str) -> str:
        stated = " ".join(self._cells.get(field, "").split())
        if len(stated) > _LONGEST_NAME:
            self._note(FindingCode.VALUE_INVALID, f"{len(stated)} characters, expected a name; not used", field)
            stated = ""
        if stated and zone and not same_name(stated, zone, cut=self._zone.names_truncated):
            self._note(FindingCode.VALUE_CONFLICT, f"{stated}, and {zone} in the zone; the column's counts", field)
        return stated or zone

    def _state(self, cells: Cells, field: Field, zone: str) -> str:
        text = cells.get(field, "")
        if not text:
            return zone
        code, known = state_of(text)
        if not known:
            self._note(FindingCode.STATE_UNKNOWN, f"{text[:40]!r}: kept as stated", field)
            return text.upper()[:40]
        if len(text) == 2:
            self._note(FindingCode.STATE_TWO_LETTERS, f"{text} is read as {code}", field)
        if zone and {code, zone} != {"D", "DEU"}:
            return self._agreed(field, code, zone)
        return code

    def _documents(self) -> tuple[Document, ...]:
        found = [self._document(self._cells, self._zone)]
        for cells in self._row.documents:
            zone = self._reader.zone_of(self._row, cells.get(Field.MRZ, ""))
            found.append(self._document(cells, zone or Mrz(kind=None)))
        return tuple(dict.fromkeys(document for document in found if document is not None))

    def _document(self, cells: Cells, zone: Mrz) -> Document | None:
        text = cells.get(Field.DOCUMENT_NUMBER, "")
        number = document_number_of(text) if text else ""
        if number is None:
            message = f"{text[:40]!r}: expected letters and digits; not used"
            self._note(FindingCode.VALUE_INVALID, message, Field.DOCUMENT_NUMBER)
        number = self._agreed(Field.DOCUMENT_NUMBER, number or "", zone.number.replace("<", ""))
        if not number:
            return None
        stated = cells.get(Field.DOCUMENT_TYPE, "")
        kind = document_kind_of(stated) if stated else zone.document_code
        if kind is None:
            message = f"{stated[:40]!r}: expected a document code such as P, V or I; not used"
            self._note(FindingCode.VALUE_INVALID, message, Field.DOCUMENT_TYPE)
        expires = self._reader.date_of(self._row, cells.get(Field.DOCUMENT_EXPIRY, ""), Field.DOCUMENT_EXPIRY)
        return Document(
            kind=kind or "P",
            number=number,
            issuing_state=self._state(cells, Field.ISSUING_STATE, zone.issuing_state),
            expires=self._agreed(Field.DOCUMENT_EXPIRY, expires, zone.expires),
        )

    def _consent(self) -> bool | None:
        text = self._cells.get(Field.CONSENT, "")
        if not text:
            return None
        consent = consent_of(text)
        if consent is None:
            # Nobody's face is compared on the strength of a word that we do not understand.
            self._note(FindingCode.VALUE_INVALID, f"{text[:40]!r}: expected yes or no; taken as no", Field.CONSENT)
        return bool(consent)

    def _photo_name(self) -> str:
        name = self._cells.get(Field.PHOTO, "")
        if name and not is_photo_name(name):
            message = f"{name[:80]!r}: expected the name of a file beside this one; not used"
            self._note(FindingCode.VALUE_INVALID, message, Field.PHOTO)
            return ""
        return name

    def _photo_data(self) -> bytes:
        text = self._cells.get(Field.PHOTO_BASE64, "")
        if not text:
            return b""
        start = _DATA_URL.match(text)
        try:
            return base64.b64decode("".join(text[start.end() if start else 0 :].split()), validate=True)
        except ValueError as error:
            self._note(FindingCode.PHOTO_INVALID, f"not Base64: {error}", Field.PHOTO_BASE64)
            return b""
