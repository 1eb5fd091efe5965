"""Some of the travellers of one flight with their templates, immutable.

A flight is a tuple of segments of at most `MAX_ROWS` travellers and as many templates, so that a change copies a
few megabytes at most, and never the whole flight or checkpoint (docs/decisions/0001-one-segment-a-flight.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gate.gallery.axes import Rows
from gate.gallery.templates import NO_ROWS, Templates
from gate.gallery.traveller import TravelDocument, Traveller

MAX_ROWS = 1024
"""Travellers, and templates, in one segment: building one anew takes about a millisecond, most of which holds up
nobody. Twice as many would take twice as long; half as many would slow searches over a whole checkpoint."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One traveller with their templates (T, D); T is 0 for somebody without a photograph yet."""

    traveller: Traveller
    templates: Rows = field(default_factory=lambda: NO_ROWS)


class Alive(NamedTuple):
    """Who has not expired: travellers with templates, their templates, and travellers without any."""

    travellers: int
    templates: int
    without_template: int

    @classmethod
    def together(cls, parts: Iterable[Alive]) -> Alive:
        """Of several segments."""
        travellers = templates = without_template = 0
        for part in parts:
            travellers += part.travellers
            templates += part.templates
            without_template += part.without_template
        return cls(travellers, templates, without_template)


class Segment:
    """Never changes after construction, so any number of threads may search it.

    It holds the only copy of the templates: when the segment goes, they go.

    Attributes:
        flight: of everybody in it.
        held: everybody's templates.
        everybody: who is in it, expired or not.
        travellers: in the order they came.
        counts: templates of each.
        positions: reference -> where the traveller stands in both.
    """

    __slots__ = (
        "__weakref__",
        "_by_document",
        "_expiry",
        "_first_expiry",
        "_owner",
        "_starts",
        "counts",
        "everybody",
        "flight",
        "held",
        "positions",
        "travellers",
    )

    def __init__(self, flight: str, travellers: Sequence[Traveller], counts: Sequence[int], held: Templates) -> None:
        """
        Args:
            counts: templates of each traveller.
            held: all their templates, in the same order; copied.
        """
        self.flight = flight
        self.travellers = tuple(travellers)
        self.counts = tuple(counts)
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self._owner = np.repeat(np.arange(len(self.travellers)), counts)
        self._expiry = np.array([traveller.expires_at.timestamp() for traveller in self.travellers])
        self._first_expiry = float(self._expiry.min()) if len(self._expiry) else float("inf")
        self.positions: Mapping[str, int] = {traveller.reference: i for i, traveller in enumerate(self.travellers)}
        self._by_document: dict[str, list[int]] = {}
        for position, traveller in enumerate(self.travellers):
            for document in traveller.documents:
                self._by_document.setdefault(document.number, []).append(position)
        self.everybody = self._alive(np.ones(len(self.travellers), bool))
        self.held = held.copy()

    @property
    def templates(self) -> int:
        """Templates held."""
        return len(self._owner)

    @property
    def first_expiry_s(self) -> float:
        """When the first traveller expires, seconds since the epoch."""
        return self._first_expiry

    def entry(self, position: int) -> Entry:
        """One traveller with a copy of their templates."""
        return Entry(self.travellers[position], self.part(position, position + 1).rows())

    def part(self, start: int, end: int) -> Templates:
        """Templates of the travellers from `start` until `end`: a view that must not outlive the segment."""
        return self.held[int(self._starts[start]) : int(self._starts[end])]

    def owner(self, row: int) -> int:
        """Where the traveller stands whose template a row is."""
        return int(self._owner[row])

    def is_alive(self, position: int, now: datetime) -> bool:
        """Whether the traveller has not expired at `now` (UTC)."""
        return bool(self._expiry[position] > now.timestamp())

    def entries(self) -> Iterator[Entry]:
        """Everybody, see `entry`."""
        return (self.entry(position) for position in range(len(self.travellers)))

    def find_document(self, number: str, issuing_state: str) -> Iterator[int]:
        """Who carries the document; an empty issuing state on either side fits any."""

        def fits(document: TravelDocument) -> bool:
            state = document.issuing_state
            return document.number == number and (not issuing_state or not state or state == issuing_state)

        found = dict.fromkeys(self._by_document.get(number, ()))
        return (position for position in found if any(map(fits, self.travellers[position].documents)))

    def expired(self, now: datetime) -> list[int]:
        """Who has expired at `now` (UTC)."""
        if self._nobody_expired(now):
            return []
        return [int(position) for position in np.flatnonzero(self._expiry <= now.timestamp())]

    def unexpired(self, references: Set[str], now: datetime) -> Iterator[str]:
        """Of these references, those in the segment that have not expired at `now` (UTC)."""
        return (r for r in references & self.positions.keys() if self.travellers[self.positions[r]].expires_at > now)

    def alive(self, now: datetime) -> Alive:
        """Of those unexpired at `now` (UTC)."""
        if self._nobody_expired(now):
            return self.everybody
        return self._alive(self._expiry > now.timestamp())

    def lifespan(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The first and the last expiry of those unexpired at `now` (UTC); None when nobody is."""
        positions = np.flatnonzero(self._expiry > now.timestamp())
        if not len(positions):
            return None
        expiries = self._expiry[positions]
        first, last = positions[expiries.argmin()], positions[expiries.argmax()]
        return self.travellers[first].expires_at, self.travellers[last].expires_at

    def _alive(self, unexpired: NDArray[np.bool_]) -> Alive:
        counts = np.diff(self._starts)[unexpired]
        compared = int(np.count_nonzero(counts))
        return Alive(compared, int(counts.sum()), len(counts) - compared)

    def _nobody_expired(self, now: datetime) -> bool:
        return self._first_expiry > now.timestamp()
