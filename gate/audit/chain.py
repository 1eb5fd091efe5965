"""The chain that makes a journal's entries one: each entry's mark covers its content, its place and the one before.

The marks are HMAC-SHA256 under a key that is not in the journal, so who changes an entry cannot mark it anew. Two
marks an entry tell a change from a move: the *content mark* covers what an entry says, the *link* its content
mark, its position and the link before it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
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
        self._content_key = seal.derived("journal content")
        self._link_key = seal.derived("journal link")

    def follow(self, head: Head, event: Event) -> Row:
        """The entry that follows `head`."""
        at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
        facts = json.dumps(dict(event.facts), sort_keys=True, separators=(",", ":"), allow_nan=False)
        mark = self._mark(at, event.kind.value, facts)
        position = head.position + 1
        return Row(position, at, event.kind.value, facts, mark, self._link(head.link, position, mark))

    def check(
        self, rows: Iterable[Row], head: Head | None, start: Head = Head(), noted: Head | None = None
    ) -> Verification:
        """Checks rows in the order of their positions.

        Args:
            rows: of the journal.
            head: the end that the journal keeps; None when that cannot be read.
            start: what the first row follows.
            noted: a head that somebody noted earlier.
        """
        problems: list[Problem] = []
        before: Head | None = start
        expected, entries = start.position + 1, 0
        noted_found = noted is None or noted == start
        for row in rows:
            entries += 1
            if row.position < expected:
                problems.append(Problem(row.position, row.position, "added before the beginning by somebody else"))
                continue
            if head is not None and row.position > head.position:
                problems.append(Problem(row.position, row.position, "added behind the end by somebody else"))
                continue
            if row.position > expected:
                problems.append(Problem(expected, row.position - 1, "removed"))
                before = None
            if problem := self._problem(row, before):
                problems.append(Problem(row.position, row.position, problem))
            before, expected = Head(row.position, row.link), row.position + 1
            noted_found = noted_found or noted == before
        problems += _of_the_end(head, before or start, expected)
        if noted is not None and not noted_found:
            problems.append(
                Problem(
                    noted.position, noted.position, "not the one that was noted: removed since then, or another journal"
                )
            )
        return Verification(entries, head, tuple(problems))

    def _problem(self, row: Row, before: Head | None) -> str | None:
        if not hmac.compare_digest(row.mark, self._mark(row.at, row.kind, row.facts)):
            return "changed, or not written by the engine"
        if before is None:
            return None  # What it follows is reported as removed already.
        if not hmac.compare_digest(row.link, self._link(before.link, row.position, row.mark)):
            return f"genuine, but does not follow entry {before.position}: moved, or its link was changed"
        return None

    def _mark(self, at: str, kind: str, facts: str) -> bytes:
        return hmac.digest(self._content_key, json.dumps([at, kind, facts]).encode(), hashlib.sha256)

    def _link(self, before: bytes, position: int, mark: bytes) -> bytes:
        return hmac.digest(self._link_key, before + position.to_bytes(8, "big") + mark, hashlib.sha256)


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


def _of_the_end(head: Head | None, last: Head, expected: int) -> list[Problem]:
    if head is None:
        return [Problem(last.position, last.position, "the sealed end of the journal is missing or was changed")]
    if head.position >= expected:
        return [Problem(expected, head.position, "removed from the end")]
    if head.position == last.position and head.link != last.link:
        return [Problem(last.position, last.position, "not the last entry that the engine wrote")]
    return []
