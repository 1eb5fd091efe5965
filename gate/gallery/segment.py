"""Some of the travellers of one flight, as an immutable, exactly searched FAISS index.

A flight is a tuple of segments of at most `MAX_ROWS` travellers and as many templates, so that a change copies a
few megabytes at most, and never the whole flight or checkpoint (docs/decisions/0001-one-segment-a-flight.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from gate.gallery.traveller import Candidate, TravelDocument, Traveller
from gate.vision.probe import Embedding

MAX_ROWS = 1024
"""Travellers, and templates, in one segment: building one anew takes about a millisecond, most of which holds up
nobody. Twice as many would take twice as long; half as many would slow searches over a whole checkpoint."""

Rows = NDArray[np.float32]
"""Templates (R, D), L2-normalised."""

NO_ROWS: Rows = np.zeros((0, 0), np.float32)


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


class Segment:
    """Never changes after construction, so any number of threads may search it.

    The index holds the only copy of the templates: when the segment goes, they go.

    Attributes:
        flight: of everybody in it.
        travellers: in the order they came.
        counts: templates of each.
        positions: reference -> where the traveller stands in both.
    """

    __slots__ = (
        "__weakref__",
        "_by_document",
        "_everybody",
        "_expiry",
        "_first_expiry",
        "_index",
        "_most_templates",
        "_owner",
        "_starts",
        "counts",
        "flight",
        "positions",
        "travellers",
    )

    def __init__(self, flight: str, travellers: Sequence[Traveller], counts: Sequence[int], rows: Rows) -> None:
        """
        Args:
            counts: templates of each traveller.
            rows: all their templates, in the same order.
        """
        self.flight = flight
        self.travellers = tuple(travellers)
        self.counts = tuple(counts)
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self._owner = np.repeat(np.arange(len(self.travellers)), counts)
        self._most_templates = max(counts, default=0)
        self._expiry = np.array([traveller.expires_at.timestamp() for traveller in self.travellers])
        self._first_expiry = float(self._expiry.min()) if len(self._expiry) else float("inf")
        self.positions: Mapping[str, int] = {traveller.reference: i for i, traveller in enumerate(self.travellers)}
        self._by_document: dict[str, list[int]] = {}
        for position, traveller in enumerate(self.travellers):
            for document in traveller.documents:
                self._by_document.setdefault(document.number, []).append(position)
        self._everybody = self._alive(np.ones(len(self.travellers), bool))
        self._index: faiss.IndexFlatIP | None = None
        if len(rows):
            self._index = faiss.IndexFlatIP(rows.shape[1])
            self._index.add(rows)

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
        start, end = int(self._starts[position]), int(self._starts[position + 1])
        return Entry(self.travellers[position], self.rows(position, position + 1).copy() if end > start else NO_ROWS)

    def rows(self, start: int, end: int) -> Rows:
        """Templates of the travellers from `start` until `end`: a view that must not outlive the segment."""
        if self._index is None:
            return NO_ROWS
        size = self._index.ntotal * self._index.d
        everything: Rows = faiss.rev_swig_ptr(self._index.get_xb(), size).reshape(-1, self._index.d)
        return everything[int(self._starts[start]) : int(self._starts[end])]

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
            return self._everybody
        return self._alive(self._expiry > now.timestamp())

    def lifespan(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The first and the last expiry of those unexpired at `now` (UTC); None when nobody is."""
        positions = np.flatnonzero(self._expiry > now.timestamp())
        if not len(positions):
            return None
        expiries = self._expiry[positions]
        first, last = positions[expiries.argmin()], positions[expiries.argmax()]
        return self.travellers[first].expires_at, self.travellers[last].expires_at

    def search(self, embedding: Embedding, k: int, now: datetime) -> list[Candidate]:
        """The `k` most similar travellers who have not expired at `now` (UTC), most similar first.

        Args:
            embedding: (D,) float32, L2-normalised.
        """
        if self._index is None:
            return []
        # k travellers are among the first k × T rows, when nobody has more than T of them.
        wanted = min(k * self._most_templates, self.templates)
        similarities, rows = self._index.search(embedding[np.newaxis], wanted, params=self._unexpired(now))
        best: dict[int, float] = {}
        for similarity, row in zip(similarities[0].tolist(), rows[0].tolist(), strict=True):
            if row >= 0:  # FAISS fills up with -1 when the selector leaves fewer
                best.setdefault(int(self._owner[row]), similarity)
        return [Candidate(self.travellers[i], similarity) for i, similarity in list(best.items())[:k]]

    def closer_than(self, embedding: Embedding, similarity: float) -> set[str]:
        """References of everybody, expired or not, who has a template at least that similar."""
        if self._index is None:
            return set()
        # FAISS keeps what is strictly above.
        limit = float(np.nextafter(np.float32(similarity), np.float32(-2)))
        _, _, rows = self._index.range_search(embedding[np.newaxis], limit)
        return {self.travellers[int(self._owner[row])].reference for row in rows}

    def _alive(self, unexpired: NDArray[np.bool_]) -> Alive:
        counts = np.diff(self._starts)[unexpired]
        compared = int(np.count_nonzero(counts))
        return Alive(compared, int(counts.sum()), len(counts) - compared)

    def _unexpired(self, now: datetime) -> faiss.SearchParameters | None:
        if self._nobody_expired(now):
            return None  # the usual case: no selector, and FAISS keeps its fast path
        alive = self._expiry > now.timestamp()
        selector = faiss.IDSelectorBatch(np.flatnonzero(alive[self._owner]).astype(np.int64))
        # FAISS's own stub lacks the keyword; passed this way, the wrapper also keeps `selector` alive.
        return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]

    def _nobody_expired(self, now: datetime) -> bool:
        return self._first_expiry > now.timestamp()
