"""Writes a correct PAXLST interchange from records: for demonstrations, tests and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from gate.manifest.edifact import Separators
from gate.manifest.records import Action, Leg, Message, Person, Role

_PARTIES = {Role.PASSENGER: "FL", Role.CREW: "FM", Role.TRANSIT_PASSENGER: "DDU", Role.TRANSIT_CREW: "DDT"}
_FUNCTIONS = {
    Action.LIST: "",
    Action.CHANGE: "CP",
    Action.CANCEL: "XR",
    Action.CLOSE: "CL",
    Action.NOT_ON_BOARD: "CLNB",
    Action.ON_BOARD: "CLOB",
}
_STATUS = (Action.CLOSE, Action.NOT_ON_BOARD, Action.ON_BOARD)

Segment = tuple[str | tuple[str, ...], ...]
"""Elements, the tag first; one with components is a tuple."""


class Writer:
    """Segments to text, with the release character where a value holds a sign of the syntax."""

    def __init__(self, separators: Separators) -> None:
        every = (separators.component, separators.element, separators.terminator, separators.release)
        self._escapes = str.maketrans({sign: separators.release + sign for sign in every})
        self._separators = separators

    def segment(self, segment: Segment) -> str:
        """One segment with its terminator, without empty elements and components at its end."""
        elements = [self._element(element) for element in segment]
        while elements and not elements[-1]:
            elements.pop()
        return self._separators.element.join(elements) + self._separators.terminator

    def _element(self, element: str | tuple[str, ...]) -> str:
        components = [value.translate(self._escapes) for value in ((element,) if isinstance(element, str) else element)]
        while components and not components[-1]:
            components.pop()
        return self._separators.component.join(components)


def write_paxlst(
    messages: Sequence[Message],
    *,
    prepared: datetime,
    sender: str = "CARRIER",
    recipient: str = "GATE",
    reference: str = "1",
    separators: Separators | None = None,
    advice: bool = True,
    group: bool = True,
    line_end: str = "",
    directory: str = "15B",
) -> bytes:
    """One interchange. Messages without a number are numbered from 1.

    Args:
        prepared: when; its date and time as they stand.
        separators: all four different, none a letter, digit or blank.
        advice: begin with UNA. group: put UNG and UNE around the messages.
        line_end: after each segment, for people to read.
    Raises:
        ValueError: a message asks for what PAXLST has no function for (`Action.BOARDED`).
    """
    strange = {message.action for message in messages} - set(_FUNCTIONS)
    if strange:
        raise ValueError(f"expected actions that PAXLST has a function for, found {', '.join(sorted(strange))}")
    signs = separators or Separators()
    writer = Writer(signs)
    moment = (f"{prepared:%y%m%d}", f"{prepared:%H%M}")
    body: list[str] = []
    for index, message in enumerate(messages, 1):
        body += map(writer.segment, _message(message, message.number or str(index), directory))
    ascii_only = all(text.isascii() for text in (*body, sender, recipient))
    syntax = ("UNOA", "4") if ascii_only else ("UNOY", "4")
    inner: Segment = ("UNG", "PAXLST", sender, recipient, moment, reference, "UN", ("D", directory))
    head: list[Segment] = [("UNB", syntax, sender, recipient, moment, reference), *([inner] if group else [])]
    count = str(len(messages))
    tail: list[Segment] = [("UNE", count, reference)] if group else []
    tail.append(("UNZ", "1" if group else count, reference))
    lines = [*map(writer.segment, head), *body, *map(writer.segment, tail)]
    if advice:
        lines.insert(0, f"UNA{signs.component}{signs.element}.{signs.release} {signs.terminator}")
    return line_end.join([*lines, ""]).encode()


def _message(message: Message, number: str, directory: str) -> Iterator[Segment]:
    segments = list(_content(message, number, directory))
    yield from segments
    yield ("UNT", str(len(segments) + 1), number)


def _content(message: Message, number: str, directory: str) -> Iterator[Segment]:
    part = (f"{message.part:02}", "F" if message.last_part else "") if message.part else ""
    access = message.transaction if message.part else ""
    yield ("UNH", number, ("PAXLST", "D", directory, "UN", "IATA"), access, part)
    kind = "266" if message.action in _STATUS else "250" if message.crew else "745"
    yield ("BGM", kind, _FUNCTIONS[message.action])
    if message.transaction:
        yield ("RFF", ("TN", message.transaction))
    yield ("NAD", "MS", "", "", message.sender or "SENDER")
    for leg in message.legs:
        yield from _leg(leg, progressive=len(message.legs) > 1)
    for person in message.people:
        yield from _person(person)
    stated = len(message.people) if message.stated is None else message.stated
    yield ("CNT", ("41" if message.crew else "42", str(stated)))


def _leg(leg: Leg, *, progressive: bool) -> Iterator[Segment]:
    yield ("TDT", "20", leg.carrier + leg.number, "", "", leg.carrier)
    ends = (
        ("125", leg.origin, "189", leg.departure_local),
        ("87", leg.destination, "232", leg.arrival_local),
    )
    for place_is, place, time_is, moment in ends:
        if place:
            yield ("LOC", "92" if progressive else place_is, place)
            if moment is not None:
                yield ("DTM", (time_is, f"{moment:%y%m%d%H%M}", "201"))


def _person(person: Person) -> Iterator[Segment]:
    yield ("NAD", _PARTIES[person.role], "", "", (person.surname, *person.given_names.split(" ", 1)))
    if person.sex:
        yield ("ATT", "2", "", person.sex)
    if person.birth_date:
        yield ("DTM", ("329", f"{person.birth_date:%Y%m%d}"))
    if person.verified is not None:
        yield ("GEI", "4", "173" if person.verified else "174")
    for qualifier, place in (("174", person.residence), ("178", person.embarkation), ("179", person.debarkation)):
        if place:
            yield ("LOC", qualifier, place)
    if person.contacts:
        yield ("COM", *((contact, "TE") for contact in person.contacts))
    if person.nationality:
        yield ("NAT", "2", person.nationality)
    seat = [("SEA", person.seat)] if person.seat and not person.reference("SEA") else []
    for reference in (*person.references, *seat):
        yield ("RFF", tuple(reference))
    for document in person.documents:
        yield ("DOC", (document.kind, "110", "111"), document.number)
        if document.expires:
            yield ("DTM", ("36", f"{document.expires:%Y%m%d}"))
        if document.issuing_state:
            yield ("LOC", "91", document.issuing_state)
