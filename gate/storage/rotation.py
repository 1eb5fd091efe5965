"""Changing the master key, so that a crash at any moment leaves a store that opens.

Where the key is in a file: the new key is on the disk beside the old one before anything is sealed with it; then every
data key is wrapped again in one transaction; then the new file takes the old one's place. Whatever is cut off,
the id that the store holds says which of the two files is right, and `KeySources.settle` goes by it at the next start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from gate.storage import files
from gate.storage.database import Database
from gate.storage.keys import MasterKey, next_to, write_key_file

AlsoRecord = Callable[[sqlite3.Connection, MasterKey], object]
"""What shall happen in the same transaction: the journal's entry about the new key."""


def rotate_key_file(database: Database, file: Path, also: AlsoRecord) -> MasterKey:
    """Makes a new master key and puts it in the place of the old one.

    Args:
        database: opened with the key of `file`, by nobody else.
        file: of the old key.
        also: see `AlsoRecord`.

    Returns:
        The new key. The old one opens nothing any more.

    Raises:
        StorageFault: DISK_FULL, DISK_FAILED: the old key holds, what is left over goes at the next start.
        OSError: the new file cannot be written.
    """
    new = MasterKey.generate()
    write_key_file(next_to(file), new)
    database.rotate(new, lambda connection: also(connection, new))
    files.replace(next_to(file), file)
    return new
