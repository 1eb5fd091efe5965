"""The people of a PAXLST message (segment groups 4 and 5: NAD to the last DOC), one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sized
from datetime import date
from typing import Any

from gate.manifest.codes import ALPHA_3, STATES
from gate.manifest.dates import Calendar
from gate.manifest.edifact import COMPONENT, ELEMENT, Numbered, name_of, shown
from gate.manifest.findings import FindingCode
from gate.manifest.notes import Notes, Place
from gate.manifest.paxlst_roster import MOST_VALUES, Journey, Roster
from gate.manifest.records import Document, Person, Reference, Role

ROLES = {"FL": Role.PASSENGER, "FM": Role.CREW, "DDU": Role.TRANSIT_PASSENGER, "DDT": Role.TRANSIT_CREW}
"""Party qualifiers (DE 3035)."""

_CREW = (Role.CREW, Role.TRANSIT_CREW)
_SEXES = frozenset("MFX")
_VERIFIED = {"173": True, "174": False}
_PLAIN_NAME = re.compile(r"[A-Z](?:[A-Z '.-]*[A-Z.])?")
_NOT_IN_NUMBER = re.compile(r"[^A-Z0-9]")
_NOT_IN_DATE = re.compile(r"[ ./-]")
_OLDEST_YEARS = 120
_LONGEST_VALID_YEARS = 20

Stated = tuple[str, object]
"""A field of `Person` or `Document`, and the value that a segment gives it."""

_Handler = Callable[[list[str]], Stated | None]


class People:
    """Reads them.

    A list repeats most of its segments (places, states, sexes) hundreds of times. One that gives a single field a
    value, with nothing odd about it, is remembered whole and not taken apart again.

    Attributes:
        entries: how many were named, usable or not.
        short_year: the first date with a two-digit year.
    """

    def __init__(self, notes: Notes, calendar: Calendar, today: date, journey: Journey) -> None:
        self.entries = 0
        self.short_year: Place | None = None
        self._handlers: Mapping[str, _Handler] = {
            "ATT": self._attribute,
            "DTM": self._date,
            "LOC": self._place,
            "NAT": self._nationality,
            "RFF": self._reference,
            "DOC": self._document,
            "GEI": self._indicator,
            "COM": self._contact,
            **dict.fromkeys(("MEA", "FTX", "EMP", "QTY", "CTA", "TSR", "PRI"), _not_needed),
        }
        self._notes = notes
        self._calendar = calendar
        self._today = today
        self._day = journey.day or today
        self._journey = journey
        self._roster = Roster(notes, journey)
        self._remembered: dict[str, Stated] = {}
        self._role: Role | None = None
        # Fields of the person and of the document being read; those of a document are closed unless one is open.
        self._fields: dict[str, Any] = {}
        self._documents: list[Document] = []
        self._open: tuple[str, str] | None = None

    @property
    def tags(self) -> frozenset[str]:
        """Of the segments that may follow a NAD."""
        return frozenset(self._handlers)

    @property
    def people(self) -> tuple[Person, ...]:
        """Who can be used."""
        return tuple(self._roster.people)

    def begin(self, elements: list[str]) -> None:
        """A NAD segment with a qualifier of `ROLES`: the person before is complete."""
        self.finish()
        notes = self._notes
        notes.of_person = True
        self.entries += 1
        self._role = role = ROLES[elements[1]]
        self._name = f"NAD+{elements[1]}"
        self._began, self._line = notes.segment, notes.line
        self._surname, self._given = self._names(elements)
        self._fields.clear()
        self._fields["issuing_state"] = ""
        self._references: list[Reference] = []
        self._contacts: list[str] = []
        if self._journey.crew != (role in _CREW):
            who, listed = ("crew", "passengers") if role in _CREW else ("a passenger", "crew")
            self._odd(FindingCode.ROLE_MISMATCH, f"{who} in a list of {listed}", self._name)

    def read(self, stream: Iterator[Numbered]) -> Numbered | None:
        """Reads on to the first segment that is not of people who can be used, and returns it; None at the end."""
        remembered, fields, handlers, notes = self._remembered, self._fields, self._handlers, self._notes
        item = None
        for item in stream:
            segment = item[2]
            known = remembered.get(segment)
            if known is not None and known[0] not in fields:
                fields[known[0]] = known[1]
                continue
            elements = segment.split(ELEMENT)
            handler = handlers.get(elements[0])
            notes.segment = item
            if handler is None:
                if elements[0] != "NAD" or len(elements) < 5 or elements[1] not in ROLES:
                    return item
                self.begin(elements)
                continue
            try:
                stated = handler(elements)
            except IndexError:  # only ever of `elements`
                self._odd(FindingCode.SEGMENT_SHORT, f"{shown(segment)} is too short", name_of(segment))
                continue
            if stated is not None:
                if stated[0] not in fields:
                    fields[stated[0]] = stated[1]
                    remembered[segment] = stated
                elif fields[stated[0]] != stated[1]:
                    self._repeated(*stated, segment)
        notes.segment = item or notes.segment
        return None

    def finish(self) -> None:
        """Completes the person being read, if any."""
        role, self._role = self._role, None
        if role is None:
            return
        self._close_document()
        fields = self._fields
        del fields["issuing_state"]
        documents, self._documents = self._documents, []
        if not self._surname:
            message = "somebody without a surname is left out"
            self._notes.add(
                FindingCode.SURNAME_MISSING, message, self._name, at=Place(*self._began[:2]), of_person=True
            )
            return
        if "birth_date" not in fields and self._journey.thorough:
            message = "no birth date is stated"
            self._notes.add(
                FindingCode.BIRTH_DATE_MISSING, message, self._name, at=Place(*self._began[:2]), of_person=True
            )
        person = Person(
            role,
            self._surname,
            self._given,
            documents=tuple(documents),
            references=tuple(self._references),
            contacts=tuple(self._contacts),
            line=self._line,
            segment=self._began[0],
            **fields,
        )
        self._roster.add(person, self._began, self._name)

    def _odd(self, code: FindingCode, message: str, segment: str) -> None:
        self._notes.add(code, message, segment, of_person=True)

    def _repeated(self, name: str, value: object, segment: str) -> None:
        if name == "issuing_state" and self._open is None:
            self._odd(
                FindingCode.SEGMENT_MISPLACED, "an issuing state without a document was skipped", name_of(segment)
            )
        else:
            message = f"{name.replace('_', ' ')} is stated twice: {self._fields[name]}, then {value}; the first counts"
            self._odd(FindingCode.VALUE_REPEATED, message, name_of(segment))

    # Segments

    def _names(self, elements: list[str]) -> tuple[str, str]:
        """Surname and given names (C080: 3036, the first five components)."""
        stated = elements[4].split(COMPONENT) if len(elements) > 4 else [""]
        surname, given = stated[0], " ".join([name for name in stated[1:5] if name])
        if _PLAIN_NAME.fullmatch(surname) and (not given or _PLAIN_NAME.fullmatch(given)):
            return surname, given
        surname, given = " ".join(surname.split()), " ".join(given.split())
        segment = f"NAD+{elements[1]}"
        if "/" in surname and not given:
            surname, _, given = (part.strip() for part in surname.partition("/"))
            message = "surname and given names stand in one value, parted by an oblique"
            self._odd(FindingCode.NAME_SPLIT, message, segment)
        whole = f"{surname} {given}"
        if whole != whole.upper():
            self._odd(FindingCode.NAME_CASE, "the name is not in capitals", segment)
        odd = {sign for sign in whole if not sign.isalpha() and sign not in " '.-’"}
        if odd:
            self._odd(FindingCode.NAME_UNUSUAL, f"the name holds {' '.join(sorted(odd))}", segment)
        return surname, given

    def _attribute(self, elements: list[str]) -> Stated | None:
        sex = elements[3].partition(COMPONENT)[0].upper() if elements[1] == "2" else ""
        if sex in _SEXES:
            return "sex", sex
        if sex:
            self._odd(FindingCode.SEX_UNKNOWN, f"sex {sex!r}: expected M, F or X", "ATT+2")
        return None

    def _date(self, elements: list[str]) -> None:
        qualifier, _, rest = elements[1].partition(COMPONENT)
        text = rest.partition(COMPONENT)[0]
        if qualifier == "329":
            self._birth(text)
        elif qualifier == "36":
            self._expiry(text)
        if len(text) == 6 and self.short_year is None:
            self.short_year = self._notes.here

    def _birth(self, text: str) -> None:
        born = self._calendar.birth(text) or self._retried(text, "DTM+329", self._calendar.birth)
        if born is not None and not self._today.year - _OLDEST_YEARS <= born.year <= self._today.year:
            self._odd(FindingCode.BIRTH_DATE_UNUSUAL, f"born on {born}", "DTM+329")
        if born is not None and born > self._today:
            if born.year == self._today.year:
                self._odd(FindingCode.BIRTH_DATE_UNUSUAL, f"born on {born}", "DTM+329")
            born = None
        known = self._fields.setdefault("birth_date", born)
        if known != born:
            self._repeated("birth_date", born, f"DTM{ELEMENT}329")

    def _expiry(self, text: str) -> None:
        if self._open is None:
            self._odd(FindingCode.SEGMENT_MISPLACED, "an expiry date without a document was skipped", "DTM+36")
            return
        expires = self._calendar.day(text) or self._retried(text, "DTM+36", self._calendar.day)
        known = self._fields.setdefault("expires", expires)
        if known != expires:
            self._repeated("expires", expires, f"DTM{ELEMENT}36")
        elif expires is not None and expires < self._day:
            self._odd(FindingCode.DOCUMENT_EXPIRED, f"expired on {expires}, before {self._day}", "DTM+36")
        elif expires is not None and expires.year - self._day.year > _LONGEST_VALID_YEARS:
            self._odd(FindingCode.DOCUMENT_EXPIRY_UNUSUAL, f"expires on {expires}", "DTM+36")

    def _retried(self, text: str, segment: str, read: Callable[[str], date | None]) -> date | None:
        """The date without the blanks and signs that somebody put in it; says what is wrong with it."""
        if not text:
            self._odd(FindingCode.DATE_EMPTY, f"{segment} holds no date", segment)
            return None
        tidy = _NOT_IN_DATE.sub("", text)
        found = read(tidy) if tidy != text else None
        if found is None:
            self._odd(FindingCode.DATE_INVALID, f"{text!r} is no day: expected YYMMDD or CCYYMMDD", segment)
        else:
            self._odd(FindingCode.STRAY_BLANKS, f"{text!r} is read as {found}", segment)
        return found

    def _place(self, elements: list[str]) -> Stated | None:
        qualifier = elements[1]
        code = elements[2].partition(COMPONENT)[0].upper() if len(elements) > 2 else ""
        if not code:
            return None
        if qualifier == "178":
            return "embarkation", code
        if qualifier == "179":
            return "debarkation", code
        if qualifier == "174":
            return self._state("residence", code, "LOC+174")
        return self._state("issuing_state", code, "LOC+91") if qualifier == "91" else None

    def _nationality(self, elements: list[str]) -> Stated | None:
        return self._state("nationality", elements[2].partition(COMPONENT)[0].upper(), "NAT+2")

    def _state(self, name: str, code: str, segment: str) -> Stated | None:
        if code in STATES:
            return name, code
        if not code:
            return None
        what = name.replace("_", " ")
        if code in ALPHA_3:
            message = f"{what} {code!r} has two letters: read as {ALPHA_3[code]}"
            self._odd(FindingCode.STATE_TWO_LETTERS, message, segment)
            code = ALPHA_3[code]
        else:
            self._odd(FindingCode.STATE_UNKNOWN, f"{what} {code!r} is no code of a state", segment)
        if self._fields.setdefault(name, code) != code:
            self._repeated(name, code, segment)
        return None

    def _reference(self, elements: list[str]) -> None:
        qualifier, _, rest = elements[1].partition(COMPONENT)
        value = rest.partition(COMPONENT)[0]
        if value and self._room(self._references, elements):
            self._references.append(Reference(qualifier, value))
            if qualifier == "SEA":
                self._fields.setdefault("seat", value.replace(" ", "").upper())

    def _document(self, elements: list[str]) -> None:
        self._close_document()
        if not self._room(self._documents, elements):
            return
        kind = elements[1].partition(COMPONENT)[0].upper()
        number = elements[2].partition(COMPONENT)[0] if len(elements) > 2 else ""
        tidy = _NOT_IN_NUMBER.sub("", number.upper())
        if not tidy:
            self._odd(FindingCode.DOCUMENT_NUMBER_MISSING, f"document {kind} has no number", f"DOC+{kind}")
        elif tidy != number:
            self._odd(FindingCode.DOCUMENT_NUMBER_TIDIED, f"{number!r} is read as {tidy}", f"DOC+{kind}")
        self._open = (kind, tidy)
        del self._fields["issuing_state"]

    def _close_document(self) -> None:
        if self._open is None:
            return
        kind, number = self._open
        state, expires = self._fields.pop("issuing_state", ""), self._fields.pop("expires", None)
        if number:
            self._documents.append(Document(kind, number, state, expires))
        self._open = None
        self._fields["issuing_state"] = ""

    def _indicator(self, elements: list[str]) -> Stated | None:
        verified = _VERIFIED.get(elements[2].partition(COMPONENT)[0]) if elements[1] == "4" else None
        return None if verified is None else ("verified", verified)

    def _contact(self, elements: list[str]) -> None:
        if self._room(self._contacts, elements):
            self._contacts += (value for element in elements[1:] if (value := element.partition(COMPONENT)[0]))

    def _room(self, known: Sized, elements: list[str]) -> bool:
        if len(known) < MOST_VALUES:
            return True
        self._odd(FindingCode.VALUES_OMITTED, f"more than {MOST_VALUES} {elements[0]} segments", elements[0])
        return False


def _not_needed(_: list[str]) -> None:
    """Part of the message that says nothing the gate needs."""
