"""Where a gallery writes down what it must not forget: additions, deletions, and the journal's entries with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from gate.audit.event import Event
from gate.audit.journal import Journal
from gate.audit.pseudonym import pseudonym
from gate.gallery.hands import Kept
from gate.gallery.journeys import JourneyBook, MemoryJourneys
from gate.gallery.receipt import NOTHING, Counts, Place
from gate.gallery.traveller import Traveller
from gate.storage.seal import Seal, new_key
from gate.vision.probe import Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Addition:
    """Somebody to be written down, new or changed.

    Attributes:
        template: a new one; None when there is none.
        ordinal: of the template among the traveller's, from 0.
        pack_id: of the template.
        photo: it was made from.
        lookalikes: (reference, flight) of those whose templates are too close to it.
    """

    traveller: Traveller
    template: Embedding | None = None
    ordinal: int = 0
    pack_id: str = ""
    photo: bytes | None = field(default=None, repr=False)
    lookalikes: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted, and what would show that it is still there. Names may come back in the same change: a flight
    that somebody is put on again has another number and another data key, and a traveller put again another row.

    Attributes:
        whole: everything of the flight was to go, its data key too.
        before, after: counted around it, before anything else was written.
        number: of the flight in the store; 0 where nothing was stored of it.
        tags: of the travellers in the store, by reference; none where the flight went whole.
        key: the flight's data key as it was stored, wrapped; empty where it was to stay.
    """

    whole: bool = False
    before: Counts = NOTHING
    after: Counts = NOTHING
    number: int = 0
    tags: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    key: bytes = field(default=b"", repr=False)


class Ledger(Protocol):
    """One change, while it is being written."""

    def put(self, additions: Iterable[Addition]) -> None:
        """Writes people down."""
        ...

    def put_finger(self, flight: str, reference: str, ordinal: int, finger: Kept) -> None:
        """Writes down a finger of somebody who is written down; `ordinal` among theirs, from 0."""
        ...

    def delete(self, flight: str, references: Set[str], whole: bool) -> Deletion:
        """Deletes people; with `whole`, everything of the flight and its data key."""
        ...

    def record(self, event: Event) -> int:
        """The event's position in the journal, from 1."""
        ...

    def pseudonym(self, flight: str, reference: str) -> str:
        """As `Keeper.pseudonym`, and known as soon as the flight is put."""
        ...


class Keeper(Protocol):
    """Called by one writer at a time, `pseudonym` and `journeys` by anybody."""

    @property
    def place(self) -> Place:
        """Where it keeps what it is told."""
        ...

    @property
    def journeys(self) -> JourneyBook:
        """What those who are expected have passed."""
        ...

    def writing(self, at: datetime) -> AbstractContextManager[Ledger]:
        """A change made at `at` (UTC): durable as a whole when the block ends, or not made at all.

        Raises:
            StorageFault: it was not made.
        """
        ...

    def count(self, deletion: Deletion, renewed: Set[str]) -> Counts:
        """What is left of what was deleted. Asked when the change is durable, before the next one.

        Args:
            renewed: references of the flight that the same change put again, as newcomers without anything.
        """
        ...

    def pseudonym(self, flight: str, reference: str) -> str:
        """The traveller's name in the journal; empty for a flight that is not known (any more)."""
        ...

    def note_time(self, at: datetime) -> None:
        """It is `at` (UTC) now: it will not be earlier after a restart."""
        ...

    def erase_traces(self) -> int:
        """Empties what remembers deletions; bytes left because somebody else was reading."""
        ...


class Unkept:
    """Writes nothing down but the journal and journeys, which end with the process.

    Args:
        journal: None: no journal either.
        expected: whether somebody (reference, flight) is in the gallery's snapshot.
    """

    place = Place.MEMORY

    def __init__(self, journal: Journal | None, expected: Callable[[str, str], bool]) -> None:
        self._journal = journal
        self.journeys = MemoryJourneys(expected)
        self._seals: dict[str, Seal] = {}

    @contextmanager
    def writing(self, at: datetime) -> Iterator[Ledger]:
        """See `Keeper`."""
        del at
        yield self

    def put(self, additions: Iterable[Addition]) -> None:
        """See `Ledger`."""
        for flight in {addition.traveller.flight for addition in additions}:
            if flight not in self._seals:
                self._seals[flight] = Seal(new_key())

    def put_finger(self, flight: str, reference: str, ordinal: int, finger: Kept) -> None:
        """See `Ledger`."""

    def delete(self, flight: str, references: Set[str], whole: bool) -> Deletion:
        """See `Ledger`."""
        if whole:
            self._seals.pop(flight, None)
        return Deletion(before=Counts(journeys=self.journeys.forget(flight, references)))

    def record(self, event: Event) -> int:
        """See `Ledger`."""
        return self._journal.record(event) if self._journal is not None else 0

    def count(self, deletion: Deletion, renewed: Set[str]) -> Counts:
        """See `Keeper`."""
        del deletion, renewed
        return NOTHING

    def pseudonym(self, flight: str, reference: str) -> str:
        """See `Keeper`."""
        seal = self._seals.get(flight)
        return pseudonym(seal, reference) if seal is not None else ""

    def note_time(self, at: datetime) -> None:
        """See `Keeper`."""

    def erase_traces(self) -> int:
        """See `Keeper`."""
        return 0
