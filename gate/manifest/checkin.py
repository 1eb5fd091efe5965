"""Check-in data, CSV or JSON Lines, to messages: one a flight and action. docs/manifests.md has the schema.

Read twice: the first time only for the columns there are and the order of their dates, so that memory holds people,
never rows. Linear in the file's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from gate.manifest import checkin_csv, checkin_json
from gate.manifest.checkin_dates import Orders
from gate.manifest.checkin_fields import DATES, MANDATORY, Field, accepted
from gate.manifest.checkin_leg import LegReader
from gate.manifest.checkin_person import PersonReader
from gate.manifest.checkin_rows import Row
from gate.manifest.checkin_text import encoding_of, note_encoding
from gate.manifest.checkin_values import action_of
from gate.manifest.findings import Finding, FindingCode, Severity
from gate.manifest.notebook import Notebook
from gate.manifest.reading import Reading
from gate.manifest.records import Action, Format, Leg, Manifest, Message, Person, Role

MOST_ROWS = 500_000

_Rows = Callable[[Notebook], Iterator[Row]]
_LegKey = tuple[str, str, str]


def read_csv(data: bytes, reading: Reading) -> Manifest:
    """Check-in data as CSV. Never raises: what is wrong stands in the findings."""
    notes = Notebook()
    encoding = encoding_of(data)
    note_encoding(data, encoding, notes)
    header = checkin_csv.header_of(data, encoding)
    if header is None:
        _note_missing(frozenset(), notes, 1)
        return Manifest(Format.CSV, (), notes.findings())
    checkin_csv.note_header(header, notes)
    if not _note_missing(header.known, notes, header.line):
        return Manifest(Format.CSV, (), notes.findings())
    found = header
    return _read(Format.CSV, lambda book: checkin_csv.rows_of(data, encoding, found, book), reading, notes)


def read_json(data: bytes, reading: Reading) -> Manifest:
    """Check-in data as JSON Lines, or one array. Never raises: what is wrong stands in the findings."""
    notes = Notebook()
    encoding = encoding_of(data)
    note_encoding(data, encoding, notes)
    return _read(Format.JSON_LINES, lambda book: checkin_json.rows_of(data, encoding, book), reading, notes)


def _note_missing(known: frozenset[Field], notes: Notebook, line: int) -> bool:
    """Whether every mandatory field is there; reports those that are not."""
    missing = [name for name in MANDATORY if name not in known]
    if Field.MRZ in known and Field.SURNAME in missing:
        missing.remove(Field.SURNAME)
    for name in missing:
        notes.note(FindingCode.COLUMNS_MISSING, f"expected a column {accepted(name)}", line=line, column=name)
    return not missing


def _read(written: Format, rows: _Rows, reading: Reading, notes: Notebook) -> Manifest:
    orders = Orders()
    known: set[Field] = set()
    count = 0
    for row in rows(Notebook()):
        count += 1
        if count > MOST_ROWS:
            notes.note(FindingCode.TOO_LARGE, f"more than {MOST_ROWS} rows; send a flight at a time", line=row.line)
            return Manifest(written, (), notes.findings())
        known.update(row.cells)
        for column in DATES:
            if text := row.cells.get(column):
                orders.see(column, text)
        for document in row.documents:
            known.update(document)
            orders.see(Field.DOCUMENT_EXPIRY, document.get(Field.DOCUMENT_EXPIRY, ""))
    if written is Format.JSON_LINES and count and not _note_missing(frozenset(known), notes, 1):
        return Manifest(written, (), notes.findings())
    gathered = _gather(rows(notes), LegReader(reading, orders, notes), PersonReader(reading, orders, notes), notes)
    return _manifest(written, gathered, notes.findings())


@dataclass(slots=True)
class _Draft:
    """A message being gathered: people by the number of their row, and what was odd about them."""

    action: Action
    crew: bool
    leg: Leg
    people: dict[int, Person] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


class _Gathered:
    """Drafts in the order in which their first row comes, and where everybody stands."""

    def __init__(self) -> None:
        self.drafts: dict[tuple[str, str, str, Action, bool], _Draft] = {}
        self.draft_of_row: dict[int, _Draft] = {}
        self._legs: dict[_LegKey, Leg] = {}
        self._rows: dict[tuple[object, ...], tuple[int, Person, _Draft]] = {}

    def leg(self, leg: Leg) -> tuple[_LegKey, Leg]:
        """What tells the leg from others, and the leg as the first row of its flight has it."""
        key = (leg.flight, leg.origin, leg.destination)
        return key, self._legs.setdefault(key, leg)

    def put(self, row: Row, key: _LegKey, leg: Leg, action: Action, person: Person) -> int | None:
        """Add somebody. Returns the number of an earlier row about the same person, which no longer counts."""
        crew = person.role in (Role.CREW, Role.TRANSIT_CREW)
        draft = self.drafts.setdefault((*key, action, crew), _Draft(action, crew, leg))
        self.draft_of_row[row.number] = draft
        name = person.reference("ABO") or (person.documents[0].number if person.documents else "")
        same = (*key, person.surname.upper(), person.given_names.upper(), person.birth_date, name)
        earlier = self._rows.get(same)
        if earlier is not None:
            number, before, their = earlier
            person = _with_documents_of(person, before)
            del their.people[number]
        draft.people[row.number] = person
        self._rows[same] = (row.number, person, draft)
        return earlier[0] if earlier else None


def _with_documents_of(person: Person, before: Person) -> Person:
    """A row a document is common: who stands in several rows has the documents of all."""
    numbers = {document.number for document in person.documents}
    kept = (document for document in before.documents if document.number not in numbers)
    return replace(person, documents=(*kept, *person.documents))


def _gather(rows: Iterator[Row], legs: LegReader, people: PersonReader, notes: Notebook) -> _Gathered:
    gathered = _Gathered()
    for row in rows:
        leg, action, person = legs.leg(row), _action(row, notes), people.person(row)
        if leg is None or action is None or person is None:
            continue
        key, first = gathered.leg(leg)
        if first.departure_local != leg.departure_local:
            message = f"{leg.flight} leaves at {leg.departure_local:%H:%M}, but at {first.departure_local:%H:%M} in an "
            _note(notes, row, FindingCode.VALUE_CONFLICT, message + "earlier row, which counts", Field.DEPARTURE_TIME)
        _note_expired(row, leg, person, notes)
        earlier = gathered.put(row, key, first, action, person)
        if earlier is not None:
            message = f"the same person as in row {earlier}, which no longer counts"
            _note(notes, row, FindingCode.ROW_REPEATED, message, Field.SURNAME)
    return gathered


def _note_expired(row: Row, leg: Leg, person: Person, notes: Notebook) -> None:
    day = leg.departure_local.date() if leg.departure_local else None
    for document in person.documents:
        if day is not None and document.expires is not None and document.expires < day:
            message = f"expired on {document.expires}, before {day}"
            _note(notes, row, FindingCode.DOCUMENT_EXPIRED, message, Field.DOCUMENT_EXPIRY)


def _action(row: Row, notes: Notebook) -> Action | None:
    status = row.cells.get(Field.STATUS, "")
    if not status:
        return Action.LIST
    action = action_of(status)
    if action is None:
        message = f"{status[:40]!r}: expected checked-in, cancelled, no-show or boarded"
        _note(notes, row, FindingCode.STATUS_UNKNOWN, message, Field.STATUS)
    return action


def _note(notes: Notebook, row: Row, code: FindingCode, message: str, column: Field) -> None:
    notes.note(code, message, line=row.line, column=column, row=row.number, of_person=True)


def _manifest(written: Format, gathered: _Gathered, findings: tuple[Finding, ...]) -> Manifest:
    """Messages with their own findings. One error about no person makes the file unusable.

    A message without people is left out: it would ask for something about the whole flight.
    """
    if any(finding.severity is Severity.ERROR and not finding.of_person for finding in findings):
        return Manifest(written, (), findings)
    of_file: list[Finding] = []
    for finding in findings:
        draft = gathered.draft_of_row.get(finding.segment_number)
        (draft.findings if draft and draft.people else of_file).append(finding)
    messages = tuple(
        Message(
            action=draft.action,
            crew=draft.crew,
            number=draft.leg.flight,
            sender="",
            transaction="",
            part=0,
            last_part=True,
            legs=(draft.leg,),
            people=tuple(draft.people.values()),
            stated=None,
            findings=tuple(draft.findings),
        )
        for draft in gathered.drafts.values()
        if draft.people
    )
    return Manifest(written, messages, tuple(of_file))
