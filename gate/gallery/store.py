"""The sealed store of a gallery: who is expected, in tables in which nobody is readable.

::

    flights      number, name                                     the name of a flight is not personal
    travellers   flight, tag, expires_at, sealed                  sealed: reference, documents, expiry, particulars
    templates    flight, tag, pack, ordinal, sealed               sealed: float32, little-endian
    photos       flight, tag, ordinal, sealed                     only where photographs are kept
    fingers      flight, tag, ordinal, sealed                     sealed: see gate.fingerprint.packed
    lookalikes   flight, tag, other_flight, other_tag             marks between tags
    journeys     flight, tag, sealed                              sealed: reference, touchpoints passed, times

Each flight has a data key. The tag is a digest of the reference under that key, so with the key everything goes: the
tags and pseudonyms become noise, the rest unreadable. `expires_at` in the clear is for counting; what counts is
the sealed one.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from gate.audit.journal import SealedJournal
from gate.audit.pseudonym import pseudonym
from gate.errors import Code, FingerprintError, StorageFault
from gate.fingerprint.packed import check
from gate.gallery.axes import Rows
from gate.gallery.hands import Hand, Kept
from gate.gallery.journeys import TABLE as JOURNEYS_TABLE
from gate.gallery.journeys import SealedJourneys
from gate.gallery.keeper import Deletion, Ledger
from gate.gallery.ledger import SealedLedger, count_left, key_name, write_time_mark
from gate.gallery.receipt import Counts, Place
from gate.gallery.sealing import FlightSeal, unpack_traveller
from gate.gallery.templates import NO_ROWS
from gate.gallery.traveller import Traveller
from gate.storage.database import Database
from gate.storage.seal import Seal

_TABLES = (
    "CREATE TABLE IF NOT EXISTS flights(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS travellers(place INTEGER PRIMARY KEY, flight INTEGER NOT NULL, tag BLOB NOT NULL,"
    " expires_at REAL NOT NULL, sealed BLOB NOT NULL, UNIQUE(flight, tag))",
    "CREATE TABLE IF NOT EXISTS templates(flight INTEGER NOT NULL, tag BLOB NOT NULL, pack TEXT NOT NULL,"
    " ordinal INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY(flight, tag, pack, ordinal))",
    "CREATE TABLE IF NOT EXISTS photos(flight INTEGER NOT NULL, tag BLOB NOT NULL, ordinal INTEGER NOT NULL,"
    " sealed BLOB NOT NULL, PRIMARY KEY(flight, tag, ordinal))",
    "CREATE TABLE IF NOT EXISTS fingers(flight INTEGER NOT NULL, tag BLOB NOT NULL, ordinal INTEGER NOT NULL,"
    " sealed BLOB NOT NULL, PRIMARY KEY(flight, tag, ordinal))",
    "CREATE TABLE IF NOT EXISTS lookalikes(flight INTEGER NOT NULL, tag BLOB NOT NULL, other_flight INTEGER NOT NULL,"
    " other_tag BLOB NOT NULL, PRIMARY KEY(flight, tag, other_flight, other_tag)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS lookalikes_other ON lookalikes(other_flight, other_tag)",
    JOURNEYS_TABLE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One flight as the store has it.

    Attributes:
        travellers: in the order they came.
        counts: templates of this pack, of each traveller.
        rows: all those templates, in the same order (R, D).
        stale: references of those who have templates of other packs only.
        hands: fingers by reference, of those who have any.
    """

    flight: str
    travellers: tuple[Traveller, ...]
    counts: tuple[int, ...]
    rows: Rows
    stale: frozenset[str]
    hands: Mapping[str, Hand]


class SealedStore:
    """See `Keeper`.

    Args:
        database: opened to write.
        journal: of the same database.
        keep_photos: photographs are kept until their traveller goes.

    Raises:
        StorageFault: SEAL_BROKEN, DISK_FULL, DISK_FAILED.
    """

    place = Place.STORE

    def __init__(self, database: Database, journal: SealedJournal, *, keep_photos: bool = False) -> None:
        self._database = database
        self._journal = journal
        self._keep_photos = keep_photos
        with database.transaction() as connection:
            for statement in _TABLES:
                connection.execute(statement)
            numbers = connection.execute("SELECT number, name FROM flights ORDER BY number").fetchall()
            self._seals = {name: FlightSeal(name, number, _key(database, connection, name)) for number, name in numbers}
        self.journeys = SealedJourneys(database, lambda: self._seals)

    @contextmanager
    def writing(self, at: datetime) -> Iterator[Ledger]:
        """See `Keeper`."""
        with self._database.transaction() as connection:
            ledger = SealedLedger(self._database, self._journal, connection, dict(self._seals), self._keep_photos)
            yield ledger
            write_time_mark(connection, at)
        # Only now: a transaction that was rolled back leaves the keys as they were.
        self._seals = ledger.seals

    def count(self, deletion: Deletion, renewed: Set[str]) -> Counts:
        """See `Keeper`."""
        with self._database.read() as connection:
            return count_left(connection, deletion, renewed)

    def pseudonym(self, flight: str, reference: str) -> str:
        """See `Keeper`."""
        seal = self._seals.get(flight)
        return pseudonym(seal.seal, reference) if seal is not None else ""

    def note_time(self, at: datetime) -> None:
        """See `Keeper`."""
        with self._database.transaction(durable=False) as connection:
            write_time_mark(connection, at)

    def erase_traces(self) -> int:
        """See `Keeper`."""
        return self._database.erase_traces(patience_s=0.25)

    @property
    def flight_count(self) -> int:
        """Flights that are stored."""
        return len(self._seals)

    def load(self, pack_id: str) -> Iterator[Stored]:
        """Opens everything, flight by flight, in the order they came.

        Args:
            pack_id: whose templates are wanted.

        Raises:
            StorageFault: SEAL_BROKEN.
        """
        with self._database.read() as connection:
            # Whole tables in the order of the file: by flight and tag, every row would be a jump.
            people: defaultdict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
            for number, tag, sealed in connection.execute("SELECT flight, tag, sealed FROM travellers ORDER BY place"):
                people[number].append((tag, sealed))
            templates: defaultdict[int, defaultdict[bytes, list[bytes]]] = defaultdict(lambda: defaultdict(list))
            others: defaultdict[int, set[bytes]] = defaultdict(set)
            for number, tag, pack, sealed in connection.execute(
                "SELECT flight, tag, pack, sealed FROM templates ORDER BY rowid"
            ):
                if pack == pack_id:
                    templates[number][tag].append(sealed)
                else:
                    others[number].add(tag)
            fingers: defaultdict[int, defaultdict[bytes, list[bytes]]] = defaultdict(lambda: defaultdict(list))
            for number, tag, sealed in connection.execute("SELECT flight, tag, sealed FROM fingers ORDER BY rowid"):
                fingers[number][tag].append(sealed)
        for seal in self._seals.values():
            number = seal.number
            # Taken out, so that what was opened already does not wait in memory for the last flight.
            rows = _Rows(people.pop(number, []), templates.pop(number, {}), fingers.pop(number, {}), others[number])
            yield _opened(seal, rows)

    def photos(self, flight: str, reference: str) -> tuple[bytes, ...]:
        """The photographs kept of a traveller.

        Raises:
            StorageFault: SEAL_BROKEN.
        """
        seal = self._seals[flight]
        tag = seal.tag(reference)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT sealed FROM photos WHERE flight = ? AND tag = ? ORDER BY ordinal", (seal.number, tag)
            ).fetchall()
        return tuple(seal.open("photo", tag, sealed) for (sealed,) in rows)

    def lookalikes(self, people: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Marked pairs of references among the (reference, flight) given."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT flight, tag, other_flight, other_tag FROM lookalikes").fetchall()
        if not rows:
            return
        names = {(self._seals[f].number, self._seals[f].tag(reference)): reference for reference, f in people}
        for flight, tag, other_flight, other_tag in rows:
            one, other = names.get((flight, tag)), names.get((other_flight, other_tag))
            if one is not None and other is not None:
                yield one, other


def _key(database: Database, connection: sqlite3.Connection, flight: str) -> Seal:
    seal = database.data_key(connection, key_name(flight))
    if seal is None:
        raise StorageFault(Code.SEAL_BROKEN, "The data key of a flight in the store is missing.")
    return seal


class _Rows(NamedTuple):
    """A flight's sealed rows.

    Attributes:
        people: (tag, sealed), in the order they came.
        templates: of this pack, by tag.
        fingers: by tag.
        others: tags that have templates of other packs.
    """

    people: Sequence[tuple[bytes, bytes]]
    templates: Mapping[bytes, list[bytes]]
    fingers: Mapping[bytes, list[bytes]]
    others: Set[bytes]


def _opened(seal: FlightSeal, stored: _Rows) -> Stored:
    people, templates, fingers, others = stored
    travellers = tuple(unpack_traveller(seal.open("traveller", tag, sealed), seal.flight) for tag, sealed in people)
    counts = tuple(len(templates.get(tag, ())) for tag, _ in people)
    content = b"".join(seal.open("template", tag, sealed) for tag, _ in people for sealed in templates.get(tag, ()))
    rows = np.frombuffer(content, "<f4").astype(np.float32, copy=False).reshape(sum(counts), -1) if content else NO_ROWS
    stale = {
        traveller.reference
        for traveller, (tag, _), count in zip(travellers, people, counts, strict=True)
        if not count and tag in others
    }
    hands = {
        traveller.reference: tuple(_finger(seal, tag, sealed) for sealed in fingers[tag])
        for traveller, (tag, _) in zip(travellers, people, strict=True)
        if tag in fingers
    }
    return Stored(seal.flight, travellers, counts, rows, frozenset(stale), hands)


def _finger(seal: FlightSeal, tag: bytes, sealed: bytes) -> Kept:
    packed = seal.open("finger", tag, sealed)
    try:
        check(packed)
    except FingerprintError as error:
        raise StorageFault(Code.SEAL_BROKEN, f"A finger in the store cannot be read: {error.message}.") from error
    return Kept(packed)
