"""The gallery: who is expected here, and for how long. The protocol, and what goes in and comes out."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from gate.audit.event import Fact as Fact  # noqa: PLC0414 -- passed on to whoever writes a `Change`
from gate.fingerprint.template import FingerTemplate
from gate.gallery.journeys import JourneyBook
from gate.gallery.receipt import Receipt, Why
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import FlightDescription, Traveller
from gate.vision.probe import Probe

MAX_TEMPLATES = 8
"""Templates a traveller may have. More photographs stop helping, and each one is another chance of a false match."""


class Enrolment(enum.StrEnum):
    """What an enrolment did."""

    ENROLLED = "enrolled"
    ALREADY_ENROLLED = "already_enrolled"


@dataclass(frozen=True, slots=True)
class Change:
    """What one message of a manifest does to the gallery: all of it, or nothing.

    Attributes:
        put: who is expected from now on. Somebody new has no template yet; who is known (same reference and
            flight) gets these documents, this expiry and these particulars, and keeps templates and fingers.
        remove: (reference, flight) of who is expected no more; who is not known is passed over. Removed before
            anybody is put.
        why: they are removed.
        facts: for the journal's entry of the load (`gate.audit.event.FACTS`); added, updated, removed and generation
            are filled in.
    """

    put: tuple[Traveller, ...] = ()
    remove: tuple[tuple[str, str], ...] = ()
    why: Why = Why.CANCELLED
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Applied:
    """What a change did. A change applied twice adds, updates and removes nobody the second time.

    Attributes:
        added, updated, removed: travellers; an update that alters nothing is not counted.
        generation: of the first snapshot that shows it.
        journal_position: of the load's journal entry, from 1; 0 without a journal.
        receipt: for those removed; None when nobody was.
    """

    added: int
    updated: int
    removed: int
    generation: int
    journal_position: int = 0
    receipt: Receipt | None = None


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

    @property
    def fingers(self) -> int:
        """Fingers over all flights listed."""
        return sum(flight.fingers for flight in self.flights)

    @property
    def without_template(self) -> int:
        """Travellers without a template, over all flights listed."""
        return sum(flight.without_template for flight in self.flights)


class Gallery(Protocol):
    """Who is expected. Writers take turns; readers take a `Snapshot` and never wait.

    What a writing call did is durable, where the gallery is, when the call returns. Every writing call may also
    raise `StorageFault` where there is a store: additions are then not visible, removals are.
    """

    def snapshot(self) -> Snapshot:
        """The gallery as it is now. Take a new one for each search, and let go of it afterwards."""
        ...

    @property
    def journeys(self) -> JourneyBook:
        """What those who are expected have passed on their way; forgotten with them."""
        ...

    def pseudonym(self, reference: str, flight: str) -> str:
        """The traveller's name in the audit journal; empty for a flight that is not known (any more)."""
        ...

    def enrol(self, traveller: Traveller, template: Probe, photo: bytes | None = None) -> Enrolment:
        """Adds a template; the traveller's expiry and documents become those given. Idempotent.

        Particulars known before are kept where `traveller` has none.

        Args:
            photo: kept, sealed, until the traveller goes, where the gallery is set to keep photographs.

        Raises:
            EnrolmentError: TEMPLATES_FULL; EXPIRY_INVALID, when the expiry is beyond the retention cap.
            GateError: PACK_MISMATCH.
            EngineFault: INFERENCE_FAILED, when the template is none that the pack can make.
        """
        ...

    def enrol_finger(self, reference: str, flight: str, finger: FingerTemplate) -> Enrolment:
        """Adds a finger to a traveller who is expected. Idempotent.

        Raises:
            NotFoundError: TRAVELLER_UNKNOWN.
            EnrolmentError: TEMPLATES_FULL, see `gate.gallery.hands`.
        """
        ...

    def apply(self, change: Change) -> Applied:
        """Applies a message: removes, adds and updates travellers at once, or changes nothing.

        Raises:
            EnrolmentError: EXPIRY_INVALID, when an expiry is beyond the retention cap.
        """
        ...

    def withdraw(self, reference: str, flight: str | None, why: Why = Why.WITHDRAWN) -> Receipt:
        """Removes a traveller from one flight or from all; unfindable when this returns.

        Raises:
            NotFoundError: TRAVELLER_UNKNOWN.
        """
        ...

    def close_flight(self, flight: str, why: Why = Why.FLIGHT_CLOSED) -> Receipt:
        """Removes every traveller of a flight.

        Raises:
            NotFoundError: FLIGHT_UNKNOWN.
        """
        ...

    def expire(self, now: datetime, why: Why = Why.EXPIRED) -> tuple[Receipt, ...]:
        """Removes every traveller whose time is up at `now` (UTC); a receipt a flight."""
        ...

    def describe(self, now: datetime, flight: str | None) -> GalleryDescription:
        """Counts the travellers unexpired at `now` (UTC).

        Raises:
            NotFoundError: FLIGHT_UNKNOWN, when a flight is named and not known.
        """
        ...
