"""Messages of a manifest, made from the few facts that matter. The people are invented."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from gate.manifest.findings import Finding, FindingCode, Severity
from gate.manifest.records import Action, Document, Format, Leg, Manifest, Message, Person, Reference, Role
from tests.engine.fakes import photo


def leg(
    now: datetime,
    number: str = "830",
    origin: str = "HKG",
    destination: str = "JFK",
    hours: float = 2,
    fly_h: float = 8,
) -> Leg:
    """A leg that departs `hours` after `now`; its clocks are UTC."""
    departure = now + timedelta(hours=hours)
    arrival = departure + timedelta(hours=fly_h)
    naive = [moment.replace(tzinfo=None) for moment in (departure, arrival)]
    return Leg("CX", number, origin, destination, *naive, departure, arrival)


def person(number: int, **changes: Any) -> Person:
    """Test person `number`: name, birth date, passport and carrier reference of their own, a photograph inside."""
    fields: dict[str, Any] = {
        "role": Role.PASSENGER,
        "surname": f"TESTER{number}",
        "given_names": "ALEX",
        "birth_date": date(1970, 1, 1) + timedelta(days=number),
        "documents": (Document("P", f"X{number:07d}", "UTO"),),
        "references": (Reference("ABO", f"CX830-{number}"),),
        "photo_data": photo(number),
        "line": number,
        "segment": number,
    }
    return Person(**(fields | changes))


def message(legs: Leg | tuple[Leg, ...], *people: Person, action: Action = Action.LIST, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "action": action,
        "crew": False,
        "number": "1",
        "sender": "TEST AIR",
        "transaction": "T1",
        "part": 0,
        "last_part": False,
        "legs": legs if isinstance(legs, tuple) else (legs,),
        "people": people,
        "stated": None,
        "findings": (),
    }
    return Message(**(fields | changes))


def manifest(*messages: Message) -> Manifest:
    return Manifest(Format.PAXLST, messages, ())


def error(*, of_person: bool) -> Finding:
    return Finding(7, "NAD+FL", 7, Severity.ERROR, FindingCode.EMPTY, "made up", of_person)
