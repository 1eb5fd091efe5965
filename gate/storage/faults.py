"""SQLite's errors as ours: a full or broken disk is a fault of the engine, a bug stays a bug."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from gate.errors import Code, StorageFault

_FULL = {sqlite3.SQLITE_FULL}
_BROKEN = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


@contextmanager
def as_faults() -> Iterator[None]:
    """Around work with SQLite.

    Raises:
        StorageFault: DISK_FULL or DISK_FAILED, with SQLite's name of the error. Errors in our own statements pass.
    """
    try:
        yield
    except sqlite3.Error as error:
        primary = primary_code(error)
        if primary in _FULL:
            raise StorageFault(Code.DISK_FULL, "The disk of the store is full.") from error
        if primary in _BROKEN:
            raise StorageFault(Code.DISK_FAILED, f"SQLite says {error.sqlite_errorname}: {error}.") from error
        raise


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; -1 for an error of Python's own module."""
    return getattr(error, "sqlite_errorcode", -1) & 0xFF
