"""What a store is on the disk: its marks, its first tables, and the settings of SQLite that safety rests on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gate.errors import Code, StorageFault, StoreError
from gate.storage.faults import primary_code

APPLICATION_ID = 0x65676174  # "egat"
VERSION = 2
"""Of the file's layout (SQLite's user_version). A store of a higher one is refused: a version that does not know all
tables would leave rows behind when it destroys. One of a lower one is raised; what is new makes its own tables.

1: the first one. 2: fingers, journeys, and the watch list.
"""

BUSY_S = 2.0
"""How long a statement waits for another process that reads the journal."""

_TABLES = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE data_keys(name TEXT PRIMARY KEY, wrapped BLOB NOT NULL, key_id TEXT NOT NULL)",
)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection without transactions of its own making."""
    # One connection is shared by threads under a lock of ours.
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA temp_store = MEMORY")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


def prepare(writer: sqlite3.Connection, key_id: str, *, new: bool) -> None:
    """Makes a connection the store's writer; makes the store's first tables where it is `new`."""
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        "foreign_keys = ON",
        "journal_size_limit = 0",
    ):
        writer.execute(f"PRAGMA {pragma}").fetchall()
    if new:
        with begun(writer, durable=True):
            for statement in _TABLES:
                writer.execute(statement)
            writer.execute("INSERT INTO meta(name, value) VALUES ('master_key_id', ?)", (key_id,))
            writer.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    if writer.execute("PRAGMA user_version").fetchone()[0] < VERSION:
        writer.execute(f"PRAGMA user_version = {VERSION}")


def stored_key_id(path: Path, connection: sqlite3.Connection) -> str | None:
    """The id of the master key that the store is sealed with; None for a store that is still empty.

    Raises:
        StoreError: STORE_FOREIGN, STORE_NEWER.
        StorageFault: SEAL_BROKEN when the id is missing.
    """
    try:
        application_id, version, tables = (
            connection.execute(query).fetchone()[0]
            for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
    except sqlite3.DatabaseError as error:
        if primary_code(error) != sqlite3.SQLITE_NOTADB:
            raise
        raise StoreError(Code.STORE_FOREIGN, f"{path} is no SQLite file.") from error
    if (application_id, version, tables) == (0, 0, 0):
        return None
    if application_id != APPLICATION_ID:
        raise StoreError(Code.STORE_FOREIGN, f"{path} is a SQLite file of something else.")
    if version > VERSION:
        raise StoreError(Code.STORE_NEWER, f"{path} has layout {version}, this version knows up to {VERSION}.")
    row = connection.execute("SELECT value FROM meta WHERE name = 'master_key_id'").fetchone()
    if row is None:
        raise StorageFault(Code.SEAL_BROKEN, f"{path} does not say which master key it was sealed with.")
    return str(row[0])


def check_there(path: Path, create: bool) -> None:
    """Whether there is a file to open, or a folder to make one in.

    Raises:
        StoreError: STORE_FOREIGN, STORE_MISSING.
    """
    if path.exists() and not path.is_file():
        raise StoreError(Code.STORE_FOREIGN, f"{path} is no regular file.")
    if not path.exists() and not create:
        raise StoreError(Code.STORE_MISSING, f"There is no store at {path}.")
    if not path.parent.is_dir():
        raise StoreError(Code.STORE_MISSING, f"There is no folder {path.parent} to keep the store in.")


@contextmanager
def begun(connection: sqlite3.Connection, durable: bool) -> Iterator[None]:
    """A transaction: committed when the block ends, undone when it raises."""
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # Anything but a successful COMMIT; SQLite itself has rolled back already after some errors.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
