"""What every journal must do, in memory or in a store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.audit.chain import Head
from gate.audit.event import Event, EventKind
from gate.audit.journal import Journal, MemoryJournal, SealedJournal
from gate.storage.database import Database
from gate.storage.keys import MasterKey

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def decision(number: int) -> Event:
    return Event(EventKind.DECISION, NOW + timedelta(seconds=number), {"passage": str(number), "outcome": "open"})


def in_memory(_folder: Path) -> Iterator[Journal]:
    yield MemoryJournal()


def in_a_store(folder: Path) -> Iterator[Journal]:
    with Database.open(folder / "egate.db", MasterKey.generate()) as database:
        yield SealedJournal(database)


@pytest.fixture(params=[in_memory, in_a_store])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    made: Callable[[Path], Iterator[Journal]] = request.param
    yield from made(tmp_path)


def test_an_empty_journal_is_whole(journal: Journal) -> None:
    found = journal.verify()
    assert (found.whole, found.entries, found.head) == (True, 0, Head())
    assert not list(journal.entries())


def test_positions_count_from_one(journal: Journal) -> None:
    assert [journal.record(decision(number)) for number in range(3)] == [1, 2, 3]


def test_an_entry_comes_back_as_it_was_recorded(journal: Journal) -> None:
    facts = {"lane": "lane-1", "similarity": 0.1 + 0.2, "frames": 3, "mask": False, "flight": None, "claim": "Zürich ✈"}
    journal.record(Event(EventKind.DECISION, NOW, facts))
    (entry,) = journal.entries()
    assert (entry.position, entry.kind, entry.facts) == (1, "decision", facts)
    assert datetime.fromisoformat(entry.at) == NOW


def test_entries_are_those_behind_a_position_oldest_first(journal: Journal) -> None:
    for number in range(5):
        journal.record(decision(number), durable=False)
    assert [entry.position for entry in journal.entries()] == [1, 2, 3, 4, 5]
    assert [entry.position for entry in journal.entries(after=3)] == [4, 5]
    assert not list(journal.entries(after=5))


def test_entries_recorded_while_somebody_reads_break_nothing(journal: Journal) -> None:
    journal.record(decision(0))
    reading = journal.entries()
    journal.record(decision(1))
    assert next(reading).position == 1
    journal.record(decision(2))
    assert journal.verify().whole


def test_a_head_noted_earlier_is_still_found(journal: Journal) -> None:
    heads = [journal.verify().head]
    for number in range(4):
        journal.record(decision(number))
        heads.append(journal.verify().head)
    assert all(journal.verify(head).whole for head in heads)
    assert len(set(heads)) == 5


def test_a_head_of_another_journal_is_not(journal: Journal) -> None:
    journal.record(decision(0))
    other = MemoryJournal()
    for number in range(3):
        other.record(decision(number))
        found = journal.verify(other.verify().head)
        assert not found.whole
        assert str(found.problems[0]).startswith(f"entry {number + 1}: not the one that was noted")


def test_the_same_events_have_other_marks_in_another_journal(journal: Journal) -> None:
    """Guards against a chain that anybody can compute: without the key, no mark follows from the entries."""
    other = MemoryJournal()
    journal.record(decision(0))
    other.record(decision(0))
    assert [entry.link for entry in journal.entries()] != [entry.link for entry in other.entries()]


def test_many_threads_make_one_chain(journal: Journal) -> None:
    positions: list[int] = []

    def record() -> None:
        positions.extend(journal.record(decision(number), durable=False) for number in range(50))

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(positions) == list(range(1, 201))
    found = journal.verify()
    assert (found.whole, found.entries) == (True, 200)
