"""What a manifest says, whatever its format: messages, legs, people. Plain records, as the carrier stated them.

A reader never repairs in silence: what it corrected, guessed or left out stands in `findings`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from gate.manifest.findings import Finding, Severity


class Role(enum.StrEnum):
    """In what capacity a person travels; the PAXLST party qualifier (DE 3035) in brackets."""

    PASSENGER = "passenger"  # FL
    CREW = "crew"  # FM
    TRANSIT_PASSENGER = "transit_passenger"  # DDU
    TRANSIT_CREW = "transit_crew"  # DDT


class Action(enum.StrEnum):
    """What a message asks for."""

    LIST = "list"
    """These people travel: who is not known yet is added, who is known is brought up to date."""
    CHANGE = "change"
    """These people's data have changed (PAXLST ``CP``), or their flight has (``CF``)."""
    CANCEL = "cancel"
    """These people do not travel any more (``XR``); without people, the whole list is cancelled."""
    CLOSE = "close"
    """The flight is closed (``CL``)."""
    NOT_ON_BOARD = "not_on_board"
    """The flight is closed; the people listed did not board (``CLNB``)."""
    ON_BOARD = "on_board"
    """The flight is closed; the people listed are on board, and nobody else (``CLOB``)."""
    BOARDED = "boarded"
    """These people are on board while the flight is still open (check-in data): no gate needs them any more."""


class Format(enum.StrEnum):
    """How a manifest is written."""

    PAXLST = "paxlst"
    CSV = "csv"
    JSON_LINES = "jsonl"


@dataclass(frozen=True, slots=True)
class Leg:
    """One carriage leg.

    Attributes:
        carrier: IATA (2) or ICAO (3) designator, upper case; may be empty.
        number: flight number without leading zeros, with its operational suffix if any: ``"123"``, ``"8A"``.
        origin, destination: IATA location codes; empty when not stated.
        departure_local, arrival_local: naive, on the clocks of origin and destination; None when not stated.
        departure, arrival: the same in UTC; None when the local time is.
    """

    carrier: str
    number: str
    origin: str = ""
    destination: str = ""
    departure_local: datetime | None = None
    arrival_local: datetime | None = None
    departure: datetime | None = None
    arrival: datetime | None = None

    @property
    def flight(self) -> str:
        """The gallery's name for it, ``CX0830/2026-11-22``: number to four digits, local date of departure.

        Empty when number or date are not known.
        """
        moment = self.departure_local or self.arrival_local
        if not self.number or moment is None:
            return ""
        digits = self.number.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return f"{self.carrier}{digits.zfill(4)}{self.number[len(digits) :]}/{moment:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Document:
    """A travel document as stated.

    Attributes:
        kind: code as stated, such as ``P``, ``V``, ``I``.
        number: upper case, letters and digits only.
        issuing_state: ICAO 9303 three-letter code; empty when not stated.
        expires: last day of validity.
    """

    kind: str
    number: str
    issuing_state: str = ""
    expires: date | None = None


class Reference(NamedTuple):
    """A reference to a person or message: qualifier (DE 1153, such as ``AVF``, ``ABO``, ``SEA``) and value."""

    qualifier: str
    value: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody named in a message.

    Attributes:
        surname, given_names: as stated, tidied of stray blanks; given names joined by one blank.
        sex: ``M``, ``F``, ``X``, or empty.
        nationality, residence: ICAO 9303 codes as stated.
        embarkation, debarkation: IATA location codes of this person's own journey; empty when not stated.
        references: in the order stated.
        seat: without blanks, or empty.
        sequence: check-in sequence number, upper case without leading zeros, or empty.
        verified: the carrier states that it checked the document (GEI 4:173 verified, 4:174 not); None: nothing said.
        consent: to face verification; None when nothing was said.
        photo: name of a photograph (file name or key) that comes beside the manifest; empty when none is named.
        photo_data: the photograph itself, where the manifest carries it.
        line: where the person begins, from 1. segment: number of the segment or row, from 1.
    """

    role: Role
    surname: str
    given_names: str = ""
    birth_date: date | None = None
    sex: str = ""
    nationality: str = ""
    residence: str = ""
    documents: tuple[Document, ...] = ()
    embarkation: str = ""
    debarkation: str = ""
    references: tuple[Reference, ...] = ()
    seat: str = ""
    sequence: str = ""
    contacts: tuple[str, ...] = ()
    verified: bool | None = None
    consent: bool | None = None
    photo: str = ""
    photo_data: bytes = field(default=b"", repr=False)
    line: int = 0
    segment: int = 0

    def reference(self, qualifier: str) -> str:
        """The first reference of that qualifier; empty when there is none."""
        return next((r.value for r in self.references if r.qualifier == qualifier), "")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a manifest: the unit that is loaded whole or not at all.

    Attributes:
        action: what it asks for.
        crew: it lists crew.
        number: the message's own name within the manifest (UNH reference; for rows: the flight).
        sender: who sent it, as stated.
        transaction: RFF+TN without revision; the carrier's name for the list over its updates.
        part, last_part: of a list that was split over several messages (UNH sequence and ``F``); 0: not split.
        legs: in order of travel.
        people: everybody named who can be used; who cannot is in the findings.
        stated: how many people the message says it names; None when it does not say.
        findings: about this message and its people. An ERROR without a person (`Finding.person`) makes it unusable.
    """

    action: Action
    crew: bool
    number: str
    sender: str
    transaction: str
    part: int
    last_part: bool
    legs: tuple[Leg, ...]
    people: tuple[Person, ...]
    stated: int | None
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """It can be loaded: nothing about the message itself (rather than one person in it) is an error."""
        return not any(f.severity is Severity.ERROR and not f.of_person for f in self.findings)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole file.

    Attributes:
        findings: about the file as such, its envelope, and anything that is in no message.
    """

    format: Format
    messages: tuple[Message, ...]
    findings: tuple[Finding, ...]

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The file's and every message's, in the order of the file."""
        every = [*self.findings, *(finding for message in self.messages for finding in message.findings)]
        return tuple(sorted(every, key=lambda finding: (finding.line, finding.segment_number)))
