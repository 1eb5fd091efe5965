"""Somebody who can write the store, but does not have the master key, must not be able to change what happened."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.audit import table
from gate.audit.chain import Batch, Chain, Head, Row, Verification
from gate.audit.event import Event, EventKind
from gate.audit.journal import MemoryJournal, SealedJournal
from gate.audit.table import read_entries, read_last
from gate.errors import Code, StorageFault
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.storage.seal import Seal, new_key

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
MASTER = MasterKey.generate()


def decision(number: int) -> Event:
    return Event(EventKind.DECISION, NOW + timedelta(seconds=number), {"passage": str(number), "outcome": "officer"})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with ten decisions."""
    path = tmp_path / "egate.db"
    with Database.open(path, MASTER) as database:
        journal = SealedJournal(database)
        for number in range(1, 11):
            journal.record(decision(number), durable=False)
    return path


def attack(store: Path, *statements: str, parameters: tuple[object, ...] = ()) -> None:
    """As somebody with any SQLite client: our triggers stand in nobody's way."""
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER IF EXISTS journal_no_update")
        connection.execute("DROP TRIGGER IF EXISTS journal_no_delete")
        for statement in statements:
            connection.execute(statement, parameters)


def verified(store: Path, noted: Head | None = None) -> Verification:
    with Database.open_to_read(store, MASTER) as database:
        return SealedJournal(database).verify(noted)


def problems(store: Path) -> list[str]:
    return [str(problem) for problem in verified(store).problems]


def test_untouched_it_is_whole(store: Path) -> None:
    assert problems(store) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM journal WHERE position = 5", ["entry 5: removed"]),
        ("DELETE FROM journal WHERE position = 1", ["entry 1: removed"]),
        ("DELETE FROM journal WHERE position BETWEEN 4 AND 6", ["entries 4 to 6: removed"]),
        ("DELETE FROM journal WHERE position = 10", ["entry 10: removed from the end"]),
        ("DELETE FROM journal WHERE position > 7", ["entries 8 to 10: removed from the end"]),
        ("DELETE FROM journal", ["entries 1 to 10: removed from the end"]),
        (
            "UPDATE journal SET facts = replace(facts, 'officer', 'open') WHERE position = 5",
            ["entry 5: changed, or not written by the engine"],
        ),
        (
            "UPDATE journal SET at = replace(at, '08:00:10', '08:00:11') WHERE position = 10",
            ["entry 10: changed, or not written by the engine"],
        ),
        ("UPDATE journal SET kind = 'load' WHERE position = 1", ["entry 1: changed, or not written by the engine"]),
        (
            "UPDATE journal SET position = position + 100 WHERE position = 5",
            ["entry 5: removed", "entry 105: added behind the end by somebody else"],
        ),
        (
            "INSERT INTO journal SELECT 11, at, kind, facts, mark, link FROM journal WHERE position = 10",
            ["entry 11: added behind the end by somebody else"],
        ),
        (
            "INSERT INTO journal SELECT 0, at, kind, facts, mark, link FROM journal WHERE position = 3",
            ["entry 0: added before the beginning by somebody else"],
        ),
        (
            "INSERT INTO journal SELECT -7, at, kind, facts, mark, link FROM journal WHERE position = 3",
            ["entry -7: added before the beginning by somebody else"],
        ),
        ("UPDATE journal SET facts = x'00ff' WHERE position = 2", ["entry 2: changed, or not written by the engine"]),
        ("UPDATE journal SET mark = 'text' WHERE position = 2", ["entry 2: changed, or not written by the engine"]),
        ("UPDATE journal SET kind = 7 WHERE position = 2", ["entry 2: changed, or not written by the engine"]),
        (
            "UPDATE journal SET link = zeroblob(32) WHERE position = 5",
            [
                "entry 5: genuine, but does not follow entry 4: moved, or its link was changed",
                "entry 6: genuine, but does not follow entry 5: moved, or its link was changed",
            ],
        ),
        (
            "UPDATE journal SET link = zeroblob(32) WHERE position = 10",
            [
                "entry 10: genuine, but does not follow entry 9: moved, or its link was changed",
                "entry 10: not the last entry that the engine wrote",
            ],
        ),
        (
            "DELETE FROM meta WHERE name = 'journal_head'",
            ["entry 10: the sealed end of the journal is missing or was changed"],
        ),
        (
            "UPDATE meta SET value = zeroblob(120) WHERE name = 'journal_head'",
            ["entry 10: the sealed end of the journal is missing or was changed"],
        ),
    ],
)
def test_each_change_is_found_and_named(store: Path, statement: str, found: list[str]) -> None:
    attack(store, statement)
    assert problems(store) == found


@pytest.mark.parametrize("position", [-(1 << 63), (1 << 63) - 1])
def test_an_entry_at_the_end_of_all_numbers_is_found(store: Path, position: int) -> None:
    attack(store, f"INSERT INTO journal SELECT {position}, at, kind, facts, mark, link FROM journal WHERE position = 3")  # noqa: S608
    assert [problem.position for problem in verified(store).problems] == [position]


def test_a_long_journal_is_checked_across_its_batches(store: Path) -> None:
    with Database.open(store, MASTER) as database:
        journal = SealedJournal(database)
        with database.transaction(durable=False) as connection:
            for number in range(11, 2011):
                journal.append(connection, decision(number))
        assert (journal.verify().whole, journal.verify().entries) == (True, 2010)
        assert [entry.position for entry in journal.entries()] == list(range(1, 2011))
    attack(store, "DELETE FROM journal WHERE position IN (1000, 1001, 2000)")
    assert problems(store) == ["entries 1000 to 1001: removed", "entry 2000: removed"]


def test_entries_recorded_while_it_is_verified_are_no_problem(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An auditor looks while the lanes decide: the end moves on between two batches."""
    monkeypatch.setattr(table, "_BATCH", 3)
    with Database.open(store, MASTER) as database:
        journal = SealedJournal(database)
        batches = table.read_batches(database, journal._seal)
        seen = [next(batches)]
        for number in range(11, 15):
            journal.record(decision(number), durable=False)
        seen += batches
        found = journal._chain.check(seen)
        assert (found.whole, found.entries) == (True, 14)


def test_exchanged_entries_are_found(store: Path) -> None:
    attack(
        store,
        "UPDATE journal SET position = -1 WHERE position = 4",
        "UPDATE journal SET position = 4 WHERE position = 7",
        "UPDATE journal SET position = 7 WHERE position = -1",
    )
    assert [text.split(":")[0] for text in problems(store)] == ["entry 4", "entry 5", "entry 7", "entry 8"]
    assert all("genuine, but does not follow" in text for text in problems(store))


def test_closing_the_gap_behind_a_removed_entry_hides_nothing(store: Path) -> None:
    attack(
        store,
        "DELETE FROM journal WHERE position = 5",
        "UPDATE journal SET position = -position WHERE position > 5",
        "UPDATE journal SET position = -position - 1 WHERE position < 0",
    )
    assert problems(store)[0] == "entry 5: genuine, but does not follow entry 4: moved, or its link was changed"
    assert problems(store)[-1] == "entry 10: removed from the end"


def test_who_makes_the_whole_chain_anew_without_the_key_is_found(store: Path) -> None:
    """A plain hash chain would be whole again after this."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("SELECT position, at, kind, facts FROM journal ORDER BY position").fetchall()
    link = bytes(32)
    for position, at, kind, facts in rows:
        forged = facts.replace("officer", "open")
        mark = hashlib.sha256(json.dumps([at, kind, forged]).encode()).digest()
        link = hashlib.sha256(link + position.to_bytes(8, "big") + mark).digest()
        attack(
            store,
            "UPDATE journal SET facts = ?, mark = ?, link = ? WHERE position = ?",
            parameters=(forged, mark, link, position),
        )
    found = verified(store)
    assert len(found.problems) >= 10
    assert {problem.position for problem in found.problems} == set(range(1, 11))


def test_an_older_state_of_the_whole_store_is_found_with_a_noted_head(store: Path, tmp_path: Path) -> None:
    """The one change that the store itself cannot show: everything put back as it was an hour ago."""
    old = shutil.copy(store, tmp_path / "old.db")
    with Database.open(store, MASTER) as database:
        SealedJournal(database).record(decision(11))
    noted = verified(store).head
    shutil.copy(old, store)
    assert verified(store).whole
    assert [str(problem) for problem in verified(store, noted).problems] == [
        "entry 11: not the one that was noted: removed since then, or another journal"
    ]


def test_a_removed_last_entry_does_not_heal_when_the_engine_goes_on(store: Path) -> None:
    """Were the next entry put behind the last row, nobody could ever see that one was removed."""
    attack(store, "DELETE FROM journal WHERE position = 10")
    with Database.open(store, MASTER) as database:
        assert SealedJournal(database).record(decision(11)) == 11
    assert problems(store) == ["entry 10: removed"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM meta WHERE name = 'journal_head'",
        "INSERT INTO journal SELECT 11, at, kind, facts, mark, link FROM journal WHERE position = 10",
    ],
)
def test_a_journal_that_cannot_be_continued_is_a_fault_and_the_change_does_not_happen(
    store: Path, statement: str
) -> None:
    attack(store, statement)
    with Database.open(store, MASTER) as database:
        journal = SealedJournal(database)
        with pytest.raises(StorageFault) as broken, database.transaction() as connection:
            database.data_key(connection, "flight", create=True)
            journal.append(connection, decision(11))
        assert broken.value.code is Code.JOURNAL_BROKEN
        with database.read() as connection:
            assert database.data_key(connection, "flight") is None


@pytest.mark.parametrize(
    "statements",
    [["DROP TABLE journal"], ["DELETE FROM data_keys"], ["DROP TABLE journal", "DELETE FROM data_keys"]],
)
@pytest.mark.parametrize("how", [Database.open, Database.open_to_read])
def test_a_journal_that_was_removed_is_not_quietly_begun_anew(
    store: Path, statements: list[str], how: Callable[[Path, MasterKey], Database]
) -> None:
    attack(store, *statements)
    with how(store, MASTER) as database, pytest.raises(StorageFault) as broken:
        SealedJournal(database)
    assert broken.value.code is Code.JOURNAL_BROKEN


def test_a_changed_entry_can_still_be_looked_at(store: Path) -> None:
    attack(store, "UPDATE journal SET facts = '[not json', at = 'never' WHERE position = 3")
    with Database.open_to_read(store) as database:
        assert [entry.facts for entry in read_entries(database) if entry.position == 3] == [{"unreadable": "[not json"}]
        assert len(read_last(database, 100)) == 10


def test_our_own_code_cannot_change_an_entry_by_a_slip(store: Path) -> None:
    with Database.open(store, MASTER) as database:
        for statement in ("UPDATE journal SET kind = 'load'", "DELETE FROM journal"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"), database.transaction() as connection:
                connection.execute(statement)
    assert problems(store) == []


def test_an_entry_is_there_exactly_when_its_change_is(store: Path) -> None:
    with Database.open(store, MASTER) as database:
        journal = SealedJournal(database)
        with pytest.raises(ZeroDivisionError), database.transaction() as connection:
            journal.append(connection, decision(11))
            raise ZeroDivisionError
        assert journal.verify().entries == 10
        with database.transaction() as connection:
            assert [journal.append(connection, decision(number)) for number in (11, 12)] == [11, 12]
        assert (journal.verify().whole, journal.verify().entries) == (True, 12)


def test_the_journal_survives_a_new_master_key_and_a_restart(store: Path) -> None:
    new = MasterKey.generate()
    with Database.open(store, MASTER) as database:
        before = SealedJournal(database).verify().head
        database.rotate(new)
    with Database.open(store, new) as database:
        journal = SealedJournal(database)
        journal.record(decision(11))
        assert journal.verify(before).whole


def test_without_the_master_key_no_one_can_verify(store: Path) -> None:
    with Database.open_to_read(store) as database, pytest.raises(RuntimeError):
        SealedJournal(database)


def test_the_last_entries_that_fit_come_oldest_first(store: Path) -> None:
    with Database.open(store, MASTER) as database:
        SealedJournal(database).record(Event(EventKind.CLOCK, NOW + timedelta(hours=1), {"jump_s": 3.5}))
        assert [entry.position for entry in read_last(database, 3)] == [9, 10, 11]
        assert [e.position for e in read_last(database, 2, kinds=frozenset({EventKind.DECISION}))] == [9, 10]
        assert [e.position for e in read_last(database, 99, since=NOW + timedelta(seconds=9))] == [9, 10, 11]
        assert [e.position for e in read_entries(database, 9)] == [10, 11]


def test_a_journal_in_memory_forgets_the_oldest_and_stays_whole() -> None:
    journal = MemoryJournal(keep=3)
    heads = []
    for number in range(1, 8):
        journal.record(decision(number))
        heads.append(journal.verify().head)
    assert [entry.position for entry in journal.entries()] == [5, 6, 7]
    assert journal.verify(heads[-1]).whole
    assert journal.verify(heads[3]).whole


# Any change at all


CHAIN = Chain(Seal(new_key()))


def chained(count: int) -> tuple[list[Row], Head]:
    rows: list[Row] = []
    head = Head()
    for number in range(count):
        rows.append(CHAIN.follow(head, decision(number % 3)))
        head = Head(rows[-1].position, rows[-1].link)
    return rows, head


ROWS, END = chained(8)


def changes() -> Iterator[st.SearchStrategy[Callable[[list[Row]], None]]]:
    at = st.integers(0, len(ROWS) - 1)

    def exchange(rows: list[Row], first: int, second: int) -> None:
        one, other = rows[first % len(rows)], rows[second % len(rows)]
        rows[first % len(rows)] = replace(other, position=one.position)
        rows[second % len(rows)] = replace(one, position=other.position)

    def set_field(rows: list[Row], where: int, name: str, source: int) -> None:
        where %= len(rows)
        rows[where] = replace(rows[where], **{name: getattr(ROWS[source], name)})

    yield st.builds(lambda i: lambda rows: void(rows.pop(i % len(rows))), at)
    yield st.builds(lambda i: lambda rows: void(rows.insert(i, ROWS[i])), at)
    yield st.builds(lambda i, j: lambda rows: exchange(rows, i, j), at, at)
    fields = st.sampled_from(["position", "at", "kind", "facts", "mark", "link"])
    yield st.builds(lambda i, name, j: lambda rows: set_field(rows, i, name, j), at, fields, at)


def void(_: object) -> None:
    pass


@settings(deadline=None)
@given(st.lists(st.one_of(*changes()), max_size=4))
def test_a_journal_is_whole_exactly_when_nothing_was_changed(made: list[Callable[[list[Row]], None]]) -> None:
    rows = list(ROWS)
    for change in made:
        if rows:
            change(rows)
    # The table keeps one row a position, in their order.
    kept = sorted({row.position: row for row in rows}.values(), key=lambda row: row.position)
    assert CHAIN.check([Batch(kept, END)]).whole == (kept == ROWS)
