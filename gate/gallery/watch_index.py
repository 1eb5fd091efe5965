"""The people of the watch list and their templates at one moment, searched exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

import numpy as np

from gate.gallery.axes import Rows, inner_products
from gate.gallery.receipt import Counts
from gate.gallery.templates import NO_ROWS
from gate.gallery.watched import Watched
from gate.vision.probe import Embedding


class WatchIndex:
    """Never changes after construction, so any number of threads may search it.

    Attributes:
        people: in the order they came.
        positions: reference -> where the person stands.
    """

    __slots__ = ("__weakref__", "_expiry", "_owner", "_rows", "_starts", "people", "positions")

    def __init__(self, people: Sequence[Watched], counts: Sequence[int], rows: Rows) -> None:
        """
        Args:
            counts: templates of each person; 0 where another model pack made them.
            rows: all their templates, in the same order.
        """
        self.people = tuple(people)
        self.positions = {person.reference: position for position, person in enumerate(self.people)}
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self._owner = np.repeat(np.arange(len(self.people)), counts)
        self._expiry = np.array([person.expires_at.timestamp() for person in self.people])[self._owner]
        self._rows = rows

    @classmethod
    def of(cls, entries: Iterable[tuple[Watched, Rows]]) -> Self:
        """People with their templates (T, D)."""
        known = list(entries)
        return cls([person for person, _ in known], [len(rows) for _, rows in known], _joined(r for _, r in known))

    @property
    def templates(self) -> int:
        """Templates held, expired or not."""
        return len(self._owner)

    def rows(self, reference: str) -> Rows:
        """A person's templates; a view that must not outlive the index."""
        position = self.positions.get(reference)
        return NO_ROWS if position is None else self._rows[self._starts[position] : self._starts[position + 1]]

    def putting(self, person: Watched, new: Rows) -> Self:
        """With one person more, or with that person's list, expiry and further templates changed."""
        counts = np.diff(self._starts).tolist()
        position = self.positions.get(person.reference)
        if position is None:
            return type(self)([*self.people, person], [*counts, len(new)], _joined([self._rows, new]))
        end = int(self._starts[position + 1])
        people = [*self.people[:position], person, *self.people[position + 1 :]]
        counts[position] += len(new)
        return type(self)(people, counts, _joined([self._rows[:end], new, self._rows[end:]]))

    def without(self, references: frozenset[str]) -> Self:
        """Without some people; shares no memory with this one."""
        stays = np.array([person.reference not in references for person in self.people], bool)
        people = [person for person, kept in zip(self.people, stays, strict=True) if kept]
        return type(self)(people, np.diff(self._starts)[stays].tolist(), self._rows[stays[self._owner]])

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
        similarities = np.where(alive, inner_products(self._rows, embedding), -2.0)
        best = int(similarities.argmax())
        return self.people[self._owner[best]], float(similarities[best]), int(alive.sum())


def _joined(parts: Iterable[Rows]) -> Rows:
    filled = [part for part in parts if len(part)]
    return np.concatenate(filled) if filled else NO_ROWS
