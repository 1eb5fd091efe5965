"""The destruction of some travellers of one flight, from the snapshot that lost them to the receipt."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from gate.audit.event import LONGEST_FACT, Event, EventKind
from gate.gallery.keeper import Deletion, Keeper, Ledger
from gate.gallery.receipt import NOTHING, Counts, Place, Receipt, Why
from gate.gallery.segment import Segment

_LET_GO_S = 0.25
"""How long a destruction waits for searches that began before it: one takes some 10 ms at most."""

Doomed = Mapping[str, frozenset[str]]
"""Flight -> references to be destroyed."""


@dataclass(slots=True)
class Destruction:
    """Under way: the travellers are unfindable already; the store may still have them until `write`.

    Attributes:
        whole: nobody of the flight is expected any more, so its data key goes too.
        traveller: pseudonym, when it is one; else empty.
        index_before, index_after, memory_after: counted around the change of the snapshot.
        deletion: from the store, by `write`.
        position: in the journal, from `write`.
    """

    flight: str
    references: frozenset[str]
    whole: bool
    why: Why
    at: datetime
    generation: int
    traveller: str
    index_before: Counts
    index_after: Counts
    memory_after: Counts
    deletion: Deletion = field(default_factory=Deletion)
    position: int = 0

    def write(self, ledger: Ledger) -> None:
        """Deletes and records, in the caller's transaction; may be repeated when that failed."""
        self.deletion = ledger.delete(self.flight, self.references, self.whole)
        left = self.index_after + self.memory_after + self.deletion.after
        # Before: the most that any place knew. After: whatever is left anywhere.
        before = self.index_before.most(self.deletion.before)
        facts: dict[str, str | int | bool] = {
            "flight": flight_fact(self.flight),
            "why": self.why.value,
            "generation": self.generation,
            "complete": left == NOTHING,
            **_facts(before, "before"),
            **_facts(left, "after"),
        }
        if self.traveller:
            facts["traveller"] = self.traveller
        self.position = ledger.record(Event(EventKind.DESTRUCTION, self.at, facts))

    def receipt(self, keeper: Keeper, renewed: Set[str], traces_bytes: int) -> Receipt:
        """Counts what is stored once more, after the commit; `renewed` as for `Keeper.count`."""
        before = {Place.INDEX: self.index_before, Place.MEMORY: self.index_before, Place.STORE: NOTHING}
        before[keeper.place] += self.deletion.before
        after = {Place.INDEX: self.index_after, Place.MEMORY: self.memory_after, Place.STORE: NOTHING}
        after[keeper.place] += keeper.count(self.deletion, renewed)
        return Receipt(
            self.flight,
            self.why,
            self.at,
            self.generation,
            MappingProxyType(before),
            MappingProxyType(after),
            self.position,
            traces_bytes,
        )


def count(segments: Iterable[Segment], doomed: Doomed) -> Counts:
    """How many of the doomed, and of their templates, are in these segments."""
    found = [s.counts[s.positions[r]] for s in segments for r in s.positions.keys() & doomed[s.flight]]
    return Counts(travellers=len(found), templates=sum(found))


def count_memory(retired: Iterable[weakref.ref[Segment]], flight: str, doomed: Doomed) -> Counts:
    """Who of the flight is still in segments that something refers to."""
    alive = (segment for reference in retired if (segment := reference()) is not None)
    return count((segment for segment in alive if segment.flight == flight), doomed)


def alive(references: Iterable[Callable[[], object]]) -> int:
    """How many of these weak references refer to something still."""
    return sum(reference() is not None for reference in references)


def let_go(references: Collection[Callable[[], object]]) -> None:
    """Waits until nothing refers to these segments and fingers, but not for long."""
    deadline_s = time.monotonic() + _LET_GO_S
    while alive(references) and time.monotonic() < deadline_s:
        time.sleep(0.001)


def flight_fact(flight: str) -> str:
    """The flight's name as the journal takes it."""
    return "".join(letter if letter.isprintable() else "?" for letter in flight[:LONGEST_FACT])


def _facts(counts: Counts, when: str) -> dict[str, int]:
    return {
        f"travellers_{when}": counts.travellers,
        f"templates_{when}": counts.templates,
        f"photos_{when}": counts.photos,
        f"keys_{when}": counts.keys,
        f"journeys_{when}": counts.journeys,
        f"fingers_{when}": counts.fingers,
    }
