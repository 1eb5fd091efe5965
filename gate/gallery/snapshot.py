"""The gallery at one moment: an immutable value that a passage can search while the next one is being built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate
from types import MappingProxyType

from gate.errors import Code, GateError
from gate.fingerprint.template import FingerTemplate
from gate.gallery.axes import AS_THEY_ARE, Axes, Rows
from gate.gallery.group import LARGE, Groups
from gate.gallery.hands import NO_HANDS, Hands
from gate.gallery.lookalikes import Lookalikes
from gate.gallery.nearest import Found, closer_than, nearest
from gate.gallery.segment import Alive, Entry, Segment
from gate.gallery.templates import Templates
from gate.gallery.traveller import Candidate, Candidates
from gate.vision.probe import Embedding, Probe


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Every flight's segments, as of one generation.

    Attributes:
        pack_id: the model pack that made every template.
        generation: counts the gallery's changes.
        flights: flight -> its segments.
        lookalikes: marks between references; those of nobody in the snapshot have no effect.
        hands: fingers, of those who have any enrolled.
        axes: on which every template is kept.
        groups: of the flights' segments, by whose codes large galleries are searched; none where there are no axes.
    """

    pack_id: str
    generation: int = 0
    flights: Mapping[str, tuple[Segment, ...]] = field(default_factory=lambda: MappingProxyType({}))
    lookalikes: Lookalikes = field(default_factory=Lookalikes)
    hands: Hands = field(default_factory=lambda: NO_HANDS)
    axes: Axes = AS_THEY_ARE
    groups: Groups = ()

    def search(self, probe: Probe, now: datetime, *, flight: str | None = None, k: int = 5) -> Candidates:
        """1:N: the `k` most similar travellers, unexpired at `now` (UTC), of one flight or of all.

        Raises:
            GateError: PACK_MISMATCH, when another pack made the probe.
        """
        self._check_pack(probe)
        segments, groups = self._searched(flight)
        alive = Alive.together(part.alive(now) for part in groups or segments)
        found = nearest(segments, groups, self.axes.turn(probe.embedding), k, now)
        ranked = tuple(self._marked(candidate, now, flight) for candidate in self._told(found, probe.embedding))
        return Candidates(ranked, alive.travellers, alive.templates, self.generation, alive.without_template)

    def closer_than(self, probe: Probe, similarity: float) -> frozenset[tuple[str, str]]:
        """(Reference, flight) of everybody, expired or not, who has a template at least that similar."""
        return frozenset(closer_than(*self._searched(None), self.axes.turn(probe.embedding), similarity))

    def compare(self, probe: Probe, claimed: tuple[Entry, ...], now: datetime) -> Candidates:
        """1:1, or 1:few: similarities with the claimed; `claimed` as `find_document` or `find_reference` gave it.

        Raises:
            GateError: PACK_MISMATCH, when another pack made the probe.
        """
        self._check_pack(probe)
        alive = [entry for entry in claimed if entry.traveller.expires_at > now]
        compared = [entry for entry in alive if len(entry.templates)]
        names = {entry.traveller.reference for entry in compared}
        ranked = sorted(
            (
                Candidate(
                    entry.traveller,
                    _best(entry.templates, probe.embedding),
                    frozenset(names & self.lookalikes.of(entry.traveller.reference)),
                )
                for entry in compared
            ),
            key=lambda candidate: -candidate.similarity,
        )
        comparisons = sum(len(entry.templates) for entry in compared)
        bare = len(alive) - len(compared)
        return Candidates(tuple(ranked), len(names), comparisons, self.generation, bare)

    def find_document(self, number: str, issuing_state: str, now: datetime, flight: str | None) -> tuple[Entry, ...]:
        """Unexpired entries that carry the document; an empty issuing state on either side fits any."""
        return tuple(
            segment.entry(position)
            for segment in self.segments(flight)
            for position in segment.find_document(number, issuing_state)
            if segment.travellers[position].expires_at > now
        )

    def find_reference(self, reference: str, now: datetime, flight: str | None) -> tuple[Entry, ...]:
        """Unexpired entries of the traveller, one a flight."""
        return tuple(
            segment.entry(position)
            for segment, position in self.places(reference, flight)
            if segment.travellers[position].expires_at > now
        )

    def fingers(self, reference: str, flight: str) -> tuple[FingerTemplate, ...]:
        """The fingers of a traveller, expired or not, in the order in which they were enrolled; empty without any.

        They are unpacked anew: take them when they are compared, and let go of them afterwards.
        """
        return tuple(kept.template for kept in self.hands.get(flight, {}).get(reference, ()))

    def places(self, reference: str, flight: str | None) -> Iterator[tuple[Segment, int]]:
        """Where the traveller stands, expired or not, one a flight."""
        for segment in self.segments(flight):
            position = segment.positions.get(reference)
            if position is not None:
                yield segment, position

    def segments(self, flight: str | None) -> Iterator[Segment]:
        """Of one flight, or of all."""
        scope = self.flights.values() if flight is None else [self.flights.get(flight, ())]
        return (segment for segments in scope for segment in segments)

    def _searched(self, flight: str | None) -> tuple[list[Segment], Groups]:
        """What a search goes through: groups where there are enough people for them to be worth it, else segments."""
        if flight is None:
            groups = self.groups if sum(map(len, self.groups)) >= LARGE else ()
        else:
            groups = tuple(group for group in self.groups if group.flight == flight)
        return [] if groups else list(self.segments(flight)), groups

    def _told(self, found: Sequence[Found], embedding: Embedding) -> list[Candidate]:
        """Similarities in the embedding's own numbers, bit for bit as a comparison with the claimed tells them."""
        parts = [place.segment.part(place.position, place.position + 1) for place in found]
        rows = Templates.joined(parts, self.axes).rows()
        ends = accumulate(map(len, parts))
        told = [
            Candidate(place.segment.travellers[place.position], _best(rows[end - len(part) : end], embedding))
            for place, part, end in zip(found, parts, ends, strict=True)
        ]
        return sorted(told, key=lambda candidate: -candidate.similarity)

    def _marked(self, candidate: Candidate, now: datetime, flight: str | None) -> Candidate:
        names = self.lookalikes.of(candidate.traveller.reference)
        if not names:
            return candidate
        return replace(candidate, lookalikes=frozenset(n for n in names if self._is_expected(n, now, flight)))

    def _is_expected(self, reference: str, now: datetime, flight: str | None) -> bool:
        return any(s.travellers[p].expires_at > now and s.counts[p] for s, p in self.places(reference, flight))

    def _check_pack(self, probe: Probe) -> None:
        if probe.pack_id != self.pack_id:
            raise GateError(
                Code.PACK_MISMATCH,
                f"The gallery's templates are of pack {self.pack_id}, the probe is of pack {probe.pack_id}.",
            )


def _best(templates: Rows, embedding: Embedding) -> float:
    return float((templates @ embedding).max())
