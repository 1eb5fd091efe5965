"""The sealed store of a gallery: who is expected, in tables in which nobody is readable.

::

    flights      number, name                                     the name of a flight is not personal
    travellers   flight, tag, expires_at, sealed                  sealed: reference, documents, expiry, particulars
    templates    flight, tag, pack, ordinal, sealed               sealed: float32, little-endian
    photos       flight, tag, ordinal, sealed                     only where photographs are kept
    lookalikes   flight, tag, other_flight, other_tag             marks between tags

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
from datetime import UTC, datetime

import numpy as np

from gate.audit.event import Event
from gate.audit.journal import SealedJournal
from gate.audit.pseudonym import pseudonym
from gate.errors import Code, StorageFault
from gate.gallery.keeper import Addition, Ledger
from gate.gallery.receipt import NOTHING, Counts
from gate.gallery.sealing import FlightSeal, pack_traveller, unpack_traveller
from gate.gallery.segment import NO_ROWS, Rows
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
    "CREATE TABLE IF NOT EXISTS lookalikes(flight INTEGER NOT NULL, tag BLOB NOT NULL, other_flight INTEGER NOT NULL,"
    " other_tag BLOB NOT NULL, PRIMARY KEY(flight, tag, other_flight, other_tag)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS lookalikes_other ON lookalikes(other_flight, other_tag)",
)
_OF_PEOPLE = ("travellers", "templates", "photos")
_DELETE_TAG = (
    *(f"DELETE FROM {table} WHERE flight = ? AND tag = ?" for table in (*_OF_PEOPLE, "lookalikes")),  # noqa: S608 -- names of ours
    "DELETE FROM lookalikes WHERE other_flight = ? AND other_tag = ?",
)
_DELETE_FLIGHT = (
    *(f"DELETE FROM {table} WHERE flight = ?" for table in (*_OF_PEOPLE, "lookalikes")),  # noqa: S608 -- names of ours
    "DELETE FROM lookalikes WHERE other_flight = ?",
    "DELETE FROM flights WHERE number = ?",
)
_MARK = "gallery_time"
_AT_ONCE = 500
"""Tags in one statement: every SQLite takes 999 values."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One flight as the store has it.

    Attributes:
        travellers: in the order they came.
        counts: templates of this pack, of each traveller.
        rows: all those templates, in the same order (R, D).
        stale: references of those who have templates of other packs only.
    """

    flight: str
    travellers: tuple[Traveller, ...]
    counts: tuple[int, ...]
    rows: Rows
    stale: frozenset[str]


class SealedStore:
    """See `Keeper`.

    Args:
        database: opened to write.
        journal: of the same database.
        keep_photos: photographs are kept until their traveller goes.

    Raises:
        StorageFault: SEAL_BROKEN, DISK_FULL, DISK_FAILED.
    """

    def __init__(self, database: Database, journal: SealedJournal, *, keep_photos: bool = False) -> None:
        self._database = database
        self._journal = journal
        self._keep_photos = keep_photos
        with database.transaction() as connection:
            for statement in _TABLES:
                connection.execute(statement)
            numbers = connection.execute("SELECT number, name FROM flights ORDER BY number").fetchall()
            self._seals = {name: FlightSeal(name, number, _key(database, connection, name)) for number, name in numbers}

    @contextmanager
    def writing(self, at: datetime) -> Iterator[Ledger]:
        """See `Keeper`."""
        with self._database.transaction() as connection:
            ledger = _SealedLedger(self._database, self._journal, connection, dict(self._seals), self._keep_photos)
            yield ledger
            _write_mark(connection, at)
        # Only now: a transaction that was rolled back leaves the keys as they were.
        self._seals = ledger.seals

    def count(self, flight: str, references: Set[str], whole: bool) -> Counts:
        """See `Keeper`."""
        seal = self._seals.get(flight)
        with self._database.read() as connection:
            found = _count(connection, seal, references, whole) if seal is not None else NOTHING
            return found + _count_keys(connection, flight) if whole else found

    def pseudonym(self, flight: str, reference: str) -> str:
        """See `Keeper`."""
        seal = self._seals.get(flight)
        return pseudonym(seal.seal, reference) if seal is not None else ""

    def note_time(self, at: datetime) -> None:
        """See `Keeper`."""
        with self._database.transaction(durable=False) as connection:
            _write_mark(connection, at)

    def erase_traces(self) -> int:
        """See `Keeper`."""
        return self._database.erase_traces(patience_s=0.25)

    def totals(self) -> Counts:
        """Everything that is stored."""
        with self._database.read() as connection:
            found = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _OF_PEOPLE]  # noqa: S608 -- names of ours
        return Counts(*found) + Counts(keys=len(self._seals))

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
        for seal in self._seals.values():
            yield _opened(seal, people.pop(seal.number, []), templates.pop(seal.number, {}), others[seal.number])

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


class _SealedLedger:
    """See `Ledger`. `seals` become the store's when the transaction is committed."""

    def __init__(
        self,
        database: Database,
        journal: SealedJournal,
        connection: sqlite3.Connection,
        seals: dict[str, FlightSeal],
        keep_photos: bool,
    ) -> None:
        self._database = database
        self._journal = journal
        self._connection = connection
        self._keep_photos = keep_photos
        self.seals = seals

    def put(self, additions: Iterable[Addition]) -> None:
        """See `Ledger`."""
        for addition in additions:
            traveller = addition.traveller
            seal = self.seals.get(traveller.flight) or self._new_flight(traveller.flight)
            tag = seal.tag(traveller.reference)
            self._connection.execute(
                "INSERT INTO travellers(flight, tag, expires_at, sealed) VALUES (?, ?, ?, ?)"
                " ON CONFLICT(flight, tag) DO UPDATE SET expires_at = excluded.expires_at, sealed = excluded.sealed",
                (
                    seal.number,
                    tag,
                    traveller.expires_at.timestamp(),
                    seal.close("traveller", tag, pack_traveller(traveller)),
                ),
            )
            self._put_template(seal, tag, addition)
            for reference, flight in addition.lookalikes:
                other = self.seals[flight]
                self._connection.execute(
                    "INSERT OR IGNORE INTO lookalikes(flight, tag, other_flight, other_tag) VALUES (?, ?, ?, ?)",
                    (seal.number, tag, other.number, other.tag(reference)),
                )

    def delete(self, flight: str, references: Set[str], whole: bool) -> tuple[Counts, Counts]:
        """See `Ledger`."""
        seal = self.seals.get(flight)
        if seal is None:
            return NOTHING, NOTHING
        before = self._count(seal, references, whole)
        if whole:
            for statement in _DELETE_FLIGHT:
                self._connection.execute(statement, (seal.number,))
            self._database.forget_key(self._connection, _key_name(flight))
            del self.seals[flight]
        else:
            tags = [(seal.number, seal.tag(reference)) for reference in references]
            for statement in _DELETE_TAG:
                self._connection.executemany(statement, tags)
        return before, self._count(seal, references, whole)

    def record(self, event: Event) -> int:
        """See `Ledger`."""
        return self._journal.append(self._connection, event)

    def pseudonym(self, flight: str, reference: str) -> str:
        """See `Ledger`."""
        seal = self.seals.get(flight)
        return pseudonym(seal.seal, reference) if seal is not None else ""

    def _count(self, seal: FlightSeal, references: Set[str], whole: bool) -> Counts:
        found = _count(self._connection, seal, references, whole)
        return found + _count_keys(self._connection, seal.flight) if whole else found

    def _put_template(self, seal: FlightSeal, tag: bytes, addition: Addition) -> None:
        if addition.template is None:
            return
        content = np.ascontiguousarray(addition.template, "<f4").tobytes()
        self._connection.execute(
            "INSERT OR REPLACE INTO templates(flight, tag, pack, ordinal, sealed) VALUES (?, ?, ?, ?, ?)",
            (seal.number, tag, addition.pack_id, addition.ordinal, seal.close("template", tag, content)),
        )
        if addition.photo is not None and self._keep_photos:
            self._connection.execute(
                "INSERT OR REPLACE INTO photos(flight, tag, ordinal, sealed) VALUES (?, ?, ?, ?)",
                (seal.number, tag, addition.ordinal, seal.close("photo", tag, addition.photo)),
            )

    def _new_flight(self, flight: str) -> FlightSeal:
        number = self._connection.execute("INSERT INTO flights(name) VALUES (?)", (flight,)).lastrowid
        key = self._database.data_key(self._connection, _key_name(flight), create=True)
        seal = self.seals[flight] = FlightSeal(flight, int(number or 0), key)
        return seal


def read_time_mark(database: Database) -> datetime | None:
    """The latest time that the store knows, UTC; None for a new one."""
    with database.read() as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (_MARK,)).fetchone()
    return datetime.fromisoformat(bytes(row[0]).decode()) if row else None


def _write_mark(connection: sqlite3.Connection, at: datetime) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", (_MARK, at.astimezone(UTC).isoformat().encode())
    )


def _key_name(flight: str) -> str:
    return f"flight/{flight}"


def _key(database: Database, connection: sqlite3.Connection, flight: str) -> Seal:
    seal = database.data_key(connection, _key_name(flight))
    if seal is None:
        raise StorageFault(Code.SEAL_BROKEN, "The data key of a flight in the store is missing.")
    return seal


def _count_keys(connection: sqlite3.Connection, flight: str) -> Counts:
    found = connection.execute("SELECT count(*) FROM data_keys WHERE name = ?", (_key_name(flight),))
    return Counts(keys=found.fetchone()[0])


def _count(connection: sqlite3.Connection, seal: FlightSeal, references: Set[str], whole: bool) -> Counts:
    """Travellers, templates and photographs of these references, or of the whole flight."""
    if whole:
        found = [
            connection.execute(f"SELECT count(*) FROM {table} WHERE flight = ?", (seal.number,)).fetchone()[0]  # noqa: S608 -- names of ours
            for table in _OF_PEOPLE
        ]
        return Counts(*found)
    counts = NOTHING
    tags = [seal.tag(reference) for reference in references]
    for start in range(0, len(tags), _AT_ONCE):
        some = tags[start : start + _AT_ONCE]
        places = ",".join("?" * len(some))
        found = [
            connection.execute(
                f"SELECT count(*) FROM {table} WHERE flight = ? AND tag IN ({places})",  # noqa: S608 -- names of ours
                (seal.number, *some),
            ).fetchone()[0]
            for table in _OF_PEOPLE
        ]
        counts += Counts(*found)
    return counts


def _opened(
    seal: FlightSeal, people: Sequence[tuple[bytes, bytes]], templates: Mapping[bytes, list[bytes]], others: Set[bytes]
) -> Stored:
    travellers = tuple(unpack_traveller(seal.open("traveller", tag, sealed), seal.flight) for tag, sealed in people)
    counts = tuple(len(templates.get(tag, ())) for tag, _ in people)
    content = b"".join(seal.open("template", tag, sealed) for tag, _ in people for sealed in templates.get(tag, ()))
    rows = np.frombuffer(content, "<f4").astype(np.float32, copy=False).reshape(sum(counts), -1) if content else NO_ROWS
    stale = {
        traveller.reference
        for traveller, (tag, _), count in zip(travellers, people, counts, strict=True)
        if not count and tag in others
    }
    return Stored(seal.flight, travellers, counts, rows, frozenset(stale))
