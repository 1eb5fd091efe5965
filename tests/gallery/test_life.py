"""However the wall clock is set, and however often the engine restarts: nobody is findable beyond their time."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gate.audit.journal import MemoryJournal, SealedJournal
from gate.clock import GuardedClock
from gate.errors import EnrolmentError
from gate.gallery.ledger import read_time_mark
from gate.gallery.life import ClockAlarms
from gate.gallery.memory import MemoryGallery
from gate.gallery.receipt import Why
from gate.gallery.sealed import SealedGallery
from gate.gallery.traveller import Traveller
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.vision.probe import MaskState, Probe
from tests.gallery.fakes import StandingClock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACK = "test-pack"


def probe(seed: int) -> Probe:
    vector = np.random.default_rng(seed).normal(size=16)
    return Probe((vector / np.linalg.norm(vector)).astype(np.float32), MaskState.NONE, PACK, {})


class HostileClock(RuleBasedStateMachine):
    """A sealed gallery on a box whose wall clock anybody may set."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.master = MasterKey.generate()
        self.wall = StandingClock(NOW)
        self.deadlines_s: dict[str, float] = {}  # by the monotonic clock, which nobody can set
        self.start()

    def start(self) -> None:
        self.database = Database.open(Path(self.folder.name) / "egate.db", self.master)
        alarms = ClockAlarms()
        self.clock = GuardedClock(self.wall, alarms, read_time_mark(self.database))
        journal = SealedJournal(self.database)
        self.gallery = SealedGallery(PACK, self.database, journal, clock=self.clock, alarms=alarms)
        self.gallery.restore()

    @rule(seconds=st.floats(0, 4000))
    def time_passes(self, seconds: float) -> None:
        self.wall.wait(seconds)

    @rule(seconds=st.one_of(st.floats(-20000, 20000), st.floats(-3, 3)))
    def somebody_sets_the_clock(self, seconds: float) -> None:
        self.wall.now += timedelta(seconds=seconds)

    @rule(number=st.integers(0, 5), life_s=st.floats(1, 8000))
    def enrolled(self, number: int, life_s: float) -> None:
        reference = f"t{number}"
        traveller = Traveller(reference, f"CX{number % 2}", self.clock.utc() + timedelta(seconds=life_s))
        self.gallery.enrol(traveller, probe(number))
        self.deadlines_s[reference] = self.wall.monotonic() + life_s

    @rule()
    def swept(self) -> None:
        receipts = self.gallery.expire(self.clock.utc())
        assert all(receipt.complete for receipt in receipts)

    @rule()
    def restarted(self) -> None:
        self.swept()  # what passed since the last sweep may be lost, sweep_s at most
        self.database.close()
        self.start()

    @invariant()
    def nobody_outlives_their_time(self) -> None:
        now, passed_s = self.clock.utc(), self.wall.monotonic()
        snapshot = self.gallery.snapshot()
        found = {candidate.traveller.reference for candidate in snapshot.search(probe(0), now, k=10).ranked}
        found |= {name for name in self.deadlines_s if snapshot.find_reference(name, now, None)}
        # Rounding of a microsecond a reading is no prolonged life.
        assert not {name for name in found if self.deadlines_s[name] < passed_s - 0.001}

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()


HostileClock.TestCase.settings = settings(deadline=None, max_examples=15, stateful_step_count=25)
TestHostileClock = HostileClock.TestCase


@pytest.fixture
def wall() -> StandingClock:
    return StandingClock(NOW)


def guarded_gallery(wall: StandingClock) -> tuple[MemoryGallery, GuardedClock, MemoryJournal]:
    alarms, journal = ClockAlarms(), MemoryJournal()
    clock = GuardedClock(wall, alarms)
    gallery = MemoryGallery(PACK, journal=journal, clock=clock, alarms=alarms, max_retention=timedelta(hours=24))
    gallery.enrol(Traveller("a", "CX1", NOW + timedelta(hours=4)), probe(1))
    return gallery, clock, journal


def clock_entries(journal: MemoryJournal) -> list[dict[str, object]]:
    return [entry.facts for entry in journal.entries() if entry.kind == "clock"]


def test_a_step_forwards_destroys_and_says_why(wall: StandingClock) -> None:
    gallery, clock, journal = guarded_gallery(wall)
    wall.now += timedelta(hours=5)
    (receipt,) = gallery.expire(clock.utc())
    assert (receipt.why, receipt.complete) == (Why.CLOCK_STEP, True)
    assert [(facts["direction"], facts["jump_s"]) for facts in clock_entries(journal)] == [("forwards", 18000)]


def test_an_emptied_gate_is_not_locked_out_by_a_wrong_step(wall: StandingClock) -> None:
    gallery, clock, journal = guarded_gallery(wall)
    wall.now += timedelta(days=400)
    gallery.expire(clock.utc())
    wall.now -= timedelta(days=400)
    gallery.expire(clock.utc())
    assert clock.utc() == wall.now
    assert clock_entries(journal)[-1]["action"] == "followed: nobody is expected"
    gallery.enrol(Traveller("b", "CX2", wall.now + timedelta(hours=4)), probe(2))
    assert gallery.snapshot().search(probe(2), clock.utc()).ranked[0].traveller.reference == "b"


def test_the_guard_stays_while_somebody_is_expected(wall: StandingClock) -> None:
    gallery, clock, journal = guarded_gallery(wall)
    wall.now -= timedelta(hours=10)
    gallery.expire(clock.utc())
    assert clock.utc() == NOW
    assert [facts["action"] for facts in clock_entries(journal)] == ["not followed"]


def test_an_expiry_beyond_the_cap_is_refused_and_changes_nothing(wall: StandingClock) -> None:
    gallery, _, _ = guarded_gallery(wall)
    late = Traveller("late", "CX1", NOW + timedelta(hours=24, seconds=1))
    with pytest.raises(EnrolmentError):
        gallery.enrol(late, probe(2))
    assert gallery.describe(NOW, None).travellers == 1


def test_the_cap_is_measured_by_the_guarded_clock(wall: StandingClock) -> None:
    """A wall clock set forwards, once, must not make room for expiries far ahead; set back, none for dead ones."""
    gallery, clock, _ = guarded_gallery(wall)
    wall.now -= timedelta(hours=10)
    gallery.enrol(Traveller("b", "CX1", clock.utc() + timedelta(hours=24)), probe(2))
    with pytest.raises(EnrolmentError):
        gallery.enrol(Traveller("c", "CX1", clock.utc() + timedelta(hours=25)), probe(3))
