"""Which touchpoints a traveller has passed on a flight: kept while the traveller is expected, and gone with them.

In the sealed store a journey is one row beside the traveller's own, under the same data key and tag; without a store
it is a record in memory. Destruction removes and counts it in the one place or the other (`gate.gallery.keeper`).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from gate.gallery.journey import EMPTY, Journey, Pass
from gate.gallery.sealing import FlightSeal
from gate.storage.database import Database


@dataclass(slots=True)
class Page:
    """A journey while nobody else can change it. What stands there when the block ends is kept."""

    journey: Journey


Pages = Mapping[str, Page]
"""Of one traveller, by flight."""


class JourneyBook(Protocol):
    """Every journey of those who are expected. Safe for threads."""

    def read(self, reference: str, flight: str) -> Journey:
        """The journey; an empty one for somebody who has passed nothing, or is not expected.

        Raises:
            StorageFault: SEAL_BROKEN, DISK_FAILED.
        """
        ...

    def opened(self, reference: str, flights: Iterable[str]) -> AbstractContextManager[Pages]:
        """The journeys of one traveller on several flights, to read and change them in one step.

        Flights on which the traveller is not expected (any more) have no page. What was changed is durable,
        where the gallery is, when the block has ended; nothing is when it raises.

        Raises:
            StorageFault: SEAL_BROKEN, DISK_FULL, DISK_FAILED: nothing was changed.
        """
        ...

    def having_passed(self, touchpoint: str) -> tuple[tuple[str, str], ...]:
        """(Reference, flight) of everybody expected who has passed the touchpoint.

        Raises:
            StorageFault: SEAL_BROKEN, DISK_FAILED.
        """
        ...


class MemoryJourneys:
    """See `JourneyBook`. Ends with the process, like the gallery that it belongs to.

    Args:
        expected: whether somebody (reference, flight) is in the gallery's snapshot.
    """

    def __init__(self, expected: Callable[[str, str], bool]) -> None:
        self._expected = expected
        self._journeys: dict[str, dict[str, Journey]] = {}
        self._changing = threading.Lock()

    def read(self, reference: str, flight: str) -> Journey:
        """See `JourneyBook`."""
        return self._journeys.get(flight, {}).get(reference, EMPTY)

    @contextmanager
    def opened(self, reference: str, flights: Iterable[str]) -> Iterator[Pages]:
        """See `JourneyBook`."""
        with self._changing:
            # Asked within the lock: who leaves the snapshot later is forgotten later, and nobody is left behind.
            before = {flight: self.read(reference, flight) for flight in flights if self._expected(reference, flight)}
            pages = {flight: Page(journey) for flight, journey in before.items()}
            yield pages
            for flight, page in pages.items():
                if page.journey != before[flight]:
                    self._journeys.setdefault(flight, {})[reference] = page.journey

    def having_passed(self, touchpoint: str) -> tuple[tuple[str, str], ...]:
        """See `JourneyBook`."""
        with self._changing:
            everybody = [(r, flight, j) for flight, made in self._journeys.items() for r, j in made.items()]
        return tuple((reference, flight) for reference, flight, j in everybody if j.last(touchpoint) is not None)

    def forget(self, flight: str, references: Set[str]) -> int:
        """Forgets who has left the snapshot; how many journeys there were."""
        with self._changing:
            made = self._journeys.get(flight, {})
            gone = [made.pop(reference) for reference in references & made.keys()]
            if not made:
                self._journeys.pop(flight, None)
        return len(gone)


TABLE = (
    "CREATE TABLE IF NOT EXISTS journeys(flight INTEGER NOT NULL, tag BLOB NOT NULL, sealed BLOB NOT NULL,"
    " PRIMARY KEY(flight, tag))"
)
"""Beside the store's other tables; sealed: reference, touchpoints and times."""


class SealedJourneys:
    """See `JourneyBook`. Nothing is held in memory: a journey is read and changed in one transaction of the store.

    Args:
        database: of the store.
        seals: of every flight that is known now, by name.
    """

    def __init__(self, database: Database, seals: Callable[[], Mapping[str, FlightSeal]]) -> None:
        self._database = database
        self._seals = seals

    def read(self, reference: str, flight: str) -> Journey:
        """See `JourneyBook`."""
        seal = self._seals().get(flight)
        if seal is None:
            return EMPTY
        with self._database.read() as connection:
            return _read(connection, seal, seal.tag(reference))

    @contextmanager
    def opened(self, reference: str, flights: Iterable[str]) -> Iterator[Pages]:
        """See `JourneyBook`."""
        known = self._seals()
        seals = {flight: known[flight] for flight in flights if flight in known}
        with self._database.transaction() as connection:
            before = {
                flight: _read(connection, seal, tag)
                for flight, seal in seals.items()
                if _is_there(connection, seal, tag := seal.tag(reference))
            }
            pages = {flight: Page(journey) for flight, journey in before.items()}
            yield pages
            for flight, page in pages.items():
                if page.journey != before[flight]:
                    _write(connection, seals[flight], reference, page.journey)

    def having_passed(self, touchpoint: str) -> tuple[tuple[str, str], ...]:
        """See `JourneyBook`."""
        seals = {seal.number: seal for seal in self._seals().values()}
        with self._database.read() as connection:
            rows = connection.execute("SELECT flight, tag, sealed FROM journeys").fetchall()
        found = ((seals[number], _unpack(seals[number], tag, sealed)) for number, tag, sealed in rows)
        return tuple((ref, seal.flight) for seal, (ref, journey) in found if journey.last(touchpoint) is not None)


def _is_there(connection: sqlite3.Connection, seal: FlightSeal, tag: bytes) -> bool:
    found = connection.execute("SELECT 1 FROM travellers WHERE flight = ? AND tag = ?", (seal.number, tag))
    return found.fetchone() is not None


def _read(connection: sqlite3.Connection, seal: FlightSeal, tag: bytes) -> Journey:
    query = "SELECT sealed FROM journeys WHERE flight = ? AND tag = ?"
    row = connection.execute(query, (seal.number, tag)).fetchone()
    return _unpack(seal, tag, row[0])[1] if row else EMPTY


def _write(connection: sqlite3.Connection, seal: FlightSeal, reference: str, journey: Journey) -> None:
    tag = seal.tag(reference)
    made = [[one.touchpoint, one.at.astimezone(UTC).isoformat()] for one in journey.passes]
    sealed = seal.close("journey", tag, json.dumps([reference, made], separators=(",", ":")).encode())
    connection.execute(
        "INSERT OR REPLACE INTO journeys(flight, tag, sealed) VALUES (?, ?, ?)", (seal.number, tag, sealed)
    )


def _unpack(seal: FlightSeal, tag: bytes, sealed: bytes) -> tuple[str, Journey]:
    reference, made = json.loads(seal.open("journey", tag, sealed))
    return reference, Journey(tuple(Pass(touchpoint, datetime.fromisoformat(at)) for touchpoint, at in made))
