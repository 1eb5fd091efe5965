"""The people of a PAXLST message (segment groups 4 and 5: NAD to the last DOC), one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from gate.manifest.codes import ALPHA_3, STATES
from gate.manifest.dates import Calendar
from gate.manifest.edifact import COMPONENT
from gate.manifest.findings import FindingCode
from gate.manifest.notes import Notes, Place
from gate.manifest.records import Document, Person, Reference, Role

ROLES = {"FL": Role.PASSENGER, "FM": Role.CREW, "DDU": Role.TRANSIT_PASSENGER, "DDT": Role.TRANSIT_CREW}
"""Party qualifiers (DE 3035)."""

_CREW = (Role.CREW, Role.TRANSIT_CREW)
_SEXES = frozenset("MFX")
_VERIFIED = {"173": True, "174": False}
_PLAIN_NAME = re.compile(r"[A-Z](?:[A-Z '.-]*[A-Z.])?")
_NOT_IN_NUMBER = re.compile(r"[^A-Z0-9]")
_OLDEST_YEARS = 120
_LONGEST_VALID_YEARS = 20

Handler = Callable[[list[str]], None]


@dataclass(frozen=True, slots=True)
class Journey:
    """What the people of a message are compared with.

    Attributes:
        places: of the legs, in order of travel, each once.
        day: of travel; None when not known.
        several: there is more than one leg.
        crew: the list is one of crew.
        thorough: a list whose people must be complete, rather than names to cancel or to close with.
    """

    places: Mapping[str, int]
    day: date | None
    several: bool
    crew: bool
    thorough: bool


@dataclass(slots=True)
class _Paper:
    """A document being read."""

    kind: str
    number: str
    state: str = ""
    expires: date | None = None


class People:
    """Collects them. Feed `handlers` the segments, by tag; `finish` after the last.

    Attributes:
        people: who can be used, repeated entries merged.
        entries: how many were named, usable or not.
        short_year: the first date with a two-digit year.
    """

    def __init__(self, notes: Notes, calendar: Calendar, today: date, journey: Journey) -> None:
        self.people: list[Person] = []
        self.entries = 0
        self.short_year: Place | None = None
        self.handlers: Mapping[str, Handler] = {
            "ATT": self._attribute,
            "DTM": self._date,
            "LOC": self._place,
            "NAT": self._nationality_of,
            "RFF": self._reference,
            "DOC": self._document,
            "GEI": self._indicator,
            "COM": self._contact,
            **dict.fromkeys(("MEA", "FTX", "EMP", "QTY", "CTA", "TSR", "PRI"), _not_needed),
        }
        self._notes = notes
        self._calendar = calendar
        self._today = today
        self._journey = journey
        self._by_name: dict[tuple[str, str, date | None], int] = {}
        self._by_document: dict[tuple[str, str], tuple[tuple[str, str, date | None], int]] = {}
        self._role: Role | None = None

    def begin(self, elements: list[str]) -> None:
        """A NAD segment: the one before is complete. Of a party that is nobody's, the segments are left out."""
        self.finish()
        notes = self._notes
        notes.of_person = True
        self.entries += 1
        self._role = ROLES.get(elements[1])
        self._name = f"NAD+{elements[1]}"
        self._at, self._line = notes.here, notes.line
        self._surname, self._given = self._names(elements)
        self._sex = self._nationality = self._residence = self._embarkation = self._debarkation = self._seat = ""
        self._birth: date | None = None
        self._birth_stated = False
        self._verified: bool | None = None
        self._papers: list[_Paper] = []
        self._references: list[Reference] = []
        self._contacts: list[str] = []
        if self._journey.crew != (self._role in _CREW):
            what = "crew" if self._role in _CREW else "a passenger"
            self._odd(
                FindingCode.ROLE_MISMATCH, f"{what} in a list of {'crew' if self._journey.crew else 'passengers'}"
            )

    def finish(self) -> None:
        """Completes the person being read, if any."""
        role, self._role = self._role, None
        if role is None:
            return
        if not self._surname:
            self._odd(FindingCode.SURNAME_MISSING, "somebody without a surname is left out", self._name, at=self._at)
            return
        if self._journey.thorough:
            self._check_complete()
        if self._embarkation or self._debarkation or self._journey.several:
            self._check_journey()
        papers = [Document(p.kind, p.number, p.state, p.expires) for p in self._papers if p.number]
        self._keep(
            Person(
                role,
                self._surname,
                self._given,
                self._birth,
                self._sex,
                self._nationality,
                self._residence,
                tuple(papers),
                self._embarkation,
                self._debarkation,
                tuple(self._references),
                self._seat,
                tuple(self._contacts),
                self._verified,
                line=self._line,
                segment=self._at.number,
            ),
        )

    def _odd(self, code: FindingCode, message: str, segment: str = "", at: Place | None = None) -> None:
        self._notes.add(code, message, segment, at=at, of_person=True)

    # Segments

    def _names(self, elements: list[str]) -> tuple[str, str]:
        """Surname and given names (C080: 3036, the first five components)."""
        stated = elements[4].split(COMPONENT) if len(elements) > 4 else [""]
        surname, given = stated[0], " ".join(name for name in stated[1:5] if name)
        if _PLAIN_NAME.fullmatch(surname) and (not given or _PLAIN_NAME.fullmatch(given)):
            return surname, given
        surname, given = " ".join(surname.split()), " ".join(given.split())
        segment = f"NAD+{elements[1]}"
        if "/" in surname and not given:
            surname, _, given = (part.strip() for part in surname.partition("/"))
            self._odd(
                FindingCode.NAME_SPLIT, "surname and given names stand in one value, parted by an oblique", segment
            )
        whole = f"{surname} {given}"
        if whole != whole.upper():
            self._odd(FindingCode.NAME_CASE, "the name is not in capitals", segment)
        odd = {sign for sign in whole if not sign.isalpha() and sign not in " '.-’"}
        if odd:
            self._odd(FindingCode.NAME_UNUSUAL, f"the name holds {' '.join(sorted(odd))}", segment)
        return surname, given

    def _attribute(self, elements: list[str]) -> None:
        if elements[1] != "2":
            return
        sex = elements[3].partition(COMPONENT)[0].upper()
        if sex in _SEXES:
            self._sex = self._once("sex", self._sex, sex, "ATT+2")
        elif sex:
            self._odd(FindingCode.SEX_UNKNOWN, f"sex {sex!r}: expected M, F or X", "ATT+2")

    def _date(self, elements: list[str]) -> None:
        qualifier, _, rest = elements[1].partition(COMPONENT)
        text = rest.partition(COMPONENT)[0]
        if qualifier == "329":
            self._birth_stated = True
            born = self._calendar.birth(text)
            if born is None or born > self._today or born.year < self._today.year - _OLDEST_YEARS:
                born = self._doubtful_birth(text)
            self._birth = born
        elif qualifier == "36":
            if not self._papers:
                self._misplaced("DTM+36", "an expiry date without a document")
                return
            expires = self._calendar.day(text) or self._retried(text, "DTM+36", self._calendar.day)
            self._papers[-1].expires = expires
            day = self._journey.day or self._today
            if expires is None:
                pass
            elif expires < day:
                self._odd(FindingCode.DOCUMENT_EXPIRED, f"expired on {expires}, before {day}", "DTM+36")
            elif expires.year - day.year > _LONGEST_VALID_YEARS:
                self._odd(FindingCode.DOCUMENT_EXPIRY_UNUSUAL, f"expires on {expires}", "DTM+36")
        if len(text) == 6 and self.short_year is None:
            self.short_year = self._notes.here

    def _doubtful_birth(self, text: str) -> date | None:
        born = self._calendar.birth(text) or self._retried(text, "DTM+329", self._calendar.birth)
        if born is None or (self._today.year - _OLDEST_YEARS <= born.year and born <= self._today):
            return born
        self._odd(FindingCode.BIRTH_DATE_UNUSUAL, f"born on {born}", "DTM+329")
        return born if born <= self._today else None

    def _retried(self, text: str, segment: str, read: Callable[[str], date | None]) -> date | None:
        """The date without the blanks and signs that somebody put in it; says what is wrong with it."""
        if not text:
            self._odd(FindingCode.DATE_EMPTY, f"{segment} holds no date", segment)
            return None
        tidy = re.sub(r"[ ./-]", "", text)
        found = read(tidy) if tidy != text else None
        if found is None:
            self._odd(FindingCode.DATE_INVALID, f"{text!r} is no day: expected YYMMDD or CCYYMMDD", segment)
        else:
            self._odd(FindingCode.STRAY_BLANKS, f"{text!r} is read as {found}", segment)
        return found

    def _place(self, elements: list[str]) -> None:
        qualifier = elements[1]
        code = elements[2].partition(COMPONENT)[0] if len(elements) > 2 else ""
        if qualifier == "178":
            self._embarkation = self._once("port of embarkation", self._embarkation, code.upper(), "LOC+178")
        elif qualifier == "179":
            self._debarkation = self._once("port of debarkation", self._debarkation, code.upper(), "LOC+179")
        elif qualifier == "91":
            if self._papers:
                self._papers[-1].state = self._state(code, "LOC+91", "issuing state")
            else:
                self._misplaced("LOC+91", "an issuing state without a document")
        elif qualifier == "174":
            self._residence = self._once(
                "residence", self._residence, self._state(code, "LOC+174", "residence"), "LOC+174"
            )

    def _nationality_of(self, elements: list[str]) -> None:
        state = self._state(elements[2].partition(COMPONENT)[0], "NAT+2", "nationality")
        self._nationality = self._once("nationality", self._nationality, state, "NAT+2")

    def _reference(self, elements: list[str]) -> None:
        qualifier, _, rest = elements[1].partition(COMPONENT)
        value = rest.partition(COMPONENT)[0]
        if value:
            self._references.append(Reference(qualifier, value))
            if qualifier == "SEA" and not self._seat:
                self._seat = value.replace(" ", "").upper()

    def _document(self, elements: list[str]) -> None:
        kind = elements[1].partition(COMPONENT)[0].upper()
        number = elements[2].partition(COMPONENT)[0] if len(elements) > 2 else ""
        if not (number.isascii() and number.isalnum() and number.isupper()) and not number.isdecimal():
            tidy = _NOT_IN_NUMBER.sub("", number.upper())
            if not tidy:
                self._odd(FindingCode.DOCUMENT_NUMBER_MISSING, f"document {kind} has no number", f"DOC+{kind}")
            elif tidy != number:
                self._odd(FindingCode.DOCUMENT_NUMBER_TIDIED, f"{number!r} is read as {tidy}", f"DOC+{kind}")
            number = tidy
        self._papers.append(_Paper(kind, number))

    def _indicator(self, elements: list[str]) -> None:
        if elements[1] == "4":
            self._verified = _VERIFIED.get(elements[2].partition(COMPONENT)[0], self._verified)

    def _contact(self, elements: list[str]) -> None:
        self._contacts += (value for element in elements[1:] if (value := element.partition(COMPONENT)[0]))

    def _state(self, code: str, segment: str, what: str) -> str:
        if code in STATES or not code:
            return code
        code = code.upper()
        if code in ALPHA_3:
            message = f"{what} {code!r} has two letters: read as {ALPHA_3[code]}"
            self._odd(FindingCode.STATE_TWO_LETTERS, message, segment)
            return ALPHA_3[code]
        if code not in STATES:
            self._odd(FindingCode.STATE_UNKNOWN, f"{what} {code!r} is no code of a state", segment)
        return code

    def _once(self, what: str, known: str, stated: str, segment: str) -> str:
        if known and stated and known != stated:
            message = f"{what} is stated twice: {known}, then {stated}; the first counts"
            self._odd(FindingCode.VALUE_REPEATED, message, segment)
        return known or stated

    def _misplaced(self, segment: str, what: str) -> None:
        self._odd(FindingCode.SEGMENT_MISPLACED, f"{what} was skipped", segment)

    # The whole person

    def _check_complete(self) -> None:
        if not self._birth_stated:
            self._odd(FindingCode.BIRTH_DATE_MISSING, "no birth date is stated", self._name, at=self._at)
        if not self._papers:
            self._odd(FindingCode.DOCUMENT_MISSING, "no travel document is stated", self._name, at=self._at)

    def _check_journey(self) -> None:
        places, ends = self._journey.places, (self._embarkation, self._debarkation)
        if ends[0] in places and places[ends[0]] < places.get(ends[1], -1):
            return
        for qualifier, place in zip(("178", "179"), ends, strict=True):
            if place and place not in places:
                message = f"{place} (LOC+{qualifier}) is on none of the legs: {' '.join(places) or 'none'}"
                self._odd(FindingCode.JOURNEY_OFF_LEGS, message, self._name, at=self._at)
        if all(place in places for place in ends):
            if places[ends[0]] >= places[ends[1]]:
                message = f"embarks at {ends[0]} and leaves at {ends[1]}"
                self._odd(FindingCode.JOURNEY_BACKWARDS, message, self._name, at=self._at)
        elif not all(ends) and self._journey.several:
            message = "the flight has several legs, and not both ends of this journey are stated"
            self._odd(FindingCode.JOURNEY_UNSTATED, message, self._name, at=self._at)

    def _keep(self, person: Person) -> None:
        key = (person.surname, person.given_names, person.birth_date)
        known = self._by_name.setdefault(key, len(self.people))
        if known == len(self.people):
            self.people.append(person)
        elif _same(self.people[known], person):
            first = self.people[known]
            self._odd(
                FindingCode.PERSON_REPEATED, f"already named on line {first.line}: one person", self._name, at=self._at
            )
            self.people[known] = _merged(first, person)
        else:
            message = f"same name and birth date as on line {self.people[known].line}, with other documents or journey"
            self._odd(FindingCode.NAME_SHARED, message, self._name, at=self._at)
            self.people.append(person)
        for document in person.documents:
            owner, line = self._by_document.setdefault((document.number, document.issuing_state), (key, person.line))
            if owner != key:
                message = f"the document of somebody else, on line {line}"
                self._odd(FindingCode.DOCUMENT_SHARED, message, f"DOC+{document.kind}", at=self._at)


def _same(one: Person, other: Person) -> bool:
    """Two entries of one name and birth date are of one person."""
    mine, theirs = ({(d.number, d.issuing_state) for d in person.documents} for person in (one, other))
    return (one.embarkation, one.debarkation) == (other.embarkation, other.debarkation) and (
        bool(mine & theirs) or not mine or not theirs
    )


def _merged(first: Person, last: Person) -> Person:
    """The last entry, with what only the first one had."""
    numbers = {(document.number, document.issuing_state) for document in last.documents}
    return replace(
        last,
        documents=(*last.documents, *(d for d in first.documents if (d.number, d.issuing_state) not in numbers)),
        references=(*last.references, *(r for r in first.references if r not in last.references)),
        line=first.line,
        segment=first.segment,
    )


def _not_needed(_: list[str]) -> None:
    """Part of the message that says nothing the gate needs."""
