"""The store: one SQLite file that one engine writes, with the data keys in it wrapped by the master key.

What is readable in the file is what its tables hold; callers seal what is personal (`Seal`). Deleted content is
overwritten (``secure_delete``), and `Database.erase_traces` empties the write-ahead log behind it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, overload

from gate.errors import Code, MasterKeyError, StoreError
from gate.storage import files
from gate.storage.faults import as_faults
from gate.storage.keys import MasterKey
from gate.storage.layout import BUSY_S, begun, check_there, connect, prepare, stored_key_id
from gate.storage.seal import Seal, new_key

KeyFinder = Callable[[str | None], MasterKey]
"""Finds the master key, given the id of the one that the store is sealed with (None for a new store)."""


class Database:
    """One store. Safe for threads: writers take turns, readers see the last committed state.

    Made by `open` (the engine) or `open_to_read` (whoever looks at the journal while an engine runs).
    """

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection,
        key_id: str,
        master: MasterKey | None,
        lock: files.Lock | None,
    ) -> None:
        self.path = path
        self._key_id = key_id
        self._writer = writer
        self._reader = writer if lock is None else connect(path, read_only=True)
        self._wrapping = Seal(master.secret) if master else None
        self._lock = lock
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._writing_thread = self._reading_thread = 0

    @classmethod
    def open(cls, path: Path, master: MasterKey | KeyFinder, *, create: bool = True) -> Database:
        """Opens the store to write; makes it when there is none.

        Raises:
            StoreError: STORE_IN_USE, STORE_FOREIGN, STORE_NEWER; STORE_MISSING unless `create`.
            MasterKeyError: KEY_WRONG; what the finder raises.
            StorageFault: DISK_FULL, DISK_FAILED.
        """
        check_there(path, create)
        lock = files.Lock(path)
        try:
            files.create(path)
            with as_faults():
                writer = connect(path)
                try:
                    stored_id = stored_key_id(path, writer)
                    found = master if isinstance(master, MasterKey) else master(stored_id)
                    _check_key(found, stored_id)
                    prepare(writer, found.key_id, new=stored_id is None)
                    for suffix in ("", "-wal", "-shm"):
                        files.tighten(path.with_name(path.name + suffix))
                    # What a destruction left in the log when the process was killed right after it.
                    _truncated(writer)
                    return cls(path, writer, found.key_id, found, lock)
                except BaseException:
                    writer.close()
                    raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open_to_read(cls, path: Path, master: MasterKey | KeyFinder | None = None) -> Database:
        """Opens the store to look at it, also while an engine writes it. `transaction` is refused.

        Args:
            path: of the store.
            master: needed only to open what is sealed.

        Raises:
            StoreError: STORE_MISSING, STORE_FOREIGN, STORE_NEWER.
            MasterKeyError: KEY_WRONG; what the finder raises.
            StorageFault: DISK_FAILED.
        """
        check_there(path, create=False)
        with as_faults():
            connection = connect(path, read_only=True)
            try:
                stored_id = stored_key_id(path, connection)
                if stored_id is None:
                    raise StoreError(Code.STORE_FOREIGN, f"{path} holds no store yet.")
                found = master if isinstance(master, MasterKey) or master is None else master(stored_id)
                if found is not None:
                    _check_key(found, stored_id)
                return cls(path, connection, stored_id, found, None)
            except BaseException:
                connection.close()
                raise

    @property
    def read_only(self) -> bool:
        """Opened by `open_to_read`."""
        return self._lock is None

    @property
    def key_id(self) -> str:
        """Of the master key that the store is sealed with."""
        return self._key_id

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A change that happens as a whole or not at all; one at a time.

        Args:
            durable: the change is on the disk when the block ends, whatever happens then. Without it the change
                survives the end of the process (`kill -9`), but a loss of power may take the last ones, always from
                the end; it costs no flush.

        Raises:
            StorageFault: DISK_FULL, DISK_FAILED: nothing was changed.
            RuntimeError: this thread has a transaction open already; waiting for it would wait for ever.
        """
        if self.read_only:
            raise RuntimeError("the store was opened to read")
        with self._alone(), begun(self._writer, durable):
            yield self._writer

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent look at what is committed, without a transaction that still runs. One look at a time.

        Raises:
            StorageFault: DISK_FAILED.
            RuntimeError: this thread looks already; waiting for it would wait for ever.
        """
        if self._reading_thread == threading.get_ident():
            raise RuntimeError("a look inside a look of the same thread")
        with self._reading, as_faults():
            self._reading_thread = threading.get_ident()
            try:
                self._reader.execute("BEGIN")
                yield self._reader
            finally:
                self._reading_thread = 0
                if self._reader.in_transaction:
                    self._reader.execute("ROLLBACK")

    @overload
    def data_key(self, connection: sqlite3.Connection, name: str, *, create: Literal[True]) -> Seal: ...
    @overload
    def data_key(self, connection: sqlite3.Connection, name: str, *, create: bool = False) -> Seal | None: ...
    def data_key(self, connection: sqlite3.Connection, name: str, *, create: bool = False) -> Seal | None:
        """The data key of that name, unwrapped; None when there is none and none shall be made.

        Args:
            connection: of the caller's `transaction`, or of a `read` when nothing is made.
            name: stands in the clear in the file.
            create: make one where there is none.

        Raises:
            StorageFault: SEAL_BROKEN.
        """
        row = connection.execute("SELECT wrapped FROM data_keys WHERE name = ?", (name,)).fetchone()
        if row is not None:
            return Seal(self.unwrap(row[0], _of_data_key(name)))
        if not create:
            return None
        key = new_key()
        wrapped = self.wrap(key, _of_data_key(name))
        connection.execute(
            "INSERT INTO data_keys(name, wrapped, key_id) VALUES (?, ?, ?)", (name, wrapped, self.key_id)
        )
        return Seal(key)

    def forget_key(self, connection: sqlite3.Connection, name: str) -> bool:
        """Deletes a data key: what it sealed opens never again. Whether there was one.

        The bytes are overwritten when the caller's transaction ends, and older copies go with `erase_traces`.
        """
        kept = connection.execute("SELECT name, wrapped, key_id FROM data_keys WHERE name != ?", (name,)).fetchall()
        known: int = connection.execute("SELECT count(*) FROM data_keys").fetchone()[0]
        if len(kept) < known:
            _write_data_keys(connection, kept)
        return len(kept) < known

    def wrap(self, data_key: bytes, bound_to: bytes) -> bytes:
        """Seals with the master key."""
        return self._master_seal().seal(data_key, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Opens what `wrap` made.

        Raises:
            StorageFault: SEAL_BROKEN.
        """
        return self._master_seal().open(wrapped, bound_to)

    def rotate(self, new: MasterKey, also: Callable[[sqlite3.Connection], object] | None = None) -> int:
        """Wraps every data key with another master key, in one transaction; the old one opens nothing afterwards.

        Only while nothing else uses this object: a look that began before would still unwrap with the old key.

        Args:
            new: the key to come. It must be on the disk already.
            also: what shall happen in the same transaction (the journal's entry).

        Returns:
            How many data keys were wrapped again.
        """
        coming = Seal(new.secret)
        with self.transaction() as connection:
            rows = connection.execute("SELECT name, wrapped FROM data_keys").fetchall()
            again = [
                (name, coming.seal(self.unwrap(wrapped, _of_data_key(name)), _of_data_key(name)), new.key_id)
                for name, wrapped in rows
            ]
            _write_data_keys(connection, again)
            connection.execute("UPDATE meta SET value = ? WHERE name = 'master_key_id'", (new.key_id,))
            if also is not None:
                also(connection)
        self._key_id, self._wrapping = new.key_id, coming
        self.erase_traces()
        return len(again)

    def erase_traces(self, *, patience_s: float = BUSY_S) -> int:
        """Empties the write-ahead log, where the pages before a deletion still stand.

        Args:
            patience_s: how long to wait for others that still read from it.

        Returns:
            Bytes that are left in it: 0 unless somebody read all the time.

        Raises:
            StorageFault: DISK_FULL, DISK_FAILED.
        """
        log = self.path.with_name(self.path.name + "-wal")
        until = time.monotonic() + patience_s
        while True:
            with self._alone():
                busy = _truncated(self._writer)
            left = log.stat().st_size if log.exists() else 0
            if (not busy and not left) or time.monotonic() >= until:
                return left
            time.sleep(0.01)

    def rebuild(self) -> int:
        """Writes the whole file anew, so that not even slack within its pages holds anything deleted.

        Takes some 20 ms a megabyte, during which nobody else writes: for quiet moments. `erase_traces` is for every
        deletion; what it can miss is a sealed row that SQLite had once moved, and that row opens only as long as
        its data key is there.

        Returns:
            Bytes left in the log, as `erase_traces`.

        Raises:
            StorageFault: DISK_FULL, DISK_FAILED: the file is as it was.
        """
        with self._alone():
            self._writer.execute("VACUUM")
        return self.erase_traces()

    def close(self) -> None:
        """Ends work with the store; waits for a transaction that runs. May be called again."""
        with self._alone(), self._reading:
            self._reader.close()
            self._writer.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The turn of one writer."""
        if self._writing_thread == threading.get_ident():
            raise RuntimeError("inside a transaction of the same thread")
        with self._writing, as_faults():
            self._writing_thread = threading.get_ident()
            try:
                yield
            finally:
                self._writing_thread = 0

    def _master_seal(self) -> Seal:
        if self._wrapping is None:
            raise RuntimeError("the store was opened without its master key")
        return self._wrapping


def _check_key(found: MasterKey, stored_id: str | None) -> None:
    if stored_id not in {None, found.key_id}:
        raise MasterKeyError(
            Code.KEY_WRONG, f"The store is sealed with master key {stored_id}; {found.source} holds {found.key_id}."
        )


def _truncated(connection: sqlite3.Connection) -> bool:
    """Whether the log could not be emptied because somebody reads from it."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(busy)


def _write_data_keys(connection: sqlite3.Connection, rows: list[tuple[str, bytes, str]]) -> None:
    """Writes the whole table anew, which zeroes every page that it had.

    Deleting one row would zero that row only. Where SQLite had moved rows between pages before, bytes of it may stand
    in the unused middle of a page that it left (measured: about one row in a thousand), and ``secure_delete`` knows
    nothing of them. A key must not survive like that.
    """
    connection.execute("DELETE FROM data_keys")
    connection.executemany("INSERT INTO data_keys(name, wrapped, key_id) VALUES (?, ?, ?)", sorted(rows))


def _of_data_key(name: str) -> bytes:
    return b"data_keys/" + name.encode()
