"""The people of the watch list and their templates at one moment, searched exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from gate.gallery.receipt import Counts
from gate.gallery.segment import NO_ROWS, Rows
from gate.gallery.watched import Watched
from gate.vision.probe import Embedding


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """One person with their templates (T, D); T is 0 where another model pack made them."""

    person: Watched
    rows: Rows = field(default_factory=lambda: NO_ROWS, repr=False)


class WatchIndex:
    """People and their templates. Never changes after construction, so any number of threads may search it."""

    __slots__ = ("__weakref__", "_expiry", "_owner", "_rows", "_starts", "people", "positions")

    def __init__(self, entries: Sequence[WatchEntry]) -> None:
        self.people = tuple(entry.person for entry in entries)
        self.positions = {person.reference: position for position, person in enumerate(self.people)}
        counts = [len(entry.rows) for entry in entries]
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self._owner = np.repeat(np.arange(len(entries)), counts)
        filled = [entry.rows for entry in entries if len(entry.rows)]
        self._rows = np.concatenate(filled) if filled else NO_ROWS
        self._expiry = np.array([person.expires_at.timestamp() for person in self.people])[self._owner]

    @property
    def templates(self) -> int:
        """Templates held, expired or not."""
        return len(self._owner)

    def entry(self, position: int) -> WatchEntry:
        """One person with a copy of their templates."""
        start, end = int(self._starts[position]), int(self._starts[position + 1])
        return WatchEntry(self.people[position], self._rows[start:end].copy() if end > start else NO_ROWS)

    def without_template(self) -> list[Watched]:
        """Who cannot be found with this model pack."""
        return [self.people[position] for position in np.flatnonzero(np.diff(self._starts) == 0)]

    def counts(self, references: frozenset[str]) -> Counts:
        """How many of these people, and of their templates, are here."""
        positions = [self.positions[reference] for reference in references & self.positions.keys()]
        templates = int(np.diff(self._starts)[positions].sum()) if positions else 0
        return Counts(travellers=len(positions), templates=templates)

    def nearest(self, embedding: Embedding, now: datetime) -> tuple[Watched, float, int] | None:
        """The most similar unexpired person, how similar, and among how many templates."""
        alive = self._expiry > now.timestamp()
        if not alive.any():
            return None
        similarities = np.where(alive, self._rows @ embedding, -2.0)
        best = int(similarities.argmax())
        return self.people[self._owner[best]], float(similarities[best]), int(alive.sum())
