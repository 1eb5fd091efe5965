"""The watch list, in memory and in the sealed store: who is on it is found until their time is up, and then nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.audit.event import EventKind
from gate.audit.journal import Journal, MemoryJournal, SealedJournal
from gate.errors import Code, EnrolmentError, GateError, NotFoundError, StorageFault
from gate.gallery.gallery import MAX_TEMPLATES, Enrolment
from gate.gallery.receipt import NOTHING, Place, Why
from gate.gallery.watch_store import KEY_NAME, SealedWatchList, UnkeptWatchList
from gate.gallery.watched import Watched
from gate.gallery.watchlist import LONGEST, WatchList
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.vision.probe import MaskState, Probe
from tests.gallery.fakes import StandingClock
from tests.storage.traces import forms, traces

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACK = "test-pack"


class Opened:
    """A watch list that can be opened again, as after a restart."""

    def __init__(self, open_list: Callable[[str], WatchList], journal: Journal) -> None:
        self.open_list = open_list
        self.journal = journal


@pytest.fixture(params=["memory", "sealed"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    clock = StandingClock(NOW)
    if request.param == "memory":
        journal = MemoryJournal()
        yield Opened(lambda pack: WatchList(pack, clock, UnkeptWatchList(journal)), journal)
        return
    with ExitStack() as stack:
        database = stack.enter_context(Database.open(tmp_path / "egate.db", MasterKey.generate()))
        sealed = SealedJournal(database)
        yield Opened(lambda pack: WatchList(pack, clock, SealedWatchList(database, sealed)), sealed)


@pytest.fixture
def watch_list(place: Opened) -> WatchList:
    return place.open_list(PACK)


def face(seed: int, pack: str = PACK) -> Probe:
    vector = np.random.default_rng(seed).normal(size=64)
    return Probe((vector / np.linalg.norm(vector)).astype(np.float32), MaskState.NONE, pack, {})


def person(number: int, hours: float = 4, list_name: str = "overstay") -> Watched:
    return Watched(f"w{number}", list_name, NOW + timedelta(hours=hours))


def test_who_is_on_the_list_is_the_nearest(watch_list: WatchList) -> None:
    assert watch_list.nearest(face(1), NOW) is None
    for number in range(5):
        watch_list.enrol(person(number), face(number))
    found = watch_list.nearest(face(3), NOW)
    assert found is not None
    assert found.similarity == pytest.approx(1)
    assert found.comparisons == 5
    assert len(found.pseudonym) == 16
    assert "w3" not in found.pseudonym


def test_somebody_is_not_found_once_their_time_is_up(watch_list: WatchList) -> None:
    """Not by the search, and not by the sweep only: it comes seconds later."""
    watch_list.enrol(person(1, hours=1), face(1))
    watch_list.enrol(person(2), face(2))
    later = NOW + timedelta(hours=1)
    found = watch_list.nearest(face(1), later)
    assert found is not None
    assert (found.similarity < 0.9, found.comparisons) == (True, 1)
    receipt = watch_list.expire(later)
    assert receipt is not None
    assert (receipt.why, receipt.travellers, receipt.templates, receipt.complete) == (Why.EXPIRED, 1, 1, True)
    assert watch_list.expire(later) is None


def test_whoever_is_withdrawn_is_gone_everywhere(watch_list: WatchList, place: Opened) -> None:
    watch_list.enrol(person(1), face(1))
    watch_list.enrol(person(1), face(11))
    watch_list.enrol(person(2), face(2))
    receipt = watch_list.withdraw("w1")
    assert receipt.complete
    assert receipt.before[Place.INDEX].templates == 2
    assert all(counts == NOTHING for counts in receipt.after.values())
    assert watch_list.describe(NOW).templates == 1
    entry = [entry for entry in place.journal.entries() if entry.kind == EventKind.DESTRUCTION][-1]
    assert (entry.position, entry.facts["list"], entry.facts["complete"]) == (
        receipt.journal_position,
        "overstay",
        True,
    )
    with pytest.raises(NotFoundError):
        watch_list.withdraw("w1")


def test_enrolling_again_changes_list_and_expiry_only(watch_list: WatchList) -> None:
    assert watch_list.enrol(person(1), face(1)) is Enrolment.ENROLLED
    assert watch_list.enrol(person(1, hours=9, list_name="warrant"), face(1)) is Enrolment.ALREADY_ENROLLED
    described = watch_list.describe(NOW)
    assert [(each.name, each.people, each.templates) for each in described.lists] == [("warrant", 1, 1)]
    assert described.lists[0].last_expiry == NOW + timedelta(hours=9)


def test_nobody_has_more_templates_than_a_traveller_may(watch_list: WatchList) -> None:
    for seed in range(MAX_TEMPLATES):
        watch_list.enrol(person(1), face(seed))
    with pytest.raises(EnrolmentError) as caught:
        watch_list.enrol(person(1), face(99))
    assert caught.value.code is Code.TEMPLATES_FULL


@pytest.mark.parametrize("hours", [0, -1, LONGEST.total_seconds() / 3600 + 1])
def test_an_expiry_that_is_over_or_too_far_ahead_is_refused(watch_list: WatchList, hours: float) -> None:
    with pytest.raises(EnrolmentError) as caught:
        watch_list.enrol(person(1, hours), face(1))
    assert caught.value.code is Code.EXPIRY_INVALID


def test_templates_of_another_pack_are_never_compared(watch_list: WatchList) -> None:
    for attempt in (
        lambda: watch_list.enrol(person(1), face(1, "other")),
        lambda: watch_list.nearest(face(1, "other"), NOW),
    ):
        with pytest.raises(GateError) as caught:
            attempt()
        assert caught.value.code is Code.PACK_MISMATCH


def test_the_journal_names_nobody(watch_list: WatchList, place: Opened) -> None:
    watch_list.enrol(person(1), face(1))
    watch_list.withdraw("w1")
    texts = [str(entry.facts) for entry in place.journal.entries()]
    assert texts
    assert not any("w1" in text for text in texts)


@given(expiries=st.lists(st.floats(0.1, 8), min_size=1, max_size=6), at=st.floats(0, 9))
def test_nobody_is_found_beyond_their_expiry(expiries: list[float], at: float) -> None:
    made = WatchList(PACK, StandingClock(NOW))
    for number, hours in enumerate(expiries):
        made.enrol(person(number, hours), face(number))
    later = NOW + timedelta(hours=at)
    alive = sum(NOW + timedelta(hours=hours) > later for hours in expiries)
    found = made.nearest(face(0), later)
    assert (found.comparisons if found else 0) == alive
    described = made.describe(later)
    assert described.templates == alive
    made.expire(later)
    assert made.describe(NOW).templates == alive


class TestSealed:
    """What only the store can do wrong."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        with Database.open(tmp_path / "egate.db", MasterKey.generate()) as opened:
            yield opened

    def opened(self, database: Database, pack: str = PACK) -> WatchList:
        return WatchList(pack, StandingClock(NOW), SealedWatchList(database, SealedJournal(database)))

    def test_a_restart_forgets_nobody_and_keeps_their_pseudonyms(self, database: Database) -> None:
        before = self.opened(database)
        before.enrol(person(1), face(1))
        before.enrol(person(2), face(2))
        before.withdraw("w1")
        after = self.opened(database)
        assert after.describe(NOW) == before.describe(NOW)
        assert after.nearest(face(2), NOW) == before.nearest(face(2), NOW)

    def test_another_pack_finds_nobody_until_they_are_enrolled_again(self, database: Database) -> None:
        self.opened(database).enrol(person(1), face(1))
        other = self.opened(database, "new-pack")
        assert other.nearest(face(1, "new-pack"), NOW) is None
        assert other.describe(NOW).to_enrol == 1
        other.enrol(person(1), face(1, "new-pack"))
        assert other.describe(NOW).to_enrol == 0
        assert other.withdraw("w1").before[Place.STORE].templates == 2

    def test_no_reference_and_no_template_lies_in_the_file(self, database: Database, tmp_path: Path) -> None:
        watched = Watched("authority-secret-77", "overstay", NOW + timedelta(hours=1))
        self.opened(database).enrol(watched, face(1))
        assert traces(tmp_path, forms(watched.reference, face(1).embedding)) == []

    def test_the_key_goes_with_the_last_person(self, database: Database) -> None:
        def keys() -> int:
            with database.read() as connection:
                found = connection.execute("SELECT count(*) FROM data_keys WHERE name = ?", (KEY_NAME,)).fetchone()
            return int(found[0])

        made = self.opened(database)
        made.enrol(person(1), face(1))
        first = made.nearest(face(1), NOW)
        assert keys() == 1
        receipt = made.withdraw("w1")
        assert (keys(), receipt.before[Place.STORE].keys, receipt.complete) == (0, 1, True)
        made.enrol(person(1), face(1))
        second = made.nearest(face(1), NOW)
        assert first is not None
        assert second is not None
        assert first.pseudonym != second.pseudonym

    def test_a_removal_that_cannot_be_written_is_invisible_at_once_and_written_later(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = self.opened(database)
        made.enrol(person(1), face(1))

        def broken(*_: object) -> None:
            raise StorageFault(Code.DISK_FULL, "no space")

        with monkeypatch.context() as patch:
            patch.setattr(SealedWatchList, "remove", broken)
            with pytest.raises(StorageFault):
                made.withdraw("w1")
        assert made.nearest(face(1), NOW) is None
        receipt = made.expire(NOW)
        assert receipt is not None
        assert receipt.complete
        assert self.opened(database).nearest(face(1), NOW) is None

    def test_a_row_that_was_moved_does_not_open(self, database: Database) -> None:
        made = self.opened(database)
        made.enrol(person(1), face(1))
        made.enrol(person(2), face(2))
        with database.transaction() as connection:
            rows = connection.execute("SELECT tag, sealed FROM watched_templates").fetchall()
            for (tag, _), (_, sealed) in zip(rows, reversed(rows), strict=True):
                connection.execute("UPDATE watched_templates SET sealed = ? WHERE tag = ?", (sealed, tag))
        with pytest.raises(StorageFault) as caught:
            self.opened(database)
        assert caught.value.code is Code.SEAL_BROKEN
