"""The audit journal: append-only, and any entry removed, changed, moved or added behind our back is found."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from gate.audit import table
from gate.audit.chain import Batch, Chain, Entry, Head, Row, Verification
from gate.audit.event import Event
from gate.errors import Code, StorageFault
from gate.storage.database import Database
from gate.storage.seal import Seal, new_key

KEY_NAME = table.NAME
"""The journal's data key. It survives a change of master key, and the destruction of any flight."""

KEPT_IN_MEMORY = 100_000
"""Entries that a `MemoryJournal` keeps: some days of a busy gate."""


class Journal(Protocol):
    """Where events are recorded. One contract suite holds the implementations to it."""

    def record(self, event: Event, *, durable: bool = True) -> int:
        """Appends an event; its position, from 1.

        Args:
            event: what happened.
            durable: on the disk when this returns, see `Database.transaction`. Decisions are recorded without, so that
                none waits for the disk.

        Raises:
            StorageFault: JOURNAL_BROKEN, DISK_FULL, DISK_FAILED. The event is not recorded.
        """
        ...

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """The entries behind position `after`, oldest first."""
        ...

    def verify(self, noted: Head | None = None) -> Verification:
        """Checks every entry, and the end; against a head noted earlier, where there is one."""
        ...


class MemoryJournal:
    """A journal that ends with the process, for an engine without a store. The oldest entries give way."""

    def __init__(self, keep: int = KEPT_IN_MEMORY) -> None:
        self._chain = Chain(Seal(new_key()))
        self._rows: deque[Row] = deque()
        self._keep = keep
        self._start = self._head = Head()
        self._writing = threading.Lock()

    def record(self, event: Event, *, durable: bool = True) -> int:
        """See `Journal`. Nothing here outlives the process."""
        del durable
        with self._writing:
            row = self._chain.follow(self._head, event)
            self._rows.append(row)
            self._head = Head(row.position, row.link)
            if len(self._rows) > self._keep:
                oldest = self._rows.popleft()
                self._start = Head(oldest.position, oldest.link)
            return row.position

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See `Journal`."""
        with self._writing:
            rows = tuple(self._rows)
        return (Entry.of(row) for row in rows if row.position > after)

    def verify(self, noted: Head | None = None) -> Verification:
        """See `Journal`."""
        with self._writing:
            batch, start = Batch(tuple(self._rows), self._head), self._start
        return self._chain.check([batch], start, noted)


class SealedJournal:
    """The journal of a store.

    Args:
        database: the store, opened with its master key.

    Raises:
        StorageFault: SEAL_BROKEN, JOURNAL_BROKEN when its key is missing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        if not database.read_only:
            with database.transaction() as connection:
                if table.is_new(connection):
                    table.create(connection, database.data_key(connection, KEY_NAME, create=True))
        with database.read() as connection:
            seal = database.data_key(connection, KEY_NAME)
            if seal is None or not table.exists(connection):
                raise StorageFault(Code.JOURNAL_BROKEN, "The journal or its key is missing in the store.")
        self._seal = seal
        self._chain = Chain(seal)

    def record(self, event: Event, *, durable: bool = True) -> int:
        """See `Journal`. In a transaction of its own."""
        with self._database.transaction(durable=durable) as connection:
            return self.append(connection, event)

    def append(self, connection: sqlite3.Connection, event: Event) -> int:
        """Appends within the caller's transaction: the entry is there exactly when the change is. Its position.

        Raises:
            StorageFault: JOURNAL_BROKEN.
        """
        head = table.read_head(connection, self._seal)
        if head is None:
            raise StorageFault(Code.JOURNAL_BROKEN, "The sealed end of the journal is missing or was changed.")
        # Always behind the sealed end and never behind the last row: else a removed last entry would heal over.
        row = self._chain.follow(head, event)
        try:
            table.insert(connection, row)
        except sqlite3.IntegrityError as error:
            raise StorageFault(Code.JOURNAL_BROKEN, f"Somebody has added an entry {row.position}.") from error
        table.write_head(connection, self._seal, Head(row.position, row.link))
        return row.position

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See `Journal`."""
        return table.read_entries(self._database, after)

    def verify(self, noted: Head | None = None) -> Verification:
        """See `Journal`."""
        return self._chain.check(table.read_batches(self._database, self._seal), noted=noted)
