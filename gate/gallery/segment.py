"""The travellers of one flight, as an immutable, exactly searched FAISS index.

A gallery is cut by flight because its life is: travellers come and go with their flight, so a change rebuilds
some hundred rows and never the whole checkpoint (docs/decisions/0002-one-segment-a-flight.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import faiss
import numpy as np
from numpy.typing import NDArray

from gate.gallery.traveller import Candidate, Traveller
from gate.vision.probe import Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One traveller with their templates (T, D), T ≥ 1, rows L2-normalised."""

    traveller: Traveller
    templates: NDArray[np.float32]


class Segment:
    """One flight's entries. Never changes after construction, so any number of threads may search it."""

    def __init__(self, flight: str, entries: Iterable[Entry]) -> None:
        """
        Raises:
            ValueError: no entries, or entries of different dimension.
        """
        self.flight = flight
        self.entries = tuple(entries)
        rows = np.concatenate([entry.templates for entry in self.entries])
        counts = [len(entry.templates) for entry in self.entries]
        self._owner = np.repeat(np.arange(len(self.entries)), counts)
        self._expiry = np.array([entry.traveller.expires_at.timestamp() for entry in self.entries])
        self._first_expiry = float(self._expiry.min())
        self._most_templates = max(counts)
        self._index = faiss.IndexFlatIP(rows.shape[1])
        self._index.add(rows)

    @property
    def templates(self) -> int:
        """Templates held."""
        return int(self._index.ntotal)

    def alive(self, now: datetime) -> tuple[int, int]:
        """Travellers, and their templates, that have not expired at `now` (UTC)."""
        if self._nobody_expired(now):
            return len(self.entries), self.templates
        alive = self._expiry > now.timestamp()
        return int(alive.sum()), int(alive[self._owner].sum())

    def search(self, embedding: Embedding, k: int, now: datetime) -> list[Candidate]:
        """The `k` most similar travellers who have not expired at `now` (UTC), most similar first.

        Args:
            embedding: (D,) float32, L2-normalised.
        """
        # k travellers are among the first k × T rows, when nobody has more than T of them.
        wanted = min(k * self._most_templates, self.templates)
        similarities, rows = self._index.search(embedding[np.newaxis], wanted, params=self._unexpired(now))
        best: dict[int, float] = {}
        for similarity, row in zip(similarities[0].tolist(), rows[0].tolist(), strict=True):
            if row >= 0:  # FAISS fills up with -1 when the selector leaves fewer
                best.setdefault(int(self._owner[row]), similarity)
        return [Candidate(self.entries[i].traveller, similarity) for i, similarity in list(best.items())[:k]]

    def _unexpired(self, now: datetime) -> faiss.SearchParameters | None:
        if self._nobody_expired(now):
            return None  # the usual case: no selector, and FAISS keeps its fast path
        alive = self._expiry > now.timestamp()
        selector = faiss.IDSelectorBatch(np.flatnonzero(alive[self._owner]).astype(np.int64))
        # FAISS's own stub lacks the keyword; passed this way, the wrapper also keeps `selector` alive.
        return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]

    def _nobody_expired(self, now: datetime) -> bool:
        return self._first_expiry > now.timestamp()
