"""Travellers wander through an engine with a store, and one without; whatever happens, no gate opens that must not."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gate.audit.journal import SealedJournal
from gate.decision.journey import FlightPlan, Route, Window
from gate.decision.outcome import Reason
from gate.engine.engine import Engine
from gate.engine.plans import StoredPlans
from gate.errors import NotFoundError
from gate.gallery.journey import EMPTY
from gate.gallery.receipt import Receipt, Why
from gate.gallery.sealed import SealedGallery
from gate.gallery.traveller import Traveller
from gate.settings import Settings
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from tests.decision.happened import LANES, Happened
from tests.decision.makers import CALIBRATION
from tests.engine.fakes import PACK, ScriptedVision, SetClock, photo

FLIGHT = "CX0830/2026-11-22"
ROUTE = Route(again_after_s=600)
SETTINGS = Settings(journey=ROUTE)
PEOPLE = st.sampled_from([1, 2])


class Claimed(NamedTuple):
    """A pass that is reserved; its gate has not answered yet."""

    touchpoint: str
    gate: str
    plan: FlightPlan | None
    at: datetime


class Wandering(RuleBasedStateMachine):
    """Without a store; `WanderingWithStore` adds one, and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SetClock()
        self.engine = self.build()
        self.happened = {person: Happened(ROUTE) for person in (1, 2)}
        self.pending: dict[int, Claimed] = {}

    def build(self) -> Engine:
        return Engine(SETTINGS, ScriptedVision(), CALIBRATION, clock=self.clock)

    @initialize()
    def everybody_is_expected(self) -> None:
        for person in (1, 2):
            self.comes(person)

    @rule(person=PEOPLE)
    def comes(self, person: int) -> None:
        if not self.is_expected(person):
            # A flight that is empty is gone with its key; who comes back begins anew.
            self.happened[person] = Happened(ROUTE)
            self.pending.pop(person, None)
        self.engine.enrol(Traveller(f"t{person}", FLIGHT, self.clock.utc() + timedelta(hours=20)), photo(person))

    @rule(person=PEOPLE, why=st.sampled_from([Why.WITHDRAWN, Why.CONSENT_WITHDRAWN]))
    def is_withdrawn(self, person: int, why: Why) -> None:
        with suppress(NotFoundError):
            self.check(self.engine.withdraw(f"t{person}", None, why))

    @rule(seconds=st.sampled_from([0.0, 1.0, 3.0, 599.0, 600.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.wait(seconds)

    @rule(gate=st.sampled_from(["", "B12", "C3"]), opens=st.integers(-60, 60), minutes=st.integers(1, 120))
    def plan_changes(self, gate: str, opens: int, minutes: int) -> None:
        opens_at = self.clock.utc() + timedelta(minutes=opens)
        window = Window("boarding", opens_at, opens_at + timedelta(minutes=minutes))
        self.engine.plans.set(FlightPlan(FLIGHT, gate, (window,)))

    @rule(person=PEOPLE, lane=st.sampled_from(LANES))
    def stands_at(self, person: int, lane: tuple[str, str]) -> None:
        touchpoint, gate = lane
        now = self.clock.utc()
        barred = self.engine.journeys.bar(f"t{person}", FLIGHT, touchpoint, gate, now)
        claimed = self.engine.journeys.claim_pass(f"t{person}", FLIGHT, touchpoint, gate, now)
        if not self.is_expected(person):
            assert claimed is Reason.EXPIRED
            return
        assert claimed is barred, "asked twice, answered differently"
        if claimed is None:
            self.settle(person)
            self.pending[person] = Claimed(touchpoint, gate, self.engine.plans.of(FLIGHT), now)

    @rule(person=PEOPLE, opens=st.booleans())
    def gate_answers(self, person: int, opens: bool) -> None:
        if person not in self.pending:
            return
        if opens:
            self.settle(person)
            return
        claimed = self.pending.pop(person)
        self.engine.journeys.give_back(f"t{person}", FLIGHT, claimed.touchpoint, claimed.at)

    @rule(person=PEOPLE, lane=st.sampled_from(LANES[-3:]), answers=st.booleans())
    def hurries_through(self, person: int, lane: tuple[str, str], answers: bool) -> None:
        """The usual way, so that boarding is reached often; the last gate may not answer yet."""
        self.comes(person)
        now = self.clock.utc()
        self.engine.plans.set(FlightPlan(FLIGHT, "B12", (Window("boarding", now, now + timedelta(hours=1)),)))
        for stop in (("security", ""), ("border", ""), lane):
            self.clock.wait(700)
            self.settle(person)
            self.stands_at(person, stop)
        if answers:
            self.settle(person)

    @invariant()
    def nothing_is_left_of_whoever_is_gone(self) -> None:
        for person in (1, 2):
            made = self.engine.gallery.journeys.read(f"t{person}", FLIGHT)
            if not self.is_expected(person):
                assert made == EMPTY

    def settle(self, person: int) -> None:
        """The gate that was claimed opens."""
        claimed = self.pending.pop(person, None)
        if claimed is None or not self.is_expected(person):
            return
        self.happened[person].add(*claimed)
        event(f"passed {claimed.touchpoint}")
        receipt = self.engine.journeys.passed(f"t{person}", FLIGHT, claimed.touchpoint)
        assert (receipt is not None) == (claimed.touchpoint == "boarding")
        if receipt is not None:
            assert receipt.why is Why.BOARDED
            self.check(receipt)
            assert not self.is_expected(person)

    def is_expected(self, person: int) -> bool:
        return any(self.engine.gallery.snapshot().places(f"t{person}", FLIGHT))

    @staticmethod
    def check(receipt: Receipt) -> None:
        assert receipt.complete
        assert sum(counts.journeys for counts in receipt.before.values()) <= 1


class WanderingWithStore(Wandering):
    """The same over a sealed store, and the process may end at any moment."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="egate-journeys-"))
        self.key = MasterKey.generate()
        super().__init__()

    def build(self) -> Engine:
        self.database = Database.open(self.folder / "egate.db", self.key)
        journal = SealedJournal(self.database)
        gallery = SealedGallery(PACK, self.database, journal, clock=self.clock)
        gallery.restore()
        plans = StoredPlans(self.database, journal)
        return Engine(SETTINGS, ScriptedVision(), CALIBRATION, gallery, self.clock, journal, plans=plans)

    @rule()
    def the_process_ends_and_starts_again(self) -> None:
        plan = self.engine.plans.of(FLIGHT)
        self.database.close()
        self.engine = self.build()
        assert self.engine.plans.of(FLIGHT) == plan
        self.engine.started()
        for person, claimed in self.pending.items():
            # Nobody knows whether the gate opened: the pass stays, and who had boarded is gone.
            self.happened[person].add(*claimed)
            assert claimed.touchpoint != "boarding" or not self.is_expected(person)
            event(f"restarted after {claimed.touchpoint}")
        self.pending = {}

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder)


TestWandering = Wandering.TestCase
TestWandering.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestWanderingWithStore = WanderingWithStore.TestCase
TestWanderingWithStore.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
