"""The gallery: who is expected here, and for how long. One protocol, and its in-memory implementation."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

import numpy as np

from gate.errors import Code, EnrolmentError, GateError, NotFoundError
from gate.gallery.segment import Entry, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import FlightDescription, Traveller
from gate.vision.probe import Probe

MAX_TEMPLATES = 8
"""Templates a traveller may have. More photographs stop helping, and each one is another chance of a false match."""

_SAME_TEMPLATE = 0.9999
"""Similarity from which two templates come from the same photograph: float rounding stays above, re-encoding below."""


class Enrolment(enum.StrEnum):
    """What an enrolment did."""

    ENROLLED = "enrolled"
    ALREADY_ENROLLED = "already_enrolled"


@dataclass(frozen=True, slots=True)
class Removal:
    """What was removed, and the generation that no longer holds it. `remaining` is counted again afterwards."""

    travellers: int
    templates: int
    remaining: int
    generation: int


@dataclass(frozen=True, slots=True)
class GalleryDescription:
    """Who is expected, in numbers."""

    flights: tuple[FlightDescription, ...]
    generation: int
    pack_id: str

    @property
    def travellers(self) -> int:
        """Travellers over all flights listed."""
        return sum(flight.travellers for flight in self.flights)

    @property
    def templates(self) -> int:
        """Templates over all flights listed."""
        return sum(flight.templates for flight in self.flights)


class Gallery(Protocol):
    """Who is expected. Writers take turns; readers take a `Snapshot` and never wait."""

    def snapshot(self) -> Snapshot:
        """The gallery as it is now. Take a new one for each search."""
        ...

    def enrol(self, traveller: Traveller, template: Probe) -> Enrolment:
        """Adds a template; the traveller's expiry and documents become those given. Idempotent.

        Raises:
            EnrolmentError: TEMPLATES_FULL.
            GateError: PACK_MISMATCH.
        """
        ...

    def withdraw(self, reference: str, flight: str | None) -> Removal:
        """Removes a traveller from one flight or from all; unfindable when this returns.

        Raises:
            NotFoundError: TRAVELLER_UNKNOWN.
        """
        ...

    def close_flight(self, flight: str) -> Removal:
        """Removes every traveller of a flight.

        Raises:
            NotFoundError: FLIGHT_UNKNOWN.
        """
        ...

    def expire(self, now: datetime) -> Removal:
        """Removes every traveller whose time is up at `now` (UTC)."""
        ...

    def describe(self, now: datetime, flight: str | None) -> GalleryDescription:
        """Counts the travellers unexpired at `now` (UTC).

        Raises:
            NotFoundError: FLIGHT_UNKNOWN, when a flight is named and not known.
        """
        ...


class MemoryGallery:
    """A gallery that lives and dies with the process."""

    def __init__(self, pack_id: str) -> None:
        self._writing = threading.Lock()
        self._snapshot = Snapshot(pack_id)

    def snapshot(self) -> Snapshot:
        """See `Gallery`."""
        return self._snapshot

    def enrol(self, traveller: Traveller, template: Probe) -> Enrolment:
        """See `Gallery`."""
        if template.pack_id != self._snapshot.pack_id:
            raise GateError(
                Code.PACK_MISMATCH,
                f"The gallery is of pack {self._snapshot.pack_id}, the template of pack {template.pack_id}.",
            )
        with self._writing:
            entries = self._entries(traveller.flight)
            known = entries.get(traveller.reference)
            entries[traveller.reference] = entry = _with_template(known, traveller, template)
            self._publish({traveller.flight: entries})
        added = known is None or len(entry.templates) > len(known.templates)
        return Enrolment.ENROLLED if added else Enrolment.ALREADY_ENROLLED

    def withdraw(self, reference: str, flight: str | None) -> Removal:
        """See `Gallery`."""

        def withdrawn(entry: Entry) -> bool:
            return entry.traveller.reference == reference and flight in {None, entry.traveller.flight}

        removal = self._remove(withdrawn)
        if not removal.travellers:
            raise NotFoundError(Code.TRAVELLER_UNKNOWN, "No traveller of that reference is enrolled there.")
        return removal

    def close_flight(self, flight: str) -> Removal:
        """See `Gallery`."""
        removal = self._remove(lambda entry: entry.traveller.flight == flight)
        if not removal.travellers:
            raise NotFoundError(Code.FLIGHT_UNKNOWN, f"Nobody is enrolled for flight {flight!r}.")
        return removal

    def expire(self, now: datetime) -> Removal:
        """See `Gallery`."""
        return self._remove(lambda entry: entry.traveller.expires_at <= now)

    def describe(self, now: datetime, flight: str | None) -> GalleryDescription:
        """See `Gallery`."""
        snapshot = self._snapshot
        if flight is not None and flight not in snapshot.segments:
            raise NotFoundError(Code.FLIGHT_UNKNOWN, f"Nobody is enrolled for flight {flight!r}.")
        flights = []
        for segment in snapshot.segments.values():
            expiries = [e.traveller.expires_at for e in segment.entries if e.traveller.expires_at > now]
            if expiries and flight in {None, segment.flight}:
                travellers, templates = segment.alive(now)
                flights.append(FlightDescription(segment.flight, travellers, templates, min(expiries), max(expiries)))
        return GalleryDescription(tuple(flights), snapshot.generation, snapshot.pack_id)

    def _entries(self, flight: str) -> dict[str, Entry]:
        segment = self._snapshot.segments.get(flight)
        return {entry.traveller.reference: entry for entry in segment.entries} if segment else {}

    def _publish(self, changed: dict[str, dict[str, Entry]]) -> None:
        """Builds the changed flights' segments, then swaps one reference: the only write a reader can see."""
        segments = dict(self._snapshot.segments)
        for flight, entries in changed.items():
            if entries:
                segments[flight] = Segment(flight, entries.values())
            else:
                segments.pop(flight, None)
        self._snapshot = replace(
            self._snapshot, generation=self._snapshot.generation + 1, segments=MappingProxyType(segments)
        )

    def _remove(self, gone: Callable[[Entry], bool]) -> Removal:
        with self._writing:
            removed: list[Entry] = []
            changed: dict[str, dict[str, Entry]] = {}
            for flight, segment in self._snapshot.segments.items():
                leaving = [entry for entry in segment.entries if gone(entry)]
                if leaving:
                    removed += leaving
                    changed[flight] = {e.traveller.reference: e for e in segment.entries if not gone(e)}
            if changed:
                self._publish(changed)
            after = self._snapshot
        remaining = sum(len(e.templates) for s in after.segments.values() for e in s.entries if gone(e))
        return Removal(len(removed), sum(len(e.templates) for e in removed), remaining, after.generation)


def _with_template(known: Entry | None, traveller: Traveller, template: Probe) -> Entry:
    row = template.embedding[np.newaxis].astype(np.float32)
    if known is None:
        return Entry(traveller, row)
    if float((known.templates @ template.embedding).max()) >= _SAME_TEMPLATE:
        return Entry(traveller, known.templates)
    if len(known.templates) >= MAX_TEMPLATES:
        raise EnrolmentError(
            Code.TEMPLATES_FULL, f"The traveller already has {MAX_TEMPLATES} templates, the most allowed."
        )
    return Entry(traveller, np.concatenate([known.templates, row]))
