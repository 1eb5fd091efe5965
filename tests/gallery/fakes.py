"""A gallery as plain as can be: a list, a loop, no index. What the real one is compared with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np

from gate.errors import Code, EnrolmentError, GateError, NotFoundError
from gate.gallery.gallery import MAX_TEMPLATES, Enrolment, GalleryDescription, Removal
from gate.gallery.segment import Entry, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import Candidate, FlightDescription, Traveller
from gate.vision.probe import Embedding, Probe


class LoopSegment(Segment):
    """The same entries, searched one by one."""

    def search(self, embedding: Embedding, k: int, now: datetime) -> list[Candidate]:
        scored = [
            Candidate(entry.traveller, max(float(template @ embedding) for template in entry.templates))
            for entry in self.entries
            if entry.traveller.expires_at > now
        ]
        return sorted(scored, key=lambda candidate: -candidate.similarity)[:k]


class ListGallery:
    """One flat list of (traveller, template), rebuilt whole at every change and filtered at every question."""

    def __init__(self, pack_id: str) -> None:
        self._pack_id = pack_id
        self._rows: list[tuple[Traveller, Probe]] = []
        self._generation = 0

    def snapshot(self) -> Snapshot:
        segments: dict[str, Segment] = {}
        for flight in sorted({traveller.flight for traveller, _ in self._rows}):
            people = dict.fromkeys(t.reference for t, _ in self._rows if t.flight == flight)
            segments[flight] = LoopSegment(flight, [self._entry(flight, reference) for reference in people])
        return Snapshot(self._pack_id, self._generation, segments)

    def enrol(self, traveller: Traveller, template: Probe) -> Enrolment:
        if template.pack_id != self._pack_id:
            raise GateError(Code.PACK_MISMATCH, "another pack's template")

        def mine(row: tuple[Traveller, Probe]) -> bool:
            return (row[0].reference, row[0].flight) == (traveller.reference, traveller.flight)

        own = [template for _, template in filter(mine, self._rows)]
        new = not any(float(known.embedding @ template.embedding) > 0.9999 for known in own)
        if new and len(own) == MAX_TEMPLATES:
            raise EnrolmentError(Code.TEMPLATES_FULL, "full")
        self._rows = [(traveller, row[1]) if mine(row) else row for row in self._rows]
        self._rows += [(traveller, template)] * new
        self._generation += 1
        return Enrolment.ENROLLED if new else Enrolment.ALREADY_ENROLLED

    def withdraw(self, reference: str, flight: str | None) -> Removal:
        removal = self._keep(lambda t: t.reference != reference or flight not in {None, t.flight})
        if not removal.templates:
            raise NotFoundError(Code.TRAVELLER_UNKNOWN, "unknown")
        return removal

    def close_flight(self, flight: str) -> Removal:
        removal = self._keep(lambda t: t.flight != flight)
        if not removal.templates:
            raise NotFoundError(Code.FLIGHT_UNKNOWN, "unknown")
        return removal

    def expire(self, now: datetime) -> Removal:
        return self._keep(lambda t: t.expires_at > now)

    def describe(self, now: datetime, flight: str | None) -> GalleryDescription:
        flights = []
        for name in sorted({t.flight for t, _ in self._rows if flight in {None, t.flight}}):
            rows = [t for t, _ in self._rows if t.flight == name and t.expires_at > now]
            if rows:
                expiries = [t.expires_at for t in rows]
                people = {t.reference for t in rows}
                flights.append(FlightDescription(name, len(people), len(rows), min(expiries), max(expiries)))
        if flight is not None and flight not in {t.flight for t, _ in self._rows}:
            raise NotFoundError(Code.FLIGHT_UNKNOWN, "unknown")
        return GalleryDescription(tuple(flights), self._generation, self._pack_id)

    def _entry(self, flight: str, reference: str) -> Entry:
        rows = [(t, p) for t, p in self._rows if (t.flight, t.reference) == (flight, reference)]
        return Entry(rows[0][0], np.stack([probe.embedding for _, probe in rows]))

    def _keep(self, stays: Callable[[Traveller], bool]) -> Removal:
        gone = [t for t, _ in self._rows if not stays(t)]
        self._rows = [row for row in self._rows if stays(row[0])]
        self._generation += bool(gone)
        people = {(t.flight, t.reference) for t in gone}
        return Removal(len(people), len(gone), 0, self._generation)
