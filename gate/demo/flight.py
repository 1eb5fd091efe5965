"""The demo's flight, as a carrier announces it: a PAXLST manifest with invented names, and photographs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gate.demo.people import Person
from gate.demo.scenarios import document_of
from gate.manifest.records import Action, Document, Leg, Message, Reference, Role
from gate.manifest.records import Person as Named
from gate.manifest.write_paxlst import write_paxlst

PORT = "AMS"
_LEAVES_IN = timedelta(minutes=90)
_TAKES = timedelta(hours=7, minutes=30)


def leg(now: datetime) -> Leg:
    """The flight ZZ42 from Amsterdam to Boston, that leaves soon. Times as PAXLST has them: local, to the minute.

    Args:
        now: with a time zone.
    """
    departs = (now + _LEAVES_IN).replace(second=0, microsecond=0)
    local, there = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/New_York")
    return Leg(
        "ZZ",
        "42",
        PORT,
        "BOS",
        departs.astimezone(local).replace(tzinfo=None),
        (departs + _TAKES).astimezone(there).replace(tzinfo=None),
    )


def manifest(people: Sequence[Person], now: datetime) -> bytes:
    """The passenger list, in the order of `people`."""
    message = Message(
        action=Action.LIST,
        crew=False,
        number="1",
        sender="DEMO CARRIER",
        transaction="DEMO",
        part=0,
        last_part=False,
        legs=(leg(now),),
        people=tuple(_named(person, number, now) for number, person in enumerate(people, 1)),
        stated=len(people),
        findings=(),
    )
    return write_paxlst([message], prepared=now)


def photos(people: Sequence[Person]) -> list[tuple[str, bytes]]:
    """A photograph of each, named after the document."""
    return [(f"{document_of(person)}.jpg", person.photo) for person in people]


def _named(person: Person, number: int, now: datetime) -> Named:
    return Named(
        Role.PASSENGER,
        "TRAVELLER",
        person.label,
        birth_date=date(1990, 1, number % 28 + 1),
        sex="X",
        nationality="UTO",
        documents=(Document("P", document_of(person), "UTO", (now + timedelta(days=1_000)).date()),),
        embarkation=PORT,
        debarkation="BOS",
        references=(Reference("ABO", f"DEMO{number:03d}"),),
    )
