"""A gallery as plain as can be: a list, a loop, no index. What the real one is compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from gate.errors import Code, EnrolmentError, GateError, NotFoundError
from gate.fingerprint.packed import pack
from gate.fingerprint.template import FingerTemplate
from gate.gallery.gallery import MAX_TEMPLATES, Applied, Change, Enrolment, GalleryDescription
from gate.gallery.hands import MAX_FINGERS, MAX_VIEWS, Hand, Hands, Kept
from gate.gallery.lookalikes import Lookalikes
from gate.gallery.receipt import NOTHING, Counts, Place, Receipt, Why
from gate.gallery.revise import revise
from gate.gallery.segment import Entry
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import Candidate, Candidates, FlightDescription, Traveller
from gate.vision.probe import Probe


class StandingClock:
    """Stands still until set."""

    def __init__(self, now: datetime) -> None:
        self.seconds = 100.0
        self.now = now

    def monotonic(self) -> float:
        return self.seconds

    def utc(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)


class LoopSnapshot(Snapshot):
    """The same entries, searched one by one."""

    def search(self, probe: Probe, now: datetime, *, flight: str | None = None, k: int = 5) -> Candidates:
        self._check_pack(probe)
        alive = [
            entry
            for segment in self.segments(flight)
            for entry in segment.entries()
            if entry.traveller.expires_at > now
        ]
        scored = [
            Candidate(entry.traveller, max(float(template @ probe.embedding) for template in entry.templates))
            for entry in alive
            if len(entry.templates)
        ]
        best = sorted(scored, key=lambda candidate: -candidate.similarity)[:k]
        ranked = tuple(self._marked(candidate, now, flight) for candidate in best)
        comparisons = sum(len(entry.templates) for entry in alive)
        return Candidates(ranked, len(scored), comparisons, self.generation, len(alive) - len(scored))


class ListGallery:
    """One flat list of people with their templates, rebuilt whole at every change and filtered at every question."""

    def __init__(self, pack_id: str, lookalike_similarity: float | None = None) -> None:
        self._pack_id = pack_id
        self._lookalike_similarity = lookalike_similarity
        self._people: list[tuple[Traveller, list[Probe]]] = []
        self._fingers: dict[tuple[str, str], list[FingerTemplate]] = {}
        self._generation = 0

    def snapshot(self) -> Snapshot:
        flights = {
            flight: revise(
                flight,
                (),
                frozenset(),
                {
                    t.reference: Entry(t, np.array([p.embedding for p in templates], np.float32))
                    for t, templates in self._people
                    if t.flight == flight
                },
            )
            for flight in dict.fromkeys(t.flight for t, _ in self._people)
        }
        return LoopSnapshot(self._pack_id, self._generation, flights, self._lookalikes(), self._hands())

    def _hands(self) -> Hands:
        hands: dict[str, dict[str, Hand]] = {}
        for (reference, flight), fingers in self._fingers.items():
            hands.setdefault(flight, {})[reference] = tuple(Kept(pack(finger)) for finger in fingers)
        return hands

    def pseudonym(self, reference: str, flight: str) -> str:
        return f"{reference} of {flight}"

    def enrol(self, traveller: Traveller, template: Probe, photo: bytes | None = None) -> Enrolment:
        del photo
        if template.pack_id != self._pack_id:
            raise GateError(Code.PACK_MISMATCH, "another pack's template")
        own = self._templates(traveller)
        new = not any(float(known.embedding @ template.embedding) > 0.9999 for known in own)
        if new and len(own) == MAX_TEMPLATES:
            raise EnrolmentError(Code.TEMPLATES_FULL, "full")
        known = next((t for t, _ in self._people if _same(t, traveller)), None)
        if known is not None and traveller.particulars is None:
            traveller = replace(traveller, particulars=known.particulars)
        self._put(traveller, [*own, template] if new else own)
        self._generation += 1
        return Enrolment.ENROLLED if new else Enrolment.ALREADY_ENROLLED

    def enrol_finger(self, reference: str, flight: str, finger: FingerTemplate) -> Enrolment:
        if not any((t.reference, t.flight) == (reference, flight) for t, _ in self._people):
            raise NotFoundError(Code.TRAVELLER_UNKNOWN, "unknown")
        own = self._fingers.setdefault((reference, flight), [])
        if any(pack(known) == pack(finger) for known in own):
            self._generation += 1
            return Enrolment.ALREADY_ENROLLED
        of_one_extractor = [known for known in own if known.extractor == finger.extractor]
        of_one_finger = [known for known in of_one_extractor if known.finger == finger.finger]
        if len(of_one_extractor) == MAX_FINGERS or len(of_one_finger) == MAX_VIEWS:
            raise EnrolmentError(Code.TEMPLATES_FULL, "full")
        own.append(finger)
        self._generation += 1
        return Enrolment.ENROLLED

    def apply(self, change: Change) -> Applied:
        removed = self._keep(lambda t: (t.reference, t.flight) not in change.remove, change.why)
        added = updated = 0
        for traveller in {(t.flight, t.reference): t for t in change.put}.values():
            known = next((t for t, _ in self._people if _same(t, traveller)), None)
            added += known is None
            updated += known is not None and known != traveller
            self._put(traveller, self._templates(traveller))
        self._generation += bool(added or updated)
        receipt = removed if removed.travellers else None
        return Applied(added, updated, removed.travellers, self._generation, 0, receipt)

    def withdraw(self, reference: str, flight: str | None, why: Why = Why.WITHDRAWN) -> Receipt:
        receipt = self._keep(lambda t: t.reference != reference or flight not in {None, t.flight}, why)
        if not receipt.travellers:
            raise NotFoundError(Code.TRAVELLER_UNKNOWN, "unknown")
        return receipt

    def close_flight(self, flight: str, why: Why = Why.FLIGHT_CLOSED) -> Receipt:
        receipt = self._keep(lambda t: t.flight != flight, why)
        if not receipt.travellers:
            raise NotFoundError(Code.FLIGHT_UNKNOWN, "unknown")
        return receipt

    def expire(self, now: datetime, why: Why = Why.EXPIRED) -> tuple[Receipt, ...]:
        flights = dict.fromkeys(t.flight for t, _ in self._people if t.expires_at <= now)

        def stays(flight: str) -> Callable[[Traveller], bool]:
            return lambda t: t.flight != flight or t.expires_at > now

        return tuple(self._keep(stays(flight), why) for flight in flights)

    def describe(self, now: datetime, flight: str | None) -> GalleryDescription:
        if flight is not None and flight not in {t.flight for t, _ in self._people}:
            raise NotFoundError(Code.FLIGHT_UNKNOWN, "unknown")
        flights = []
        for name in dict.fromkeys(t.flight for t, _ in self._people if flight in {None, t.flight}):
            people = [(t, p) for t, p in self._people if t.flight == name and t.expires_at > now]
            if people:
                expiries = [t.expires_at for t, _ in people]
                templates = sum(len(p) for _, p in people)
                bare = sum(not p for _, p in people)
                fingers = sum(len(self._fingers.get((t.reference, name), ())) for t, _ in people)
                flights.append(
                    FlightDescription(name, len(people), templates, min(expiries), max(expiries), bare, fingers)
                )
        return GalleryDescription(tuple(flights), self._generation, self._pack_id)

    def _templates(self, traveller: Traveller) -> list[Probe]:
        return next((templates for t, templates in self._people if _same(t, traveller)), [])

    def _put(self, traveller: Traveller, templates: list[Probe]) -> None:
        if any(_same(t, traveller) for t, _ in self._people):
            self._people = [(traveller, templates) if _same(t, traveller) else (t, p) for t, p in self._people]
        else:
            self._people = [*self._people, (traveller, templates)]

    def _lookalikes(self) -> Lookalikes:
        marks = Lookalikes()
        for i, (one, own) in enumerate(self._people):
            for other, theirs in self._people[:i]:
                close = max((float(a.embedding @ b.embedding) for a in own for b in theirs), default=-1)
                limit = self._lookalike_similarity
                if one.reference != other.reference and limit is not None and close >= limit:
                    marks.add(one.reference, [other.reference])
        return marks

    def _keep(self, stays: Callable[[Traveller], bool], why: Why) -> Receipt:
        gone = [(t, p) for t, p in self._people if not stays(t)]
        self._people = [(t, p) for t, p in self._people if stays(t)]
        self._generation += bool(gone)
        flights = {t.flight for t, _ in gone}
        fingers = sum(len(self._fingers.pop((t.reference, t.flight), ())) for t, _ in gone)
        before = Counts(len(gone), sum(len(p) for _, p in gone), fingers=fingers)
        return Receipt(
            next(iter(flights)) if len(flights) == 1 else None,
            why,
            datetime(2026, 11, 22, 12).astimezone(),
            self._generation,
            {Place.INDEX: before, Place.MEMORY: before, Place.STORE: NOTHING},
            dict.fromkeys(Place, NOTHING),
        )


def _same(one: Traveller, other: Traveller) -> bool:
    return (one.reference, one.flight) == (other.reference, other.flight)
