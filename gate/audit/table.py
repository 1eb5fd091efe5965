"""The journal's table in the store: what is written, and read back without trusting it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from gate.audit.chain import Batch, Entry, Head, Row
from gate.audit.event import EventKind
from gate.errors import Code, StorageFault
from gate.storage.database import Database
from gate.storage.seal import Seal

NAME = "journal"
"""Of the table, and of the journal's data key."""

_HEAD = "journal_head"
_BATCH = 1000
_FIRST, _LAST = -(1 << 63), (1 << 63) - 1  # what SQLite has for positions

# As bytes: a value of another type, or a text that is none, must reach the check and not break it.
_COLUMNS = ", ".join(["position", *(f"CAST({column} AS BLOB)" for column in ("at", "kind", "facts", "mark", "link"))])


def is_new(connection: sqlite3.Connection) -> bool:
    """There is no trace of a journal. A part of one is not new: it was cut off by somebody."""
    key = connection.execute("SELECT 1 FROM data_keys WHERE name = ?", (NAME,)).fetchone()
    head = connection.execute("SELECT 1 FROM meta WHERE name = ?", (_HEAD,)).fetchone()
    return not (key or head or exists(connection))


def exists(connection: sqlite3.Connection) -> bool:
    """The table is there."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (NAME,)).fetchone()
    return found is not None


def create(connection: sqlite3.Connection, seal: Seal) -> None:
    """Makes an empty journal."""
    connection.execute(
        "CREATE TABLE journal(position INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL,"
        " mark BLOB NOT NULL, link BLOB NOT NULL)"
    )
    for change in ("UPDATE", "DELETE"):
        # Against slips of our own; against others the chain stands.
        connection.execute(
            f"CREATE TRIGGER journal_no_{change.lower()} BEFORE {change} ON journal"
            " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
        )
    write_head(connection, seal, Head())


def insert(connection: sqlite3.Connection, row: Row) -> None:
    """Adds an entry.

    Raises:
        sqlite3.IntegrityError: its position is taken.
    """
    connection.execute(
        "INSERT INTO journal(position, at, kind, facts, mark, link) VALUES (?, ?, ?, ?, ?, ?)",
        (row.position, row.at, row.kind, row.facts, row.mark, row.link),
    )


def write_head(connection: sqlite3.Connection, seal: Seal, head: Head) -> None:
    """Keeps the end of the journal, sealed: removing the last entry leaves an end that is not there."""
    sealed = seal.seal(str(head).encode(), _HEAD.encode())
    connection.execute("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", (_HEAD, sealed))


def read_head(connection: sqlite3.Connection, seal: Seal) -> Head | None:
    """The end of the journal; None when it is missing or was changed."""
    row = connection.execute("SELECT CAST(value AS BLOB) FROM meta WHERE name = ?", (_HEAD,)).fetchone()
    try:
        return Head.parse(seal.open(row[0], _HEAD.encode()).decode()) if row else None
    except StorageFault:
        return None


def read_batches(database: Database, seal: Seal) -> Iterator[Batch]:
    """Every row, whatever its position. In short looks: a long one would keep a destruction from emptying the log."""
    query = f"SELECT {_COLUMNS} FROM journal WHERE position >= ? ORDER BY position LIMIT ?"  # noqa: S608 -- our own names
    start = _FIRST
    while True:
        with database.read() as connection:
            batch = Batch(list(_rows(connection.execute(query, (start, _BATCH)))), read_head(connection, seal))
        yield batch
        if len(batch.rows) < _BATCH:
            return
        start = min(batch.rows[-1].position + 1, _LAST)


def read_entries(database: Database, after: int = 0) -> Iterator[Entry]:
    """The entries behind position `after`, oldest first, unchecked. Needs no key; reads in batches.

    Raises:
        StorageFault: JOURNAL_BROKEN when the store has no journal.
    """
    query = f"SELECT {_COLUMNS} FROM journal WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
    while True:
        with database.read() as connection:
            _check_there(connection)
            batch = [Entry.of(row) for row in _rows(connection.execute(query, (after, _BATCH)))]
        yield from batch
        if len(batch) < _BATCH:
            return
        after = batch[-1].position


def read_last(
    database: Database, count: int, *, kinds: frozenset[EventKind] = frozenset(), since: datetime | None = None
) -> list[Entry]:
    """The last entries that fit, oldest first, unchecked. Needs no key.

    Args:
        database: the store.
        count: at most so many.
        kinds: only these; all when empty.
        since: not before this (UTC).

    Raises:
        StorageFault: JOURNAL_BROKEN when the store has no journal.
    """
    wanted = sorted(kinds or EventKind)
    from_at = since.astimezone(UTC).isoformat(timespec="microseconds") if since else ""
    query = (
        f"SELECT {_COLUMNS} FROM journal WHERE at >= ? AND kind IN ({', '.join('?' * len(wanted))})"  # noqa: S608
        " ORDER BY position DESC LIMIT ?"
    )
    with database.read() as connection:
        _check_there(connection)
        rows = list(_rows(connection.execute(query, (from_at, *wanted, count))))
    return [Entry.of(row) for row in reversed(rows)]


def _check_there(connection: sqlite3.Connection) -> None:
    if not exists(connection):
        raise StorageFault(Code.JOURNAL_BROKEN, "The store has no journal.")


def _rows(found: sqlite3.Cursor) -> Iterator[Row]:
    for position, at, kind, facts, mark, link in found:
        yield Row(position, _text(at), _text(kind), _text(facts), mark, link)


def _text(column: bytes) -> str:
    return column.decode(errors="replace")
