"""The chain that makes a journal's entries one: each entry's mark covers its content, its place and the one before.

The marks are HMAC-SHA256 under a key that is not in the journal, so who changes an entry cannot mark it anew. Two
marks an entry tell a change from a move: the *content mark* covers what an entry says, the *link* its content
mark, its position and the link before it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC

from gate.audit.event import Event
from gate.storage.seal import Seal

FIRST_LINK = bytes(32)
"""What the first entry follows."""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it is kept: texts exactly as marked, so that nothing is read and written anew before a check."""

    position: int
    at: str
    kind: str
    facts: str
    mark: bytes
    link: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the journal: the last entry's position and link. Noted elsewhere, it proves everything up to it."""

    position: int = 0
    link: bytes = FIRST_LINK

    def __str__(self) -> str:
        return f"{self.position}:{self.link.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The head that `str` wrote.

        Raises:
            ValueError: it is none.
        """
        position, _, link = text.strip().partition(":")
        if not position.isdecimal() or len(link) != 2 * len(FIRST_LINK):
            raise ValueError("expected POSITION:LINK, the link as 64 hexadecimal characters")
        return cls(int(position), bytes.fromhex(link))


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows, and the end as the journal kept it when they were read; None where that is missing or does not open."""

    rows: Sequence[Row]
    head: Head | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: with one entry, or with all from `position` to `last`."""

    position: int
    last: int
    what: str

    def __str__(self) -> str:
        where = f"entry {self.position}" if self.position == self.last else f"entries {self.position} to {self.last}"
        return f"{where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the whole journal found.

    Attributes:
        entries: how many were checked.
        head: the end as the journal itself keeps it, sealed; None when that is missing or does not open.
        problems: in the order of positions; none when the journal is whole.
    """

    entries: int
    head: Head | None
    problems: tuple[Problem, ...]

    @property
    def whole(self) -> bool:
        """Nothing is removed, changed, moved or added."""
        return not self.problems


class Chain:
    """Makes and checks marks under one key."""

    def __init__(self, seal: Seal) -> None:
        # Keyed once and copied for each mark: OpenSSL looks up its algorithm anew for every key it is given.
        self._content = hmac.new(seal.derived("journal content"), digestmod=hashlib.sha256)
        self._links = hmac.new(seal.derived("journal link"), digestmod=hashlib.sha256)

    def follow(self, head: Head, event: Event) -> Row:
        """The entry that follows `head`."""
        at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
        facts = json.dumps(dict(event.facts), sort_keys=True, separators=(",", ":"), allow_nan=False)
        mark = self._mark(at, event.kind.value, facts)
        position = head.position + 1
        return Row(position, at, event.kind.value, facts, mark, self._link(head.link, position, mark))

    def check(self, batches: Iterable[Batch], start: Head = Head(), noted: Head | None = None) -> Verification:
        """Checks all rows of a journal.

        Args:
            batches: of rows, in the order of their positions; the last one holds the last row there is.
            start: what the first row follows.
            noted: a head that somebody noted earlier.
        """
        walk = _Walk(self, start, noted)
        entries, head = 0, None
        for batch in batches:
            head = batch.head
            for row in batch.rows:
                walk.step(row, head)
            entries += len(batch.rows)
        walk.end(head)
        return Verification(entries, head, tuple(walk.problems))

    def problem(self, row: Row, before: Head | None) -> str | None:
        """What is wrong with one entry, given the one before; None for that where it was removed."""
        if not hmac.compare_digest(row.mark, self._mark(row.at, row.kind, row.facts)):
            return "changed, or not written by the engine"
        if before is None:
            return None  # What it follows is reported as removed already.
        if not hmac.compare_digest(row.link, self._link(before.link, row.position, row.mark)):
            return f"genuine, but does not follow entry {before.position}: moved, or its link was changed"
        return None

    def _mark(self, at: str, kind: str, facts: str) -> bytes:
        return _marked(self._content, json.dumps([at, kind, facts]).encode())

    def _link(self, before: bytes, position: int, mark: bytes) -> bytes:
        return _marked(self._links, before + position.to_bytes(8, "big") + mark)


def _marked(keyed: hmac.HMAC, content: bytes) -> bytes:
    mac = keyed.copy()
    mac.update(content)
    return mac.digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry to look at, unchecked.

    Attributes:
        position: from 1.
        at: UTC, ISO 8601 with microseconds.
        kind, facts: see `Event`.
        link: hexadecimal.
    """

    position: int
    at: str
    kind: str
    facts: dict[str, object]
    link: str

    @classmethod
    def of(cls, row: Row) -> Entry:
        """The entry of a row. One that somebody changed may hold anything, and is shown all the same."""
        try:
            facts = dict(json.loads(row.facts))
        except (ValueError, TypeError):
            facts = {"unreadable": row.facts}
        return cls(row.position, row.at, row.kind, facts, row.link.hex())


class _Walk:
    """One way through a journal, row by row."""

    def __init__(self, chain: Chain, start: Head, noted: Head | None) -> None:
        self.problems: list[Problem] = []
        self._chain = chain
        self._before: Head | None = start
        self._last = start
        self._noted = None if noted == start else noted

    def step(self, row: Row, head: Head | None) -> None:
        expected = self._last.position + 1
        if row.position < expected:
            self._report(row.position, row.position, "added before the beginning by somebody else")
            return
        if head is not None and row.position > head.position:
            self._report(row.position, row.position, "added behind the end by somebody else")
            return
        if row.position > expected:
            self._report(expected, row.position - 1, "removed")
            self._before = None
        if problem := self._chain.problem(row, self._before):
            self._report(row.position, row.position, problem)
        self._before = self._last = Head(row.position, row.link)
        if self._noted == self._last:
            self._noted = None

    def end(self, head: Head | None) -> None:
        last = self._last.position
        if head is None:
            self._report(last, last, "the sealed end of the journal is missing or was changed")
        elif head.position > last:
            self._report(last + 1, head.position, "removed from the end")
        elif head.link != self._last.link:
            self._report(last, last, "not the last entry that the engine wrote")
        if self._noted is not None:
            what = "not the one that was noted: removed since then, or another journal"
            self._report(self._noted.position, self._noted.position, what)

    def _report(self, first: int, last: int, what: str) -> None:
        self.problems.append(Problem(first, last, what))
