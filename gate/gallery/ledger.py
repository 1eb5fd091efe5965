"""The statements that write a sealed store, and count in it; see `gate.gallery.store` for its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Set
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from gate.audit.event import Event
from gate.audit.journal import SealedJournal
from gate.audit.pseudonym import pseudonym
from gate.gallery.hands import Kept
from gate.gallery.keeper import Addition, Deletion
from gate.gallery.receipt import NOTHING, Counts
from gate.gallery.sealing import FlightSeal, pack_traveller
from gate.storage.database import Database

_OF_PEOPLE = ("travellers", "templates", "photos", "journeys", "fingers")
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
        self._last_number = 0
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

    def put_finger(self, flight: str, reference: str, ordinal: int, finger: Kept) -> None:
        """See `Ledger`."""
        seal = self.seals[flight]
        tag = seal.tag(reference)
        self._connection.execute(
            "INSERT INTO fingers(flight, tag, ordinal, sealed) VALUES (?, ?, ?, ?)",
            (seal.number, tag, ordinal, seal.close("finger", tag, finger.packed)),
        )

    def delete(self, flight: str, references: Set[str], whole: bool) -> Deletion:
        """See `Ledger`."""
        seal = self.seals.get(flight)
        if seal is None:
            return Deletion(whole)
        return self._delete_flight(seal) if whole else self._delete_people(seal, references)

    def record(self, event: Event) -> int:
        """See `Ledger`."""
        return self._journal.append(self._connection, event)

    def pseudonym(self, flight: str, reference: str) -> str:
        """See `Ledger`."""
        seal = self.seals.get(flight)
        return pseudonym(seal.seal, reference) if seal is not None else ""

    def _delete_flight(self, seal: FlightSeal) -> Deletion:
        key = _wrapped_key(self._connection, seal.flight)
        before = _count_flight(self._connection, seal.number) + _count_key(self._connection, key)
        for statement in _DELETE_FLIGHT:
            self._connection.execute(statement, (seal.number,))
        self._database.forget_key(self._connection, key_name(seal.flight))
        del self.seals[seal.flight]
        self._last_number = max(self._last_number, seal.number)
        after = _count_flight(self._connection, seal.number) + _count_key(self._connection, key)
        return Deletion(True, before, after, seal.number, key=key)

    def _delete_people(self, seal: FlightSeal, references: Set[str]) -> Deletion:
        tags = {reference: seal.tag(reference) for reference in references}
        before = _count_people(self._connection, seal.number, tags.values())
        for statement in _DELETE_TAG:
            self._connection.executemany(statement, [(seal.number, tag) for tag in tags.values()])
        after = _count_people(self._connection, seal.number, tags.values())
        return Deletion(False, before, after, seal.number, tags)

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
        # Never a number that was deleted in this very transaction: what is left under it would pass for the newcomers'.
        known = self._connection.execute("SELECT max(number) FROM flights").fetchone()[0]
        number = max(self._last_number, known or 0) + 1
        self._connection.execute("INSERT INTO flights(number, name) VALUES (?, ?)", (number, flight))
        key = self._database.data_key(self._connection, key_name(flight), create=True)
        seal = self.seals[flight] = FlightSeal(flight, number, key)
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


def count_left(connection: sqlite3.Connection, deletion: Deletion, renewed: Set[str]) -> Counts:
    """See `Keeper.count`."""
    if deletion.whole:
        # The flight is gone, and with it the number that its rows had: any row without a flight is left over.
        return _count_orphans(connection) + _count_key(connection, deletion.key)
    left = _count_people(connection, deletion.number, deletion.tags.values())
    tags = [tag for reference, tag in deletion.tags.items() if reference in renewed]
    return replace(left, travellers=left.travellers - _count_people(connection, deletion.number, tags).travellers)


def _wrapped_key(connection: sqlite3.Connection, flight: str) -> bytes:
    """The flight's data key as it is stored; empty when it is missing."""
    row = connection.execute("SELECT wrapped FROM data_keys WHERE name = ?", (key_name(flight),)).fetchone()
    return bytes(row[0]) if row else b""


def _count_key(connection: sqlite3.Connection, wrapped: bytes) -> Counts:
    """That very data key, under whatever name: one, or none."""
    found = connection.execute("SELECT count(*) FROM data_keys WHERE wrapped = ?", (wrapped,))
    return Counts(keys=found.fetchone()[0])


def _count_orphans(connection: sqlite3.Connection) -> Counts:
    """Whatever belongs to no flight."""
    return _count(connection, "flight NOT IN (SELECT number FROM flights)")


def _count_flight(connection: sqlite3.Connection, number: int) -> Counts:
    """What there is of a whole flight, but its data key."""
    return _count(connection, "flight = ?", number)


def _count_people(connection: sqlite3.Connection, number: int, tags: Iterable[bytes]) -> Counts:
    """What there is of some travellers of a flight."""
    counts, wanted = NOTHING, list(tags)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        counts += _count(connection, f"flight = ? AND tag IN ({','.join('?' * len(some))})", number, *some)
    return counts


def _count(connection: sqlite3.Connection, condition: str, *values: int | bytes) -> Counts:
    """Rows of each table of people that fit the condition (of ours)."""
    found = {
        table: connection.execute(f"SELECT count(*) FROM {table} WHERE {condition}", values).fetchone()[0]  # noqa: S608 -- names of ours
        for table in _OF_PEOPLE
    }
    return Counts(**found)
