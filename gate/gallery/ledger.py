"""The statements that write a sealed store, and count in it; see `gate.gallery.store` for its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Set
from datetime import UTC, datetime

import numpy as np

from gate.audit.event import Event
from gate.audit.journal import SealedJournal
from gate.audit.pseudonym import pseudonym
from gate.gallery.keeper import Addition
from gate.gallery.receipt import NOTHING, Counts
from gate.gallery.sealing import FlightSeal, pack_traveller
from gate.storage.database import Database

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


class SealedLedger:
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
        before = count(self._connection, seal, references, whole)
        if whole:
            for statement in _DELETE_FLIGHT:
                self._connection.execute(statement, (seal.number,))
            self._database.forget_key(self._connection, key_name(flight))
            del self.seals[flight]
        else:
            tags = [(seal.number, seal.tag(reference)) for reference in references]
            for statement in _DELETE_TAG:
                self._connection.executemany(statement, tags)
        return before, count(self._connection, seal, references, whole)

    def record(self, event: Event) -> int:
        """See `Ledger`."""
        return self._journal.append(self._connection, event)

    def pseudonym(self, flight: str, reference: str) -> str:
        """See `Ledger`."""
        seal = self.seals.get(flight)
        return pseudonym(seal.seal, reference) if seal is not None else ""

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
        key = self._database.data_key(self._connection, key_name(flight), create=True)
        seal = self.seals[flight] = FlightSeal(flight, int(number or 0), key)
        return seal


def read_time_mark(database: Database) -> datetime | None:
    """The latest time that the store knows, UTC; None for a new one."""
    with database.read() as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (_MARK,)).fetchone()
    return datetime.fromisoformat(bytes(row[0]).decode()) if row else None


def write_time_mark(connection: sqlite3.Connection, at: datetime) -> None:
    """It is `at` (UTC)."""
    connection.execute(
        "INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", (_MARK, at.astimezone(UTC).isoformat().encode())
    )


def key_name(flight: str) -> str:
    """Of the flight's data key."""
    return f"flight/{flight}"


def count_keys(connection: sqlite3.Connection, flight: str) -> Counts:
    """The flight's data key: one, or none."""
    found = connection.execute("SELECT count(*) FROM data_keys WHERE name = ?", (key_name(flight),))
    return Counts(keys=found.fetchone()[0])


def count_orphans(connection: sqlite3.Connection) -> Counts:
    """Whatever belongs to no flight."""
    found = [
        connection.execute(
            f"SELECT count(*) FROM {table} WHERE flight NOT IN (SELECT number FROM flights)"  # noqa: S608 -- names of ours
        ).fetchone()[0]
        for table in _OF_PEOPLE
    ]
    return Counts(*found)


def count(connection: sqlite3.Connection, seal: FlightSeal, references: Set[str], whole: bool) -> Counts:
    """What there is of these references; with `whole`, of the whole flight, its data key included."""
    if whole:
        found = [
            connection.execute(f"SELECT count(*) FROM {table} WHERE flight = ?", (seal.number,)).fetchone()[0]  # noqa: S608 -- names of ours
            for table in _OF_PEOPLE
        ]
        return Counts(*found) + count_keys(connection, seal.flight)
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
