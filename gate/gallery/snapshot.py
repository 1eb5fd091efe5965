"""The gallery at one moment: an immutable value that a passage can search while the next one is being built."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from gate.errors import Code, GateError
from gate.gallery.segment import Entry, Segment
from gate.gallery.traveller import Candidate, Candidates
from gate.vision.probe import Embedding, Probe


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Every flight's segment, as of one generation.

    Attributes:
        pack_id: the model pack that made every template.
        generation: counts the gallery's changes.
        segments: flight -> segment.
    """

    pack_id: str
    generation: int = 0
    segments: Mapping[str, Segment] = field(default_factory=lambda: MappingProxyType({}))

    def search(self, probe: Probe, now: datetime, *, flight: str | None = None, k: int = 5) -> Candidates:
        """1:N: the `k` most similar travellers, unexpired at `now` (UTC), of one flight or of all.

        Raises:
            GateError: PACK_MISMATCH, when another pack made the probe.
        """
        self._check_pack(probe)
        found: list[Candidate] = []
        travellers = comparisons = 0
        for segment in self._scope(flight):
            alive, templates = segment.alive(now)
            travellers += alive
            comparisons += templates
            if alive:
                found += segment.search(probe.embedding, k, now)
        ranked = tuple(heapq.nlargest(k, found, key=lambda candidate: candidate.similarity))
        return Candidates(ranked, travellers, comparisons, self.generation)

    def compare(self, probe: Probe, claimed: tuple[Entry, ...], now: datetime) -> Candidates:
        """1:1: the claimed traveller's similarity; `claimed` as `find_document` or `find_reference` gave it.

        Raises:
            GateError: PACK_MISMATCH, when another pack made the probe.
        """
        self._check_pack(probe)
        alive = [entry for entry in claimed if entry.traveller.expires_at > now]
        ranked = sorted(
            (Candidate(entry.traveller, _best(entry, probe.embedding)) for entry in alive),
            key=lambda candidate: -candidate.similarity,
        )
        return Candidates(
            tuple(ranked), min(len(alive), 1), sum(len(entry.templates) for entry in alive), self.generation
        )

    def find_document(self, number: str, issuing_state: str, now: datetime, flight: str | None) -> tuple[Entry, ...]:
        """Unexpired entries that carry the document; an empty issuing state on either side fits any."""
        return tuple(
            entry
            for entry in self._entries(flight, now)
            if any(
                document.number == number
                and (not issuing_state or not document.issuing_state or document.issuing_state == issuing_state)
                for document in entry.traveller.documents
            )
        )

    def find_reference(self, reference: str, now: datetime, flight: str | None) -> tuple[Entry, ...]:
        """Unexpired entries of the traveller, one a flight."""
        return tuple(entry for entry in self._entries(flight, now) if entry.traveller.reference == reference)

    def _entries(self, flight: str | None, now: datetime) -> Iterator[Entry]:
        for segment in self._scope(flight):
            yield from (entry for entry in segment.entries if entry.traveller.expires_at > now)

    def _scope(self, flight: str | None) -> list[Segment]:
        if flight is None:
            return list(self.segments.values())
        return [self.segments[flight]] if flight in self.segments else []

    def _check_pack(self, probe: Probe) -> None:
        if probe.pack_id != self.pack_id:
            raise GateError(
                Code.PACK_MISMATCH,
                f"The gallery's templates are of pack {self.pack_id}, the probe is of pack {probe.pack_id}.",
            )


def _best(entry: Entry, embedding: Embedding) -> float:
    return float((entry.templates @ embedding).max())
