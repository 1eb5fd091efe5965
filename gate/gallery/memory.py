"""A gallery that lives and dies with the process."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np

from gate.clock import Clock, SystemClock
from gate.errors import Code, EnrolmentError, FieldViolation, GateError, NotFoundError
from gate.gallery.gallery import MAX_TEMPLATES, Applied, Change, Enrolment, GalleryDescription
from gate.gallery.receipt import NOTHING, Counts, Place, Receipt, Why
from gate.gallery.revise import Segments, revise
from gate.gallery.segment import Entry, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import FlightDescription, Traveller
from gate.vision.probe import Probe

_SAME_TEMPLATE = 0.9999
"""Similarity from which two templates come from the same photograph: float rounding stays above, re-encoding below."""

_LET_GO_S = 0.25
"""How long a destruction waits for searches that began before it: one takes some 10 ms at most."""

Doomed = Mapping[str, frozenset[str]]
"""Flight -> references to be destroyed."""


class MemoryGallery:
    """See `Gallery`."""

    def __init__(
        self,
        pack_id: str,
        *,
        clock: Clock | None = None,
        lookalike_similarity: float | None = None,
        max_retention: timedelta | None = None,
    ) -> None:
        """
        Args:
            clock: for the times of receipts and the retention cap.
            lookalike_similarity: from which two people's templates are too close to be told apart; None: never.
            max_retention: an expiry further ahead is refused; None: never.
        """
        self._clock = clock or SystemClock()
        self._lookalike_similarity = lookalike_similarity
        self._max_retention = max_retention
        self._writing = threading.Lock()
        self._snapshot = Snapshot(pack_id)

    def snapshot(self) -> Snapshot:
        """See `Gallery`."""
        return self._snapshot

    def enrol(self, traveller: Traveller, template: Probe, photo: bytes | None = None) -> Enrolment:
        """See `Gallery`."""
        del photo
        if template.pack_id != self._snapshot.pack_id:
            raise GateError(
                Code.PACK_MISMATCH,
                f"The gallery is of pack {self._snapshot.pack_id}, the template of pack {template.pack_id}.",
            )
        self._check_retention([traveller])
        with self._writing:
            known = self._known(traveller.reference, traveller.flight)
            entry = _with_template(known, traveller, template)
            added = known is None or len(entry.templates) > len(known.templates)
            if added:
                self._mark_lookalikes(traveller.reference, template)
            self._publish({}, {traveller.flight: {traveller.reference: entry}})
        return Enrolment.ENROLLED if added else Enrolment.ALREADY_ENROLLED

    def apply(self, change: Change) -> Applied:
        """See `Gallery`."""
        self._check_retention(change.put)
        with self._writing:
            doomed = self._who(change.remove)
            receipt = self._destroy(doomed, change.why) if doomed else None
            put, added = self._differing(change.put)
            if put:
                self._publish({}, put)
            generation = self._snapshot.generation
        changed = sum(map(len, put.values()))
        return Applied(added, changed - added, _size(doomed), generation, 0, receipt)

    def withdraw(self, reference: str, flight: str | None, why: Why = Why.WITHDRAWN) -> Receipt:
        """See `Gallery`."""
        with self._writing:
            places = self._snapshot.places(reference, flight)
            doomed = {segment.flight: frozenset({reference}) for segment, _ in places}
            if not doomed:
                raise NotFoundError(Code.TRAVELLER_UNKNOWN, "No traveller of that reference is enrolled there.")
            return self._destroy(doomed, why)

    def close_flight(self, flight: str, why: Why = Why.FLIGHT_CLOSED) -> Receipt:
        """See `Gallery`."""
        with self._writing:
            if flight not in self._snapshot.flights:
                raise NotFoundError(Code.FLIGHT_UNKNOWN, f"Nobody is enrolled for flight {flight!r}.")
            references = [segment.positions for segment in self._snapshot.segments(flight)]
            return self._destroy({flight: frozenset().union(*references)}, why)

    def expire(self, now: datetime, why: Why = Why.EXPIRED) -> tuple[Receipt, ...]:
        """See `Gallery`."""
        with self._writing:
            doomed: dict[str, frozenset[str]] = {}
            for segment in self._snapshot.segments(None):
                expired = frozenset(segment.travellers[position].reference for position in segment.expired(now))
                if expired:
                    doomed[segment.flight] = doomed.get(segment.flight, frozenset()) | expired
            return tuple(self._destroy({flight: who}, why) for flight, who in doomed.items())

    def describe(self, now: datetime, flight: str | None) -> GalleryDescription:
        """See `Gallery`."""
        snapshot = self._snapshot
        if flight is not None and flight not in snapshot.flights:
            raise NotFoundError(Code.FLIGHT_UNKNOWN, f"Nobody is enrolled for flight {flight!r}.")
        names = snapshot.flights if flight is None else [flight]
        described = (_describe(name, snapshot.flights[name], now) for name in names)
        return GalleryDescription(tuple(filter(None, described)), snapshot.generation, snapshot.pack_id)

    def _check_retention(self, travellers: Iterable[Traveller]) -> None:
        if self._max_retention is None:
            return
        now = self._clock.utc()
        for traveller in travellers:
            if traveller.expires_at > now + self._max_retention:
                cap_h = self._max_retention / timedelta(hours=1)
                raise EnrolmentError(
                    Code.EXPIRY_INVALID,
                    f"Expiry must be at most {cap_h:g} h ahead; it is {traveller.expires_at:%FT%TZ}, "
                    f"now is {now:%FT%TZ}.",
                    FieldViolation("traveller.expires_at", f"at most {cap_h:g} h ahead (UTC)"),
                )

    def _known(self, reference: str, flight: str) -> Entry | None:
        return next((segment.entry(position) for segment, position in self._snapshot.places(reference, flight)), None)

    def _who(self, wanted: Iterable[tuple[str, str]]) -> Doomed:
        """Those of the (reference, flight) wanted who are known."""
        doomed: dict[str, set[str]] = {}
        for reference, flight in wanted:
            for segment, _ in self._snapshot.places(reference, flight):
                doomed.setdefault(segment.flight, set()).add(reference)
        return {flight: frozenset(references) for flight, references in doomed.items()}

    def _differing(self, travellers: Iterable[Traveller]) -> tuple[dict[str, dict[str, Entry]], int]:
        """Entries by flight and reference for those who are new or have changed; how many are new."""
        put: dict[str, dict[str, Entry]] = {}
        added = 0
        for traveller in {(t.flight, t.reference): t for t in travellers}.values():
            known = self._known(traveller.reference, traveller.flight)
            added += known is None
            if known is None or known.traveller != traveller:
                entry = replace(known, traveller=traveller) if known else Entry(traveller)
                put.setdefault(traveller.flight, {})[traveller.reference] = entry
        return put, added

    def _mark_lookalikes(self, reference: str, template: Probe) -> None:
        if self._lookalike_similarity is None:
            return
        close: set[str] = set()
        for segment in self._snapshot.segments(None):
            close |= segment.closer_than(template.embedding, self._lookalike_similarity)
        self._snapshot.lookalikes.add(reference, close - {reference})

    def _publish(self, remove: Doomed, put: Mapping[str, Mapping[str, Entry]]) -> tuple[weakref.ref[Segment], ...]:
        """Builds the segments that change, then swaps one reference: the only write a reader can see.

        Returns:
            the segments that are in the snapshot no more.
        """
        flights = dict(self._snapshot.flights)
        retired: list[weakref.ref[Segment]] = []
        for flight in remove.keys() | put.keys():
            before = flights.get(flight, ())
            after = revise(flight, before, remove.get(flight, frozenset()), put.get(flight, {}))
            kept = set(map(id, after))
            retired += [weakref.ref(segment) for segment in before if id(segment) not in kept]
            if after:
                flights[flight] = after
            else:
                del flights[flight]
        self._snapshot = replace(
            self._snapshot, generation=self._snapshot.generation + 1, flights=MappingProxyType(flights)
        )
        return tuple(retired)

    def _destroy(self, doomed: Doomed, why: Why) -> Receipt:
        before = self._count_index(doomed)
        retired = self._publish(doomed, {})
        for reference in frozenset().union(*doomed.values()):
            if not any(self._snapshot.places(reference, None)):
                self._snapshot.lookalikes.forget(reference)
        after = {
            Place.INDEX: self._count_index(doomed),
            Place.MEMORY: _count_memory(retired, doomed),
            Place.STORE: NOTHING,
        }
        return Receipt(
            flight=next(iter(doomed)) if len(doomed) == 1 else None,
            why=why,
            at=self._clock.utc(),
            generation=self._snapshot.generation,
            before=MappingProxyType({Place.INDEX: before, Place.MEMORY: before, Place.STORE: NOTHING}),
            after=MappingProxyType(after),
        )

    def _count_index(self, doomed: Doomed) -> Counts:
        return _count((s for flight in doomed for s in self._snapshot.segments(flight)), doomed)


def _with_template(known: Entry | None, traveller: Traveller, template: Probe) -> Entry:
    row = template.embedding[np.newaxis].astype(np.float32)
    if known is None:
        return Entry(traveller, row)
    if traveller.particulars is None:
        traveller = replace(traveller, particulars=known.traveller.particulars)
    if not len(known.templates):
        return Entry(traveller, row)
    if float((known.templates @ template.embedding).max()) >= _SAME_TEMPLATE:
        return Entry(traveller, known.templates)
    if len(known.templates) >= MAX_TEMPLATES:
        raise EnrolmentError(
            Code.TEMPLATES_FULL, f"The traveller already has {MAX_TEMPLATES} templates, the most allowed."
        )
    return Entry(traveller, np.concatenate([known.templates, row]))


def _describe(flight: str, segments: Segments, now: datetime) -> FlightDescription | None:
    expiries = [t.expires_at for segment in segments for t in segment.travellers if t.expires_at > now]
    if not expiries:
        return None
    alive = [segment.alive(now) for segment in segments]
    return FlightDescription(
        flight,
        travellers=len(expiries),
        templates=sum(templates for _, templates, _ in alive),
        first_expiry=min(expiries),
        last_expiry=max(expiries),
        without_template=sum(bare for _, _, bare in alive),
    )


def _size(doomed: Doomed) -> int:
    return sum(map(len, doomed.values()))


def _count(segments: Iterable[Segment], doomed: Doomed) -> Counts:
    found = [s.counts[s.positions[r]] for s in segments for r in s.positions.keys() & doomed[s.flight]]
    return Counts(travellers=len(found), templates=sum(found))


def _count_memory(retired: Iterable[weakref.ref[Segment]], doomed: Doomed) -> Counts:
    """Who is still in segments that something refers to, after searches that began before had time to end."""
    deadline_s = time.monotonic() + _LET_GO_S
    while time.monotonic() < deadline_s and any(reference() is not None for reference in retired):
        time.sleep(0.001)
    return _count((segment for reference in retired if (segment := reference()) is not None), doomed)
