"""The proof of a destruction: what was removed, why, and what was counted in every place before and after."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from types import MappingProxyType


class Why(enum.StrEnum):
    """Why somebody is expected no more."""

    EXPIRED = "expired"
    FLIGHT_CLOSED = "flight_closed"
    BOARDED = "boarded"
    WITHDRAWN = "withdrawn"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CANCELLED = "cancelled"
    NOT_ON_BOARD = "not_on_board"
    CLOCK_STEP = "clock_step"
    """The wall clock stepped forward past the expiry: destroyed on the safe side."""


class Place(enum.StrEnum):
    """Where something of a traveller can be."""

    INDEX = "index"
    """The snapshot that searches see."""
    MEMORY = "memory"
    """Segments that anything in the process still refers to, such as a search that began before; journeys, where there
    is no store."""
    STORE = "store"
    """Rows and data keys of the sealed store; all nought in a gallery without one."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of those to be destroyed, in one place.

    Attributes:
        keys: data keys, of flights that go whole.
        journeys: records of what a traveller has passed (`gate.gallery.journeys`), one a traveller at most.
    """

    travellers: int = 0
    templates: int = 0
    photos: int = 0
    keys: int = 0
    journeys: int = 0
    fingers: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.travellers + other.travellers,
            self.templates + other.templates,
            self.photos + other.photos,
            self.keys + other.keys,
            journeys=self.journeys + other.journeys,
            fingers=self.fingers + other.fingers,
        )

    def most(self, other: Counts) -> Counts:
        """Of each the larger number: what two places know together of the same people."""
        pairs = ((field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return Counts(**{name: max(mine, theirs) for name, mine, theirs in pairs})


NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a destruction did.

    Attributes:
        flight: the one flight touched; None when they were several.
        at: when, UTC.
        generation: of the first snapshot without them.
        before, after: of those to be destroyed, counted in each `Place`.
        journal_position: of the destruction's entry in the audit journal, from 1; 0 without a journal.
        traces_bytes: left in the store's write-ahead log, because somebody read from it all the while; -1 when
            the disk failed. The next sweep tries again.
    """

    flight: str | None
    why: Why
    at: datetime
    generation: int
    before: Mapping[Place, Counts]
    after: Mapping[Place, Counts]
    journal_position: int = 0
    traces_bytes: int = 0

    @property
    def complete(self) -> bool:
        """Nothing was left anywhere when it was counted again."""
        return not self.traces_bytes and all(counts == NOTHING for counts in self.after.values())

    @property
    def travellers(self) -> int:
        """Travellers removed; the same person on two flights counts twice."""
        return self.before[Place.INDEX].travellers

    @property
    def templates(self) -> int:
        """Templates of faces removed."""
        return self.before[Place.INDEX].templates

    @property
    def fingers(self) -> int:
        """Templates of fingers removed."""
        return self.before[Place.INDEX].fingers

    @property
    def remaining(self) -> int:
        """Templates counted again afterwards, in all places; nought when the destruction is complete."""
        return sum(counts.templates + counts.fingers for counts in self.after.values())


def together(receipts: Sequence[Receipt]) -> Receipt:
    """Several receipts of one destruction as one; at least one. The position is the last entry's."""
    last = receipts[-1]
    if len(receipts) == 1:
        return last

    def summed(counted: Iterable[Mapping[Place, Counts]]) -> Mapping[Place, Counts]:
        each = list(counted)
        return MappingProxyType({place: sum((counts[place] for counts in each), NOTHING) for place in Place})

    return replace(
        last,
        flight=None,
        before=summed(receipt.before for receipt in receipts),
        after=summed(receipt.after for receipt in receipts),
        traces_bytes=max(receipt.traces_bytes for receipt in receipts),
    )
