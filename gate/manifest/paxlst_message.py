"""One PAXLST message, from behind its UNH to its UNT (WCO/IATA/ICAO implementation guide, D.02B and later)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from gate.manifest.dates import Calendar
from gate.manifest.edifact import COMPONENT, ELEMENT, Numbered, Segments, name_of, shown
from gate.manifest.findings import FindingCode
from gate.manifest.notes import Notes, Place
from gate.manifest.paxlst_legs import LegReader, Stage, Stop
from gate.manifest.paxlst_people import ROLES, People
from gate.manifest.paxlst_roster import Journey
from gate.manifest.reading import Reading
from gate.manifest.records import Action, Leg, Message
from gate.manifest.source import Source

_Handler = Callable[[list[str]], None]

SERVICE = frozenset(("UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"))

_PASSENGERS, _CREW_LISTS, _STATUS = "745", ("250", "336"), "266"
_ACTIONS = {
    "": Action.LIST,
    "CP": Action.CHANGE,
    "CF": Action.CHANGE,
    "XR": Action.CANCEL,
    "RP": Action.CANCEL,
    "XF": Action.CANCEL,
    "CL": Action.CLOSE,
    "CLNB": Action.NOT_ON_BOARD,
    "CLOB": Action.ON_BOARD,
}
_OF_STATUS = ("CL", "CLNB", "CLOB", "XF", "CF")
_CREW_ACTIONS = dict.fromkeys(("C", "CC", "B", "BC", "A", "D", "E", "EC", "F", "FC", "G"), Action.LIST) | {
    "H": Action.CANCEL,  # master crew lists: G adds, H deletes, I changes
    "I": Action.CHANGE,
}
_MAIN_CARRIAGE = "20"
_DEPARTURE_TIMES = ("189", "133", "136")  # scheduled, estimated, actual
_ARRIVAL_TIMES = ("232", "132", "178")
_TOTALS = {"41": "crew", "42": "passengers"}


@dataclass(frozen=True, slots=True)
class Header:
    """Of a message: its UNH, and what its interchange says.

    Attributes:
        reference: of the message. access: common access reference, the same over the parts of a split list.
        part, last_part: place among those parts; 0: not split.
        prepared: the interchange's date; None when not stated.
    """

    reference: str
    access: str
    part: int
    last_part: bool
    prepared: date | None
    at: Place


@dataclass(slots=True)
class Parts:
    """Lists that are split over several messages: how many entries each part had, by list."""

    entries: dict[str, dict[int, int]] = field(default_factory=dict)


class MessageReader:
    """Reads one message from a stream of segments."""

    def __init__(
        self, source: Source, segments: Segments, calendar: Calendar, reading: Reading, header: Header, parts: Parts
    ) -> None:
        self._notes = Notes(source)
        self._notes.segment = (*header.at, "UNH")
        self._segments = segments
        self._calendar = calendar
        self._reading = reading
        self._header = header
        self._parts = parts
        self._action: Action | None = None
        self._crew = False
        self._sender = self._transaction = ""
        self._stages: list[Stage] = []
        self._skipping = False  # the places of a stage that is no main carriage
        self._legs: tuple[Leg, ...] = ()
        self._people: People | None = None
        self._of_person = False  # what comes next is about the person being read
        self._totals: dict[str, int] = {}
        self._total_at: Place | None = None
        self._trailer: Mapping[str, _Handler] = {"NAD": self._party, "CNT": self._total}
        self._handlers: Mapping[str, _Handler] = {
            **dict.fromkeys(("COM", "CTA", "FTX", "GEI"), _skip),
            **self._trailer,
            "BGM": self._beginning,
            "RFF": self._reference,
            "TDT": self._transport,
            "LOC": self._location,
            "DTM": self._time,
        }

    def read(self, stream: Iterator[Numbered]) -> tuple[Message, Numbered | None]:
        """The message, and the segment that ended it in the place of UNT; None where UNT did, or nothing is left."""
        notes = self._notes
        item = next(stream, None)
        while item is not None:
            notes.segment = item
            segment = item[2]
            elements = segment.split(ELEMENT)
            if elements[0] == "UNT":
                self._check_trailer(elements)
                return self._message(), None
            if elements[0] in SERVICE or segment.startswith("UNA"):
                break
            self._take(elements, segment)
            item = self._people.read(stream) if self._of_person and self._people else next(stream, None)
        self._no_trailer()
        return self._message(), item

    def _take(self, elements: list[str], segment: str) -> None:
        """A segment that is not about the person being read."""
        handler = self._handlers.get(elements[0])
        if handler is None:
            self._refuse(elements, segment)
            return
        try:
            handler(elements)
        except IndexError:  # only ever of `elements`
            self._notes.add(FindingCode.SEGMENT_SHORT, f"{shown(segment)} is too short", name_of(segment))

    @property
    def last(self) -> Numbered:
        """The last segment read."""
        return self._notes.segment

    def _message(self) -> Message:
        notes, header = self._notes, self._header
        people = self._people or self._begin_people()
        people.finish()
        notes.of_person = False
        if self._action is None:
            notes.add(FindingCode.MESSAGE_KIND_UNKNOWN, "the message has no BGM", "UNH", at=header.at)
        if not self._legs:
            notes.add(FindingCode.LEG_MISSING, "no leg (TDT+20) is stated", "UNH", at=header.at)
        if not people.entries and self._action in (Action.LIST, Action.CHANGE):
            notes.add(FindingCode.PEOPLE_MISSING, "the list names nobody", "UNH", at=header.at)
        if people.short_year is not None:
            message = "years have two digits: births are taken as past, other dates as within fifty years"
            notes.add(FindingCode.YEARS_SHORT, message, "DTM", at=people.short_year)
        self._check_total(people)
        self._note_stray_blanks()
        return Message(
            action=self._action or Action.LIST,
            crew=self._crew,
            number=header.reference,
            sender=self._sender,
            transaction=self._transaction,
            part=header.part,
            last_part=header.last_part,
            legs=self._legs,
            people=people.people,
            stated=sum(self._totals.values()) if self._totals else None,
            findings=notes.findings(),
        )

    # Segments, in the order of the message

    def _beginning(self, elements: list[str]) -> None:
        kind = elements[1].partition(COMPONENT)[0]
        function = elements[2].partition(COMPONENT)[0].upper() if len(elements) > 2 else ""
        self._crew = kind in _CREW_LISTS
        action = _CREW_ACTIONS.get(function) if self._crew else None
        action = action or _ACTIONS.get(function)
        if kind not in (_PASSENGERS, *_CREW_LISTS, _STATUS):
            message = f"document name {kind!r}: expected 745 (passengers), 250 or 336 (crew) or 266 (flight status)"
            self._notes.add(FindingCode.MESSAGE_KIND_UNKNOWN, message, "BGM")
        elif function.isdigit():
            action = Action.LIST
            self._notes.add(FindingCode.FUNCTION_MISPLACED, f"{function} is taken for a document number", f"BGM+{kind}")
        elif action is None or (kind == _STATUS and not function):
            self._notes.add(FindingCode.FUNCTION_UNKNOWN, f"function {function!r} is not known", f"BGM+{kind}")
        elif function and (function in _OF_STATUS) != (kind == _STATUS) and function not in _CREW_ACTIONS:
            self._notes.add(FindingCode.FUNCTION_MISPLACED, f"{function} does not belong to {kind}", f"BGM+{kind}")
        self._action = action or Action.LIST

    def _reference(self, elements: list[str]) -> None:
        qualifier, _, rest = elements[1].partition(COMPONENT)
        if qualifier == "TN" and not self._transaction:
            self._transaction = rest.partition(COMPONENT)[0]

    def _party(self, elements: list[str]) -> None:
        if elements[1] in ROLES:
            people = self._people or self._begin_people()
            people.begin(elements)
            self._of_person = True
            self._handlers = self._trailer
        elif elements[1] == "MS" or not self._stages:  # who sends the list, and other offices
            name = elements[4].partition(COMPONENT)[0] if len(elements) > 4 else ""
            name = name or (elements[2].partition(COMPONENT)[0] if len(elements) > 2 else "")
            self._sender = self._sender or (name if elements[1] == "MS" else "")
        else:
            message = f"party {elements[1]!r}: expected FL, FM, DDU or DDT"
            self._notes.add(FindingCode.PARTY_UNKNOWN, message, f"NAD+{elements[1]}", of_person=True)
            self._skip_person()

    def _transport(self, elements: list[str]) -> None:
        self._skipping = elements[1] != _MAIN_CARRIAGE
        if self._skipping:
            message = f"transport stage {elements[1]!r} is no main carriage (20)"
            self._notes.add(FindingCode.LEG_SKIPPED, message, f"TDT+{elements[1]}")
            return
        flight = elements[2].partition(COMPONENT)[0] if len(elements) > 2 else ""
        carrier = elements[5].partition(COMPONENT)[0] if len(elements) > 5 else ""
        self._stages.append(Stage(flight, carrier, self._notes.here))

    def _location(self, elements: list[str]) -> None:
        if self._stages and not self._skipping:
            place = elements[2].partition(COMPONENT)[0].upper()
            self._stages[-1].stops.append(Stop(elements[1], place, self._notes.here))

    def _time(self, elements: list[str]) -> None:
        qualifier, _, rest = elements[1].partition(COMPONENT)
        text, name = rest.partition(COMPONENT)[0], f"DTM+{qualifier}"
        if not self._stages or self._skipping:
            return
        if not self._stages[-1].stops:
            self._notes.add(FindingCode.SEGMENT_MISPLACED, "a time without a place was skipped", name)
            return
        stop = self._stages[-1].stops[-1]
        if not text:
            stop.unread = True
            self._notes.add(FindingCode.DATE_EMPTY, f"{name} holds no time", name)
            return
        tidy = text.replace(" ", "")
        moment = self._calendar.moment(tidy)
        if moment is None and self._calendar.day(tidy):
            moment = self._calendar.moment(tidy + "2359")
            self._notes.add(
                FindingCode.TIME_MISSING, f"{text!r} has no time: the last minute of the day is taken", name
            )
        if moment is None:
            stop.unread = True
            self._notes.add(FindingCode.TIME_INVALID, f"{text!r}: expected YYMMDDHHMM", name)
        elif qualifier in _DEPARTURE_TIMES:
            stop.departs = stop.departs or moment
        elif qualifier in _ARRIVAL_TIMES:
            stop.arrives = stop.arrives or moment

    def _total(self, elements: list[str]) -> None:
        self._end_people()
        qualifier, separator, rest = elements[1].partition(COMPONENT)
        value = rest.partition(COMPONENT)[0]
        name = f"CNT+{qualifier}"
        if not separator and len(elements) > 2:
            value = elements[2].partition(COMPONENT)[0]
            self._notes.add(
                FindingCode.COUNT_INVALID, f"CNT+{qualifier}+{value} is read as CNT+{qualifier}:{value}", name
            )
        if not (value.isascii() and value.isdigit() and len(value) < 9):
            self._notes.add(FindingCode.COUNT_INVALID, f"{value!r} is no number of people", name)
        elif qualifier not in _TOTALS:
            self._notes.add(FindingCode.COUNT_QUALIFIER, f"qualifier {qualifier!r}: expected 41 or 42", name)
        else:
            self._totals[qualifier] = int(value)
            self._total_at = self._notes.here

    # Around them

    def _begin_people(self) -> People:
        """The legs are complete: everybody is compared with them."""
        reader = LegReader(self._notes, self._reading)
        self._legs = reader.legs(self._stages, self._header.prepared)
        stops = [place for leg in self._legs for place in (leg.origin, leg.destination) if place]
        moment = next((leg.departure_local or leg.arrival_local for leg in self._legs), None)
        journey = Journey(
            places={place: index for index, place in reversed(list(enumerate(stops)))},
            day=moment.date() if moment else None,
            several=len(self._legs) > 1,
            crew=self._crew,
            thorough=self._action in (Action.LIST, Action.CHANGE),
        )
        self._people = People(self._notes, self._calendar, self._reading.now.date(), journey)
        return self._people

    def _end_people(self) -> None:
        people = self._people or self._begin_people()
        people.finish()
        self._notes.of_person = self._of_person = False
        self._handlers = self._trailer

    def _skip_person(self) -> None:
        """What follows is about somebody who cannot be used."""
        people = self._people or self._begin_people()
        people.finish()
        self._of_person = False
        self._handlers = {**dict.fromkeys(people.tags, _skip), **self._trailer}

    def _refuse(self, elements: list[str], segment: str) -> None:
        known = elements[0] in ("BGM", "TDT") or (self._people is not None and elements[0] in self._people.tags)
        code = FindingCode.SEGMENT_MISPLACED if known else FindingCode.SEGMENT_UNKNOWN
        self._notes.add(code, f"{shown(segment)} was skipped", name_of(segment))
        if elements[0] == "TDT":  # its places are nobody's
            self._skip_person()

    def _check_trailer(self, elements: list[str]) -> None:
        self._notes.of_person = False
        count = self._notes.segment[0] - self._header.at.number + 1
        check_trailer(self._notes, elements, count, self._header.reference, "segments from UNH to UNT")

    def _no_trailer(self) -> None:
        self._notes.of_person = False
        self._notes.add(FindingCode.TRAILER_MISSING, "the message ends without UNT", "UNT")

    def _check_total(self, people: People) -> None:
        header, here = self._header, people.entries
        earlier: list[int] = []
        missing: list[int] = []
        if header.part:
            seen = self._parts.entries.setdefault(header.access or self._transaction, {})
            seen[header.part] = here
            missing = [part for part in range(1, header.part) if part not in seen]
            earlier = [entries for part, entries in seen.items() if part < header.part]
            if missing:
                message = f"part {header.part} of a list; not in this file: {', '.join(map(str, missing))}"
                self._notes.add(FindingCode.PARTS_MISSING, message, "UNH", at=header.at)
        if not self._totals:
            return
        stated = sum(self._totals.values())
        expected = {"41"} if self._crew else {"42"}
        if len(self._totals) == 1 and set(self._totals) != expected:
            (qualifier,) = self._totals
            message = (
                f"{qualifier} counts {_TOTALS[qualifier]}, the list is of {'crew' if self._crew else 'passengers'}"
            )
            self._notes.add(FindingCode.COUNT_QUALIFIER, message, f"CNT+{qualifier}", at=self._total_at)
        if header.part and not header.last_part and not missing and stated >= here + sum(earlier):
            return  # the total is over all the parts, and more of them follow
        if stated not in (here + sum(earlier), here, len(people.people)):
            parts = f" in part {header.part} of the list" if header.part else ""
            before = f", {sum(earlier)} in the parts before" if earlier else ""
            message = f"the total is {stated}, the entries here are {here}{parts}{before}"
            self._notes.add(FindingCode.COUNT_MISMATCH, message, "CNT", at=self._total_at)

    def _note_stray_blanks(self) -> None:
        """Of the segments up to here; those before the message are the interchange's."""
        stray = self._segments.stray
        while stray and stray[0][0] <= self._notes.segment[0]:
            number, offset, name = stray.popleft()
            message = "blanks at the ends of values were removed"
            self._notes.add(FindingCode.STRAY_BLANKS, message, name, at=Place(number, offset))


def check_trailer(notes: Notes, elements: list[str], count: int, reference: str, counted: str) -> None:
    """UNT, UNE or UNZ: its count, and the reference that it repeats (ISO 9735-1, annex C)."""
    name = elements[0]
    stated = elements[1] if len(elements) > 1 else ""
    repeated = elements[2] if len(elements) > 2 else ""
    number = int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 12 else None
    if number != count:
        notes.add(FindingCode.TRAILER_COUNT, f"{name} counts {stated or 'nothing'}: there are {count} {counted}", name)
    if repeated != reference:
        message = f"{name} repeats {repeated!r}, the header has {reference!r}"
        notes.add(FindingCode.TRAILER_REFERENCE, message, name)


def _skip(_: list[str]) -> None:
    """Part of the message that says nothing the gate needs."""
