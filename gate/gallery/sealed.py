"""A gallery that survives the process: the same, with a sealed store behind it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

import structlog

from gate.audit.event import Event, EventKind
from gate.audit.journal import SealedJournal
from gate.clock import Clock
from gate.errors import InputError
from gate.fingerprint.packed import read_extractor
from gate.gallery.axes import AS_THEY_ARE, Axes
from gate.gallery.changes import grouped
from gate.gallery.hands import Hand
from gate.gallery.life import ClockAlarms
from gate.gallery.memory import MemoryGallery
from gate.gallery.receipt import Receipt
from gate.gallery.revise import Segments, built
from gate.gallery.store import SealedStore, Stored
from gate.gallery.templates import Templates
from gate.storage.database import Database
from gate.vision.probe import Probe

_log = structlog.get_logger(__name__)

Progress = Callable[[str, int, int], None]
"""Told what is being done (``open`` flights, ``embed`` photographs), how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restart brought back.

    Attributes:
        flights, travellers, templates: that are served again.
        receipts: for those who had expired meanwhile.
        embedded: photographs that were embedded again, because their templates are of another model pack.
        fingers: templates of fingers that are served again, by extractor.
        to_enrol: (reference, flight) of travellers whose templates are of another pack and whose photographs were not
            kept, or not usable any more: expected, but without a template until they are enrolled again.
    """

    flights: int
    travellers: int
    templates: int
    receipts: tuple[Receipt, ...]
    embedded: int
    to_enrol: tuple[tuple[str, str], ...]
    fingers: Mapping[str, int]


class SealedGallery(MemoryGallery):
    """See `Gallery`. Call `restore` once before anything else."""

    def __init__(
        self,
        pack_id: str,
        database: Database,
        journal: SealedJournal,
        *,
        keep_photos: bool = False,
        clock: Clock | None = None,
        alarms: ClockAlarms | None = None,
        lookalike_similarity: float | None = None,
        max_retention: timedelta | None = None,
        axes: Axes = AS_THEY_ARE,
    ) -> None:
        """
        Args:
            database: opened to write; closed by who opened it.
            journal: of the same database.
            keep_photos: photographs are kept, sealed, until their traveller goes, for a change of model pack.
            clock, alarms, lookalike_similarity, max_retention, axes: as for `MemoryGallery`.

        Raises:
            StorageFault: SEAL_BROKEN, DISK_FULL, DISK_FAILED.
        """
        self._store = SealedStore(database, journal, keep_photos=keep_photos)
        super().__init__(
            pack_id,
            keeper=self._store,
            clock=clock,
            alarms=alarms,
            lookalike_similarity=lookalike_similarity,
            max_retention=max_retention,
            axes=axes,
        )

    def restore(self, embed: Callable[[bytes], Probe] | None = None, progress: Progress | None = None) -> Restored:
        """Brings back whom the store has, and destroys who has expired.

        Args:
            embed: makes a template of a kept photograph, where the pack has changed; it may raise `InputError` for
                one that cannot be used.
            progress: told how far it is.

        Raises:
            StorageFault: SEAL_BROKEN, DISK_FULL, DISK_FAILED; JOURNAL_BROKEN.
        """
        tell = progress or (lambda _what, _done, _of: None)
        with _without_collections():
            stale = self._open_all(tell)
        receipts = self.expire(self._clock.utc())
        with self._writing:
            self._erase_traces()  # of a destruction after which the process was cut off
        stale = [(reference, flight) for reference, flight in stale if self._known(reference, flight)]
        embedded, to_enrol = self._embed_again(stale, embed, tell)
        if stale:
            self._report_pack_change(embedded, len(to_enrol))
        segments = list(self._snapshot.segments(None))
        return Restored(
            len(self._snapshot.flights),
            sum(len(segment.travellers) for segment in segments),
            sum(segment.templates for segment in segments),
            receipts,
            embedded,
            to_enrol,
            Counter(
                read_extractor(kept.packed)
                for hands in self._snapshot.hands.values()
                for hand in hands.values()
                for kept in hand
            ),
        )

    def _open_all(self, tell: Progress) -> list[tuple[str, str]]:
        """Publishes everybody; (reference, flight) of those whose templates are of another pack only."""
        flights: dict[str, Segments] = {}
        hands: dict[str, Mapping[str, Hand]] = {}
        stale: list[tuple[str, str]] = []
        with self._writing:
            count, axes = self._store.flight_count, self._snapshot.axes
            for stored in self._store.load(self._snapshot.pack_id):
                if stored.travellers:
                    held = Templates.of(stored.rows, axes)
                    flights[stored.flight] = built(stored.flight, stored.travellers, stored.counts, held)
                if stored.hands:
                    hands[stored.flight] = MappingProxyType(stored.hands)
                stale += _stale(stored)
                tell("open", len(flights), count)
            self._snapshot = replace(
                self._snapshot,
                generation=self._snapshot.generation + 1,
                flights=MappingProxyType(flights),
                groups=grouped(flights) if axes.mixed else (),
                hands=MappingProxyType(hands),
            )
            for one, other in self._store.lookalikes(self._everybody()):
                self._snapshot.lookalikes.add(one, [other])
        return stale

    def _everybody(self) -> Iterator[tuple[str, str]]:
        segments = self._snapshot.segments(None)
        return ((traveller.reference, segment.flight) for segment in segments for traveller in segment.travellers)

    def _embed_again(
        self, stale: list[tuple[str, str]], embed: Callable[[bytes], Probe] | None, tell: Progress
    ) -> tuple[int, tuple[tuple[str, str], ...]]:
        embedded = 0
        to_enrol: list[tuple[str, str]] = []
        for done, (reference, flight) in enumerate(stale, 1):
            photos = self._store.photos(flight, reference) if embed is not None else ()
            usable = 0
            for photo in photos:
                entry = self._known(reference, flight)
                if entry is None or embed is None:
                    break
                try:
                    self.enrol(entry.traveller, embed(photo))
                    usable += 1
                except InputError as error:
                    _log.warning("photo_not_embedded", code=error.code)
            embedded += usable
            if not usable:
                to_enrol.append((reference, flight))
            tell("embed", done, len(stale))
        return embedded, tuple(to_enrol)

    def _report_pack_change(self, embedded: int, to_enrol: int) -> None:
        _log.warning("pack_changed", embedded=embedded, to_enrol=to_enrol)
        at = self._clock.utc()
        with self._writing, self._keeper.writing(at) as ledger:
            for what, count in (("photographs embedded again", embedded), ("travellers to enrol again", to_enrol)):
                ledger.record(Event(EventKind.REPAIRED, at, {"what": what, "count": count}))


@contextmanager
def _without_collections() -> Iterator[None]:
    """Leaves out of Python's garbage collections what is made meanwhile.

    Some 100,000 records live for hours; walking them stops every thread for 90 ms, and finds nothing: they refer to
    each other in no circles, so they go as soon as nobody refers to them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if enabled:
            gc.enable()


def _stale(stored: Stored) -> Iterator[tuple[str, str]]:
    return ((t.reference, stored.flight) for t in stored.travellers if t.reference in stored.stale)
