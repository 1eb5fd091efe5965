"""Tokens that were used: each opens once, also when two lanes read it at the same moment.

A token is taken before its passage begins, and given back when the passage ended without opening. If the process dies
in between it stays taken, which sends the traveller to an officer and opens nothing.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import datetime, timedelta
from typing import Protocol

from gate.errors import ClaimError, Code
from gate.storage.database import Database

LIMIT = 100_000
"""Tokens kept; some 15 MB in memory. A lane that opens every ten seconds needs 8,640 a day."""

_SWEEP = timedelta(minutes=1)


class UsedTokens(Protocol):
    """What tokens were used. Safe for threads.

    Times come from a clock that is never set back (`gate.clock.GuardedClock`): what was forgotten could be used again.
    """

    def take(self, issuer: str, token_id: str, until: datetime, now: datetime) -> bool:
        """Marks a token as used; False when it is already. It is forgotten after `until`.

        Raises:
            ClaimError: TOKENS_FULL. Never is one forgotten early to make room.
            StorageFault: DISK_FULL, DISK_FAILED: it is not marked.
        """
        ...

    def give_back(self, issuer: str, token_id: str) -> None:
        """The passage did not open: the token may be used again.

        Raises:
            StorageFault: it stays marked.
        """
        ...


class MemoryUsedTokens:
    """See `UsedTokens`. A restart forgets: for an engine without a store, whose gallery is forgotten as well."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._until: dict[bytes, datetime] = {}
        self._swept: datetime | None = None
        self._lock = threading.Lock()

    def take(self, issuer: str, token_id: str, until: datetime, now: datetime) -> bool:
        """See `UsedTokens`."""
        key = _key(issuer, token_id)
        with self._lock:
            if len(self._until) >= self._limit or self._swept is None or now - self._swept >= _SWEEP:
                self._until = {other: end for other, end in self._until.items() if end > now}
                self._swept = now
            if self._until.get(key, now) > now:
                return False
            if len(self._until) >= self._limit:
                raise _full(self._limit)
            self._until[key] = until
            return True

    def give_back(self, issuer: str, token_id: str) -> None:
        """See `UsedTokens`."""
        with self._lock:
            self._until.pop(_key(issuer, token_id), None)

    def __len__(self) -> int:
        return len(self._until)


class StoredUsedTokens:
    """See `UsedTokens`. In the engine's store, so that a restart forgets nothing: on the disk before a passage begins.

    The table holds hashes and times; a token's id is random, so they say nothing about anybody.
    """

    def __init__(self, database: Database, limit: int = LIMIT) -> None:
        self._database = database
        self._limit = limit
        with database.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS used_tokens(token BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID"
            )
            connection.execute("CREATE INDEX IF NOT EXISTS used_tokens_until ON used_tokens(until)")

    def take(self, issuer: str, token_id: str, until: datetime, now: datetime) -> bool:
        """See `UsedTokens`."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM used_tokens WHERE until <= ?", (now.timestamp(),))
            key = _key(issuer, token_id)
            if connection.execute("SELECT 1 FROM used_tokens WHERE token = ?", (key,)).fetchone():
                return False
            known: int = connection.execute("SELECT count(*) FROM used_tokens").fetchone()[0]
            if known >= self._limit:
                raise _full(self._limit)
            connection.execute("INSERT INTO used_tokens(token, until) VALUES (?, ?)", (key, until.timestamp()))
            return True

    def give_back(self, issuer: str, token_id: str) -> None:
        """See `UsedTokens`."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM used_tokens WHERE token = ?", (_key(issuer, token_id),))

    def __len__(self) -> int:
        with self._database.read() as connection:
            found: int = connection.execute("SELECT count(*) FROM used_tokens").fetchone()[0]
        return found


def _key(issuer: str, token_id: str) -> bytes:
    """32 bytes, whatever the length of the names; no pair of names runs into another."""
    return hashlib.sha256(f"{len(issuer)}:{issuer}{token_id}".encode()).digest()


def _full(limit: int) -> ClaimError:
    return ClaimError(Code.TOKENS_FULL, f"{limit} used tokens are kept, none of them expired; expected fewer.")
