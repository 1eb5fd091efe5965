"""Who is on a list: each person once, compared with the legs and with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from gate.manifest.edifact import Numbered
from gate.manifest.findings import FindingCode
from gate.manifest.notes import Notes, Place
from gate.manifest.records import Person

MOST_VALUES = 99
"""Documents, references or contacts of one person: far more than the standard allows, and a bound on the work."""

_Name = tuple[str, str, date | None]


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


class Roster:
    """Collects people; what is odd about them among the others goes to `notes`."""

    def __init__(self, notes: Notes, journey: Journey) -> None:
        self.people: list[Person] = []
        self._notes = notes
        self._journey = journey
        self._by_name: dict[_Name, int] = {}
        self._by_document: dict[tuple[str, str], tuple[_Name, int]] = {}

    def add(self, person: Person, began: Numbered, segment: str) -> None:
        """Adds somebody, or merges them with their first entry; `began` is the entry's first segment."""

        doubts = self._doubts(person.embarkation, person.debarkation)
        if self._journey.thorough and not person.documents:
            doubts.append((FindingCode.DOCUMENT_MISSING, "no usable travel document is stated"))
        key = (person.surname, person.given_names, person.birth_date)
        known = self._by_name.setdefault(key, len(self.people))
        if known == len(self.people):
            self.people.append(person)
        elif _same(self.people[known], person):
            doubts.append((FindingCode.PERSON_REPEATED, f"already named on line {self.people[known].line}: one person"))
            self.people[known] = _merged(self.people[known], person)
        else:
            where = f"line {self.people[known].line}"
            message = f"same name and birth date as on {where}, with other documents or journey"
            doubts.append((FindingCode.NAME_SHARED, message))
            self.people.append(person)
        for document in person.documents:
            owner, line = self._by_document.setdefault((document.number, document.issuing_state), (key, person.line))
            if owner is not key and owner != key:
                message = f"document {document.number} is somebody else's, too: line {line}"
                doubts.append((FindingCode.DOCUMENT_SHARED, message))
        for code, message in doubts:
            self._notes.add(code, message, segment, at=Place(*began[:2]), of_person=True)

    def _doubts(self, start: str, end: str) -> list[tuple[FindingCode, str]]:
        """About a person's own journey."""
        places, several = self._journey.places, self._journey.several
        if start in places and places[start] < places.get(end, -1):
            return []
        found = [
            (
                FindingCode.JOURNEY_OFF_LEGS,
                f"{place} ({what}) is on none of the legs: {' '.join([*places][:9]) or 'none'}",
            )
            for what, place in (("LOC+178", start), ("LOC+179", end))
            if place and place not in places
        ]
        if start in places and end in places:
            found.append((FindingCode.JOURNEY_BACKWARDS, f"embarks at {start} and leaves at {end}"))
        elif several and not (start and end):
            message = "the flight has several legs, and not both ends of this journey are stated"
            found.append((FindingCode.JOURNEY_UNSTATED, message))
        return found


def _same(one: Person, other: Person) -> bool:
    """Two entries of one name and birth date are of one person."""
    mine, theirs = ({(d.number, d.issuing_state) for d in person.documents} for person in (one, other))
    same_journey = (one.embarkation, one.debarkation) == (other.embarkation, other.debarkation)
    return same_journey and (bool(mine & theirs) or not mine or not theirs)


def _merged(first: Person, last: Person) -> Person:
    """The last entry, with what only the first one had."""
    numbers = {(document.number, document.issuing_state) for document in last.documents}
    more = [document for document in first.documents if (document.number, document.issuing_state) not in numbers]
    known = set(last.references)
    references = (*last.references, *(reference for reference in first.references if reference not in known))
    return replace(
        last,
        documents=(*last.documents, *more)[:MOST_VALUES],
        references=references[:MOST_VALUES],
        line=first.line,
        segment=first.segment,
    )
