"""A gallery that lives and dies with the process, and the order in which any gallery changes.

Additions are written down before they are visible. Removals are invisible before they are written down; when that
fails they stay invisible, and every later change and sweep tries again first.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import structlog

from gate.audit.event import Event, EventKind
from gate.audit.journal import Journal
from gate.clock import Clock, ClockStep, GuardedClock, SystemClock
from gate.errors import Code, EnrolmentError, FieldViolation, GateError, NotFoundError, StorageFault
from gate.fingerprint.template import FingerTemplate
from gate.gallery.axes import AS_THEY_ARE, Axes
from gate.gallery.changes import described, differing, expired, known_entry, successor, who, with_template
from gate.gallery.destruction import Destruction, Doomed, alive, count, count_memory, flight_fact, let_go
from gate.gallery.gallery import Applied, Change, Enrolment, GalleryDescription
from gate.gallery.hands import Hand, grown, watched, with_hand
from gate.gallery.hands import count as count_fingers
from gate.gallery.journeys import JourneyBook
from gate.gallery.keeper import Addition, Keeper, Unkept
from gate.gallery.life import ClockAlarms, clock_event
from gate.gallery.receipt import Counts, Receipt, Why, together
from gate.gallery.segment import Entry, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import Traveller
from gate.vision.probe import Probe

_log = structlog.get_logger(__name__)


class MemoryGallery:
    """See `Gallery`."""

    def __init__(
        self,
        pack_id: str,
        *,
        journal: Journal | None = None,
        keeper: Keeper | None = None,
        clock: Clock | None = None,
        alarms: ClockAlarms | None = None,
        lookalike_similarity: float | None = None,
        max_retention: timedelta | None = None,
        axes: Axes = AS_THEY_ARE,
    ) -> None:
        """
        Args:
            journal: of the engine; a keeper brings its own.
            keeper: where changes are written down; None: nowhere.
            clock: for the times of receipts and the retention cap.
            alarms: of the clock, to be recorded at the sweeps.
            lookalike_similarity: from which two people's templates are too close to be told apart; None: never.
            max_retention: an expiry further ahead is refused; None: never.
            axes: of the pack, on which templates are kept.
        """
        self._keeper: Keeper = keeper or Unkept(journal, lambda *who: self._known(*who) is not None)
        self._clock = clock or SystemClock()
        self._alarms = alarms or ClockAlarms()
        self._lookalike_similarity = lookalike_similarity
        self._max_retention = max_retention
        self._writing = threading.Lock()
        self._snapshot = Snapshot(pack_id, axes=axes)
        self._overdue: list[Destruction] = []
        self._late: list[Receipt] = []
        self._traces_bytes = 0

    def snapshot(self) -> Snapshot:
        """See `Gallery`."""
        return self._snapshot

    @property
    def journeys(self) -> JourneyBook:
        """See `Gallery`."""
        return self._keeper.journeys

    def pseudonym(self, reference: str, flight: str) -> str:
        """See `Gallery`."""
        return self._keeper.pseudonym(flight, reference)

    def enrol(self, traveller: Traveller, template: Probe, photo: bytes | None = None) -> Enrolment:
        """See `Gallery`."""
        if template.pack_id != self._snapshot.pack_id:
            raise GateError(
                Code.PACK_MISMATCH,
                f"The gallery is of pack {self._snapshot.pack_id}, the template of pack {template.pack_id}.",
            )
        self._snapshot.axes.turn_rows(template.embedding[np.newaxis])  # refuses before anything is written
        self._check_retention([traveller])
        with self._writing:
            self._settle_earlier()
            known = self._known(traveller.reference, traveller.flight)
            entry = with_template(known, traveller, template)
            ordinal = len(known.templates) if known else 0
            if len(entry.templates) == ordinal:
                self._write_enrolment(Addition(entry.traveller), Enrolment.ALREADY_ENROLLED, ordinal)
                result = Enrolment.ALREADY_ENROLLED
            else:
                close = self._lookalikes(traveller.reference, template)
                addition = Addition(entry.traveller, template.embedding, ordinal, template.pack_id, photo, close)
                self._write_enrolment(addition, Enrolment.ENROLLED, ordinal + 1)
                self._snapshot.lookalikes.add(traveller.reference, {reference for reference, _ in close})
                result = Enrolment.ENROLLED
            self._publish({}, {traveller.flight: {traveller.reference: entry}})
        return result

    def enrol_finger(self, reference: str, flight: str, finger: FingerTemplate) -> Enrolment:
        """See `Gallery`."""
        with self._writing:
            self._settle_earlier()
            if not any(self._snapshot.places(reference, flight)):
                raise NotFoundError(
                    Code.TRAVELLER_UNKNOWN, "No traveller of that reference is expected on that flight."
                )
            known = self._snapshot.hands.get(flight, {}).get(reference, ())
            hand = grown(known, finger)
            result = Enrolment.ALREADY_ENROLLED if hand is known else Enrolment.ENROLLED
            self._write_finger(reference, flight, hand, result)
            self._snapshot = replace(
                self._snapshot,
                generation=self._snapshot.generation + 1,
                hands=with_hand(self._snapshot.hands, flight, reference, hand),
            )
        return result

    def apply(self, change: Change) -> Applied:
        """See `Gallery`."""
        self._check_retention(change.put)
        with self._writing:
            self._settle_earlier()
            doomed = who(self._snapshot, change.remove)
            put, added = differing(self._snapshot, change.put, doomed)
            changed, removed = sum(map(len, put.values())), sum(map(len, doomed.values()))
            generation = self._snapshot.generation + bool(doomed) + bool(put)
            numbers = {"added": added, "updated": changed - added, "removed": removed, "generation": generation}
            event = Event(EventKind.LOAD, self._clock.utc(), {**change.facts, **numbers})
            self._overdue += self._vanish(doomed, change.why)
            receipts, position = self._write(event, put)
            if put:
                self._publish({}, put)
        receipt = together(receipts) if receipts else None
        return Applied(added, changed - added, removed, generation, position, receipt)

    def withdraw(self, reference: str, flight: str | None, why: Why = Why.WITHDRAWN) -> Receipt:
        """See `Gallery`."""
        with self._writing:
            doomed = {s.flight: frozenset({reference}) for s, _ in self._snapshot.places(reference, flight)}
            if not doomed:
                self._settle_earlier()
                raise NotFoundError(Code.TRAVELLER_UNKNOWN, "No traveller of that reference is enrolled there.")
            return self._destroy(doomed, why)

    def close_flight(self, flight: str, why: Why = Why.FLIGHT_CLOSED) -> Receipt:
        """See `Gallery`."""
        with self._writing:
            if flight not in self._snapshot.flights:
                self._settle_earlier()
                raise NotFoundError(Code.FLIGHT_UNKNOWN, f"Nobody is enrolled for flight {flight!r}.")
            references = [segment.positions for segment in self._snapshot.segments(flight)]
            return self._destroy({flight: frozenset().union(*references)}, why)

    def expire(self, now: datetime, why: Why = Why.EXPIRED) -> tuple[Receipt, ...]:
        """See `Gallery`."""
        with self._writing:
            steps = self._alarms.take()
            if any(step.seconds > 0 for step in steps):
                why = Why.CLOCK_STEP
            self._overdue += self._vanish(expired(self._snapshot, now), why)
            try:
                self._settle_earlier()
                self._note_time(steps)
            except StorageFault:
                self._alarms.put_back(steps)
                raise
            receipts, self._late = tuple(self._late), []
            return receipts

    def describe(self, now: datetime, flight: str | None) -> GalleryDescription:
        """See `Gallery`."""
        snapshot = self._snapshot
        if flight is not None and flight not in snapshot.flights:
            raise NotFoundError(Code.FLIGHT_UNKNOWN, f"Nobody is enrolled for flight {flight!r}.")
        return described(snapshot, now, flight)

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
        return known_entry(self._snapshot, reference, flight)

    def _lookalikes(self, reference: str, template: Probe) -> frozenset[tuple[str, str]]:
        """(Reference, flight) of others whose templates are too close to this one."""
        if self._lookalike_similarity is None:
            return frozenset()
        return frozenset(
            (other, flight)
            for other, flight in self._snapshot.closer_than(template, self._lookalike_similarity)
            if other != reference
        )

    def _publish(self, remove: Doomed, put: Mapping[str, Mapping[str, Entry]]) -> tuple[weakref.ref[Segment], ...]:
        """Builds the segments that change, then swaps one reference: the only write a reader can see.

        Returns:
            the segments that are in the snapshot no more.
        """
        self._snapshot, retired = successor(self._snapshot, remove, put)
        return retired

    def _destroy(self, doomed: Doomed, why: Why) -> Receipt:
        self._overdue += self._vanish(doomed, why)
        receipts = self._settle()
        self._late += receipts[: -len(doomed)]
        return together(receipts[-len(doomed) :])

    def _vanish(self, doomed: Doomed, why: Why) -> list[Destruction]:
        """Makes them unfindable, and gives searches that began before a moment to end; a destruction a flight."""
        if not doomed:
            return []
        at = self._clock.utc()
        before = {flight: self._count(flight, doomed) for flight in doomed}
        fingers = watched(self._snapshot.hands, doomed)
        retired = self._publish(doomed, {})
        for reference in frozenset().union(*doomed.values()):
            marks = self._snapshot.lookalikes
            if marks.of(reference) and not any(self._snapshot.places(reference, None)):
                marks.forget(reference)
        let_go([*retired, *(finger for of in fingers.values() for finger in of)])
        return [
            Destruction(
                flight=flight,
                references=references,
                whole=flight not in self._snapshot.flights,
                why=why,
                at=at,
                generation=self._snapshot.generation,
                traveller=self._keeper.pseudonym(flight, next(iter(references))) if len(references) == 1 else "",
                index_before=before[flight],
                index_after=self._count(flight, doomed),
                memory_after=count_memory(retired, flight, doomed) + Counts(fingers=alive(fingers[flight])),
            )
            for flight, references in doomed.items()
        ]

    def _count(self, flight: str, doomed: Doomed) -> Counts:
        fingers = count_fingers(self._snapshot.hands, flight, doomed[flight])
        return count(self._snapshot.segments(flight), doomed) + Counts(fingers=fingers)

    def _settle_earlier(self) -> None:
        """Before anything new: destructions that are due still. Their receipts come with the next sweep."""
        self._late += self._settle()

    def _settle(self) -> list[Receipt]:
        """Writes down the destructions that are due, if any; those of earlier calls come first."""
        if not self._overdue:
            return []
        receipts, _ = self._write(None, {})
        return receipts

    def _write(self, event: Event | None, put: Mapping[str, Mapping[str, Entry]]) -> tuple[list[Receipt], int]:
        """Destructions that are due, additions and the journal's entry, all in one transaction."""
        position = 0
        due = self._overdue
        try:
            with self._keeper.writing(self._clock.utc()) as ledger:
                for destruction in due:
                    destruction.write(ledger)
                ledger.put(Addition(entry.traveller) for entries in put.values() for entry in entries.values())
                if event is not None:
                    position = ledger.record(event)
        except StorageFault as fault:
            _log.error("gallery_not_written", code=fault.code, destructions_overdue=len(due))
            raise
        self._overdue = []
        if due:
            self._erase_traces()
        receipts = [d.receipt(self._keeper, put.get(d.flight, {}).keys(), self._traces_bytes) for d in due]
        for receipt in receipts:
            if not receipt.complete:
                left = {place.value: counts.travellers for place, counts in receipt.after.items()}
                _log.warning("destruction_incomplete", why=receipt.why, traces_bytes=self._traces_bytes, **left)
        return receipts, position

    def _erase_traces(self) -> None:
        try:
            self._traces_bytes = self._keeper.erase_traces()
        except StorageFault as fault:  # what was to be deleted is deleted; the next sweep empties the log
            _log.error("traces_not_erased", code=fault.code)
            self._traces_bytes = -1

    def _write_enrolment(self, addition: Addition, result: Enrolment, templates: int) -> None:
        traveller = addition.traveller
        at = self._clock.utc()
        with self._keeper.writing(at) as ledger:
            ledger.put([addition])
            facts = {
                "flight": flight_fact(traveller.flight),
                "traveller": ledger.pseudonym(traveller.flight, traveller.reference),
                "result": result.value,
                "templates": templates,
                "pack": self._snapshot.pack_id,
                "generation": self._snapshot.generation + 1,
                "lookalikes": len({reference for reference, _ in addition.lookalikes}),
            }
            ledger.record(Event(EventKind.ENROLMENT, at, facts))

    def _write_finger(self, reference: str, flight: str, hand: Hand, result: Enrolment) -> None:
        at = self._clock.utc()
        with self._keeper.writing(at) as ledger:
            if result is Enrolment.ENROLLED:
                ledger.put_finger(flight, reference, len(hand) - 1, hand[-1])
            facts = {
                "flight": flight_fact(flight),
                "traveller": ledger.pseudonym(flight, reference),
                "result": result.value,
                "fingers": len(hand),
                "generation": self._snapshot.generation + 1,
            }
            ledger.record(Event(EventKind.ENROLMENT, at, facts))

    def _note_time(self, steps: tuple[ClockStep, ...]) -> None:
        """Records what the clock did, and how late it is."""
        if self._traces_bytes:
            self._erase_traces()
        if isinstance(self._clock, GuardedClock) and not self._snapshot.flights:
            self._clock.anchor()
            steps += self._alarms.take()
        at = self._clock.utc()
        if not steps:
            self._keeper.note_time(at)
            return
        with self._keeper.writing(at) as ledger:
            for step in steps:
                ledger.record(clock_event(step))
