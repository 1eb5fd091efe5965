"""Where the watch list is written down, sealed under a data key of its own, or nowhere.

::

    watched             tag, sealed                    sealed: reference, list, expiry
    watched_templates   tag, pack, ordinal, sealed     sealed: float32, little-endian

The tag is a digest of the reference under the data key, as in `gate.gallery.store`. When the last person goes, the key
goes too, and another one is made for the next.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import structlog

from gate.audit.event import Event
from gate.audit.journal import Journal, SealedJournal
from gate.audit.pseudonym import pseudonym
from gate.errors import StorageFault
from gate.gallery.axes import Rows
from gate.gallery.receipt import NOTHING, Counts
from gate.gallery.sealing import TAG_BYTES
from gate.gallery.templates import NO_ROWS
from gate.gallery.watched import Watched
from gate.storage.database import Database
from gate.storage.seal import Seal, new_key
from gate.vision.probe import Embedding

_log = structlog.get_logger(__name__)

KEY_NAME = "watch-list"

_TABLES = (
    "CREATE TABLE IF NOT EXISTS watched(place INTEGER PRIMARY KEY, tag BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS watched_templates(tag BLOB NOT NULL, pack TEXT NOT NULL, ordinal INTEGER NOT NULL,"
    " sealed BLOB NOT NULL, PRIMARY KEY(tag, pack, ordinal))",
)
_PATIENCE_S = 0.25


@dataclass(frozen=True, slots=True)
class WatchWrite:
    """What a removal found in the store and left there.

    Attributes:
        position: of its entry in the journal, from 1; 0: none.
        traces_bytes: left in the store's log; -1 when the disk failed.
    """

    before: Counts = NOTHING
    after: Counts = NOTHING
    position: int = 0
    traces_bytes: int = 0


class WatchKeeper(Protocol):
    """Called by one writer at a time, `pseudonym` by anybody."""

    def load(self, pack_id: str) -> Iterable[tuple[Watched, Rows]]:
        """Everybody, with their templates of that pack.

        Raises:
            StorageFault: SEAL_BROKEN, DISK_FAILED.
        """
        ...

    def pseudonym(self, reference: str) -> str:
        """The person's name in the journal; empty while nobody is on the list."""
        ...

    def put(
        self, person: Watched, template: Embedding | None, ordinal: int, pack_id: str, event: Callable[[str], Event]
    ) -> None:
        """Writes a person down, with a new template where there is one, and the event made of their pseudonym.

        Raises:
            StorageFault: nothing was written.
        """
        ...

    def remove(self, references: Set[str], whole: bool, event: Callable[[WatchWrite], Event]) -> WatchWrite:
        """Deletes people; with `whole`, everything and the data key; and writes the event made of what was counted.

        Raises:
            StorageFault: nothing was deleted.
        """
        ...


class UnkeptWatchList:
    """See `WatchKeeper`. Writes nothing down but the journal, which ends with the process.

    Args:
        journal: None: no journal either.
    """

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._seal = Seal(new_key())

    def load(self, pack_id: str) -> Iterable[tuple[Watched, Rows]]:
        """See `WatchKeeper`."""
        del pack_id
        return ()

    def pseudonym(self, reference: str) -> str:
        """See `WatchKeeper`."""
        return pseudonym(self._seal, reference)

    def put(
        self, person: Watched, template: Embedding | None, ordinal: int, pack_id: str, event: Callable[[str], Event]
    ) -> None:
        """See `WatchKeeper`."""
        del template, ordinal, pack_id
        self._record(event(self.pseudonym(person.reference)))

    def remove(self, references: Set[str], whole: bool, event: Callable[[WatchWrite], Event]) -> WatchWrite:
        """See `WatchKeeper`."""
        del references
        position = self._record(event(WatchWrite()))
        if whole:
            self._seal = Seal(new_key())
        return WatchWrite(position=position)

    def _record(self, event: Event) -> int:
        return self._journal.record(event) if self._journal is not None else 0


class SealedWatchList:
    """See `WatchKeeper`.

    Args:
        database: opened to write.
        journal: of the same database.

    Raises:
        StorageFault: SEAL_BROKEN, DISK_FULL, DISK_FAILED.
    """

    def __init__(self, database: Database, journal: SealedJournal) -> None:
        self._database = database
        self._journal = journal
        with database.transaction() as connection:
            for statement in _TABLES:
                connection.execute(statement)
            self._seal = database.data_key(connection, KEY_NAME)

    def load(self, pack_id: str) -> Iterable[tuple[Watched, Rows]]:
        """See `WatchKeeper`."""
        seal = self._seal
        if seal is None:
            return []
        with self._database.read() as connection:
            people = connection.execute("SELECT tag, sealed FROM watched ORDER BY place").fetchall()
            rows = connection.execute(
                "SELECT tag, sealed FROM watched_templates WHERE pack = ? ORDER BY tag, ordinal", (pack_id,)
            ).fetchall()
        templates: dict[bytes, list[bytes]] = {}
        for tag, sealed in rows:
            templates.setdefault(tag, []).append(seal.open(sealed, _bound("template", tag)))
        return [
            (_unpack(seal.open(sealed, _bound("person", tag))), _rows(templates.get(tag, []))) for tag, sealed in people
        ]

    def pseudonym(self, reference: str) -> str:
        """See `WatchKeeper`."""
        return pseudonym(self._seal, reference) if self._seal is not None else ""

    def put(
        self, person: Watched, template: Embedding | None, ordinal: int, pack_id: str, event: Callable[[str], Event]
    ) -> None:
        """See `WatchKeeper`."""
        with self._database.transaction() as connection:
            seal = self._seal or self._database.data_key(connection, KEY_NAME, create=True)
            tag = _tag(seal, person.reference)
            connection.execute(
                "INSERT INTO watched(tag, sealed) VALUES (?, ?)"
                " ON CONFLICT(tag) DO UPDATE SET sealed = excluded.sealed",
                (tag, seal.seal(_pack(person), _bound("person", tag))),
            )
            if template is not None:
                content = np.ascontiguousarray(template, "<f4").tobytes()
                connection.execute(
                    "INSERT OR REPLACE INTO watched_templates(tag, pack, ordinal, sealed) VALUES (?, ?, ?, ?)",
                    (tag, pack_id, ordinal, seal.seal(content, _bound("template", tag))),
                )
            self._journal.append(connection, event(pseudonym(seal, person.reference)))
        # Only now: a transaction that was rolled back leaves no key behind.
        self._seal = seal

    def remove(self, references: Set[str], whole: bool, event: Callable[[WatchWrite], Event]) -> WatchWrite:
        """See `WatchKeeper`."""
        with self._database.transaction() as connection:
            tags = [(_tag(self._seal, reference),) for reference in references] if self._seal is not None else []
            before = _count(connection, None if whole else tags)
            for table in ("watched", "watched_templates"):
                if whole:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 -- names of ours
                else:
                    connection.executemany(f"DELETE FROM {table} WHERE tag = ?", tags)  # noqa: S608 -- names of ours
            if whole:
                self._database.forget_key(connection, KEY_NAME)
            after = _count(connection, None if whole else tags)
            position = self._journal.append(connection, event(WatchWrite(before, after)))
        if whole:
            self._seal = None
        return WatchWrite(before, after, position, self._erase_traces())

    def _erase_traces(self) -> int:
        try:
            return self._database.erase_traces(patience_s=_PATIENCE_S)
        except StorageFault as fault:  # what was to be deleted is deleted; the gallery's next sweep empties the log
            _log.error("traces_not_erased", code=fault.code)
            return -1


def _count(connection: sqlite3.Connection, tags: list[tuple[bytes]] | None) -> Counts:
    """Of these tags; None: of everybody, and the data key."""
    if tags is None:
        people, templates = (
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 -- names of ours
            for table in ("watched", "watched_templates")
        )
        keys = connection.execute("SELECT count(*) FROM data_keys WHERE name = ?", (KEY_NAME,)).fetchone()[0]
        return Counts(travellers=people, templates=templates, keys=keys)
    found = [
        sum(
            connection.execute(f"SELECT count(*) FROM {table} WHERE tag = ?", tag).fetchone()[0]  # noqa: S608 -- names of ours
            for tag in tags
        )
        for table in ("watched", "watched_templates")
    ]
    return Counts(travellers=found[0], templates=found[1])


def _tag(seal: Seal, reference: str) -> bytes:
    return hmac.digest(seal.derived("watched tag"), reference.encode(), hashlib.sha256)[:TAG_BYTES]


def _bound(kind: str, tag: bytes) -> bytes:
    return f"watched {kind}\0".encode() + tag


def _pack(person: Watched) -> bytes:
    record = [person.reference, person.list_name, person.expires_at.astimezone(UTC).isoformat()]
    return json.dumps(record, separators=(",", ":")).encode()


def _unpack(content: bytes) -> Watched:
    reference, list_name, expires_at = json.loads(content)
    return Watched(reference, list_name, datetime.fromisoformat(expires_at))


def _rows(templates: list[bytes]) -> Rows:
    if not templates:
        return NO_ROWS
    return np.frombuffer(b"".join(templates), "<f4").astype(np.float32, copy=False).reshape(len(templates), -1)
