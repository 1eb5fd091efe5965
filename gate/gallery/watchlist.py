"""The watch list: people whom officers want to see. Its own index, keys and expiry, apart from who is expected.

Somebody on it is not expected because of it, and is never found by a search for travellers. Who is on it is known under
the opaque reference of the authority that put them there, and in the journal under a pseudonym.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import defaultdict
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import structlog

from gate.audit.event import Event, EventKind, Fact
from gate.clock import Clock
from gate.errors import Code, EnrolmentError, FieldViolation, GateError, NotFoundError
from gate.gallery.gallery import MAX_TEMPLATES, Enrolment
from gate.gallery.receipt import NOTHING, Counts, Place, Receipt, Why
from gate.gallery.templates import NO_ROWS
from gate.gallery.watch_index import WatchIndex
from gate.gallery.watch_store import UnkeptWatchList, WatchKeeper, WatchWrite
from gate.gallery.watched import Watched, WatchedCount, WatchListDescription
from gate.vision.probe import Probe

_log = structlog.get_logger(__name__)

MOST_TEMPLATES = 20_000
"""On the whole list: 40 MB at 512 numbers a template, and some 5 ms a look."""

LONGEST = timedelta(days=31)
"""An expiry further ahead is refused: whoever keeps somebody on the list says so again."""

_SAME_TEMPLATE = 0.9999
"""See `gate.gallery.memory`."""

_LET_GO_S = 0.25


class Nearest(NamedTuple):
    """Who on the list a probe resembles most.

    Attributes:
        similarity: [-1, 1].
        comparisons: templates compared with, unexpired.
        pseudonym: of the person, for the journal.
    """

    similarity: float
    comparisons: int
    pseudonym: str


class WatchList:
    """Writers take turns; searches never wait. Every writing call may raise `StorageFault`.

    As in the gallery, additions are written down before they are found, and removals are not found any more before they
    are written down.

    Args:
        pack_id: of the model pack that is loaded.
        clock: guarded against being set back.
        keeper: where it is written down; None: nowhere, and nothing is journalled.

    Raises:
        StorageFault: what was written down cannot be opened.
    """

    def __init__(self, pack_id: str, clock: Clock, keeper: WatchKeeper | None = None) -> None:
        self.pack_id = pack_id
        self._clock = clock
        self._keeper = keeper or UnkeptWatchList(None)
        self._writing = threading.Lock()
        self._generation = 0
        self._overdue: frozenset[str] = frozenset()
        self._index = WatchIndex.of(self._keeper.load(pack_id))
        if stale := self._stale(self._clock.utc()):
            _log.warning("watch_list_to_enrol_again", people=stale)

    def nearest(self, probe: Probe, now: datetime) -> Nearest | None:
        """Who on the list, unexpired at `now` (UTC), is most like the probe; None when nobody is on it.

        Raises:
            GateError: PACK_MISMATCH, when another pack made the probe.
        """
        self._check_pack(probe)
        found = self._index.nearest(probe.embedding, now)
        if found is None:
            return None
        person, similarity, comparisons = found
        return Nearest(similarity, comparisons, self._keeper.pseudonym(person.reference))

    def enrol(self, person: Watched, template: Probe) -> Enrolment:
        """Adds a template; the person's list and expiry become those given. Idempotent.

        Raises:
            EnrolmentError: EXPIRY_INVALID; TEMPLATES_FULL, of the person or of the list.
            GateError: PACK_MISMATCH.
        """
        self._check_pack(template)
        self._check_expiry(person)
        with self._writing:
            self._settle_earlier()
            known = self._index.rows(person.reference)
            row = template.embedding[np.newaxis].astype(np.float32)
            same = bool(len(known)) and float((known @ template.embedding).max()) >= _SAME_TEMPLATE
            if not same:
                self._check_room(len(known))
            result = Enrolment.ALREADY_ENROLLED if same else Enrolment.ENROLLED
            at = self._clock.utc()
            count = len(known) + (not same)
            facts: dict[str, Fact] = {"result": result.value, "list": person.list_name, "templates": count}
            new = None if same else row[0]
            self._keeper.put(person, new, len(known), self.pack_id, lambda name: _event(at, name, facts))
            self._publish(self._index.putting(person, NO_ROWS if same else row))
        return result

    def withdraw(self, reference: str, why: Why = Why.WITHDRAWN) -> Receipt:
        """Destroys what is held of a person; not found any more when this returns.

        Raises:
            NotFoundError: TRAVELLER_UNKNOWN.
        """
        with self._writing:
            if reference not in self._index.positions:
                raise NotFoundError(Code.TRAVELLER_UNKNOWN, "Nobody of that reference is on the watch list.")
            return self._destroy(frozenset({reference}), why)

    def expire(self, now: datetime) -> Receipt | None:
        """Destroys whose time is up at `now` (UTC), and what could not be written down before; None: nobody."""
        with self._writing:
            gone = frozenset(person.reference for person in self._index.people if person.expires_at <= now)
            return self._destroy(gone, Why.EXPIRED) if gone or self._overdue else None

    def describe(self, now: datetime) -> WatchListDescription:
        """Counts those unexpired at `now` (UTC)."""
        index = self._index
        lists: defaultdict[str, list[Watched]] = defaultdict(list)
        for person in index.people:
            if person.expires_at > now:
                lists[person.list_name].append(person)
        counted = tuple(
            WatchedCount(
                name,
                len(people),
                index.counts(frozenset(person.reference for person in people)).templates,
                min(person.expires_at for person in people),
                max(person.expires_at for person in people),
            )
            for name, people in sorted(lists.items())
        )
        return WatchListDescription(counted, self._stale(now), self.pack_id)

    def _settle_earlier(self) -> None:
        """Before anything new: what was destroyed in memory and could not be written down."""
        if self._overdue:
            self._destroy(frozenset(), Why.WITHDRAWN)

    def _destroy(self, references: frozenset[str], why: Why) -> Receipt:
        at, before = self._clock.utc(), self._index.counts(references)
        lists = {p.list_name for p in self._index.people if p.reference in references}
        names = [self._keeper.pseudonym(reference) for reference in references]
        memory, whole = self._vanish(references)
        self._overdue |= references

        def event(written: WatchWrite) -> Event:
            facts: dict[str, Fact] = {
                "why": why.value,
                "list": next(iter(lists)) if len(lists) == 1 else "several",
                "complete": memory == NOTHING and written.after == NOTHING,
                "travellers_before": max(before.travellers, written.before.travellers),
                "templates_before": max(before.templates, written.before.templates),
                "keys_before": written.before.keys,
            }
            return Event(EventKind.DESTRUCTION, at, facts | ({"traveller": names[0]} if len(names) == 1 else {}))

        written = self._keeper.remove(self._overdue, whole, event)
        self._overdue = frozenset()
        return Receipt(
            flight=None,
            why=why,
            at=at,
            generation=self._generation,
            before=MappingProxyType({Place.INDEX: before, Place.MEMORY: before, Place.STORE: written.before}),
            after=MappingProxyType({Place.INDEX: NOTHING, Place.MEMORY: memory, Place.STORE: written.after}),
            journal_position=written.position,
            traces_bytes=written.traces_bytes,
        )

    def _vanish(self, references: frozenset[str]) -> tuple[Counts, bool]:
        """Makes people unfindable; what of them is still in memory after a moment, and whether nobody is left."""
        retired = weakref.ref(self._index)
        self._publish(self._index.without(references))
        deadline_s = time.monotonic() + _LET_GO_S
        while retired() is not None and time.monotonic() < deadline_s:
            time.sleep(0.001)
        left = retired()
        return (NOTHING if left is None else left.counts(references)), not self._index.people

    def _publish(self, index: WatchIndex) -> None:
        self._index = index
        self._generation += 1

    def _stale(self, now: datetime) -> int:
        return sum(person.expires_at > now for person in self._index.without_template())

    def _check_pack(self, probe: Probe) -> None:
        if probe.pack_id != self.pack_id:
            raise GateError(
                Code.PACK_MISMATCH, f"The watch list is of pack {self.pack_id}, the probe is of pack {probe.pack_id}."
            )

    def _check_expiry(self, person: Watched) -> None:
        now = self._clock.utc()
        if not now < person.expires_at <= now + LONGEST:
            raise EnrolmentError(
                Code.EXPIRY_INVALID,
                f"Expiry must be in the future and at most {LONGEST.days} days ahead; "
                f"it is {person.expires_at:%FT%TZ}, now is {now:%FT%TZ}.",
                FieldViolation("expires_at", f"after now, at most {LONGEST.days} days ahead (UTC)"),
            )

    def _check_room(self, known: int) -> None:
        if known >= MAX_TEMPLATES:
            raise EnrolmentError(
                Code.TEMPLATES_FULL, f"The person already has {MAX_TEMPLATES} templates, the most allowed."
            )
        if self._index.templates >= MOST_TEMPLATES:
            raise EnrolmentError(
                Code.TEMPLATES_FULL, f"The watch list has {MOST_TEMPLATES} templates, the most allowed."
            )


def _event(at: datetime, pseudonym: str, facts: dict[str, Fact]) -> Event:
    return Event(EventKind.ENROLMENT, at, {**facts, "traveller": pseudonym})
