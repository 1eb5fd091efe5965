"""A traveller's way from lane to lane: in both kinds of engine, with plans that change and lanes at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.audit.event import EventKind
from gate.audit.journal import Journal, MemoryJournal, SealedJournal
from gate.decision.journey import FlightPlan, Window
from gate.decision.outcome import Reason
from gate.engine.engine import Engine
from gate.engine.journeys import Journeys
from gate.engine.plans import StoredPlans
from gate.errors import Code, InputError, NotFoundError, ProtocolError, StorageFault
from gate.gallery.receipt import Why
from gate.gallery.sealed import SealedGallery
from gate.gallery.traveller import Candidate, Candidates, Traveller
from gate.settings import Settings
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from tests.decision.makers import CALIBRATION
from tests.engine.fakes import PACK, ScriptedVision, SetClock, photo

FLIGHT, LATER_FLIGHT = "CX0830/2026-11-22", "CX0901/2026-11-22"
KEY = MasterKey.generate()
WAY = (("bag_drop", ""), ("security", ""), ("border", ""), ("boarding", "B12"))


def store_engine(database: Database, clock: SetClock) -> Engine:
    journal = SealedJournal(database)
    gallery = SealedGallery(PACK, database, journal, clock=clock)
    gallery.restore()
    plans = StoredPlans(database, journal)
    return Engine(Settings(), ScriptedVision(), CALIBRATION, gallery, clock, journal, plans=plans)


def boarding_plan(clock: SetClock, flight: str = FLIGHT, gate: str = "B12") -> FlightPlan:
    now = clock.utc()
    return FlightPlan(flight, gate, (Window("boarding", now + timedelta(minutes=50), now + timedelta(minutes=90)),))


@dataclass(slots=True)
class Rig:
    """An engine, its clock and journal."""

    engine: Engine
    clock: SetClock
    journal: Journal

    @property
    def journeys(self) -> Journeys:
        return self.engine.journeys

    def claim(self, reference: str, touchpoint: str, gate: str = "", flight: str = FLIGHT) -> Reason | None:
        return self.journeys.claim_pass(reference, flight, touchpoint, gate, self.clock.utc())


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["memory", "store"])
def rig(request: pytest.FixtureRequest, clock: SetClock, tmp_path: Path) -> Iterator[Rig]:
    if request.param == "memory":
        journal = MemoryJournal()
        yield enrolled(
            Rig(Engine(Settings(), ScriptedVision(), CALIBRATION, clock=clock, journal=journal), clock, journal)
        )
    else:
        with Database.open(tmp_path / "egate.db", KEY) as database:
            engine = store_engine(database, clock)
            yield enrolled(Rig(engine, clock, engine.trail.journal))


def enrolled(rig: Rig) -> Rig:
    for person in (1, 2):
        traveller = Traveller(f"t{person}", FLIGHT, rig.clock.utc() + timedelta(hours=6))
        rig.engine.enrol(traveller, photo(person))
    rig.engine.plans.set(boarding_plan(rig.clock))
    return rig


def test_the_face_alone_opens_four_touchpoints_and_boarding_destroys(rig: Rig) -> None:
    receipt = None
    for touchpoint, gate in WAY:
        assert rig.journeys.bar("t1", FLIGHT, touchpoint, gate, rig.clock.utc()) is None
        assert rig.claim("t1", touchpoint, gate) is None
        receipt = rig.journeys.passed("t1", FLIGHT, touchpoint)
        rig.clock.wait(20 * 60)
    assert receipt is not None
    assert (receipt.why, receipt.complete, receipt.travellers) == (Why.BOARDED, True, 1)
    assert sum(counts.journeys for counts in receipt.before.values()) == 1
    entry = list(rig.journal.entries())[receipt.journal_position - 1]
    assert (str(entry.kind), entry.facts["why"], entry.facts["complete"]) == (EventKind.DESTRUCTION, "boarded", True)
    assert rig.engine.gallery.snapshot().find_reference("t1", rig.clock.utc(), None) == ()
    assert rig.engine.describe(FLIGHT).travellers == 1
    assert rig.claim("t1", "security") is Reason.EXPIRED
    assert rig.journeys.end("t1", FLIGHT) is None


def test_of_two_lanes_at_the_same_moment_one_opens(rig: Rig) -> None:
    together, answers = threading.Barrier(6), []

    def lane(touchpoint: str) -> None:
        together.wait()
        answers.append(rig.claim("t1", touchpoint))

    lanes = [threading.Thread(target=lane, args=(where,)) for where in ("security", "bag_drop") * 3]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    assert len(answers) == 6
    assert answers.count(None) == 1
    assert set(answers) <= {None, Reason.ALREADY_PASSED, Reason.OUT_OF_ORDER}


def test_a_gate_that_stays_shut_gives_the_pass_back(rig: Rig) -> None:
    at = rig.clock.utc()
    assert rig.claim("t1", "security") is None
    assert rig.claim("t1", "security") is Reason.ALREADY_PASSED
    rig.journeys.give_back("t1", FLIGHT, "security", at)
    assert rig.claim("t1", "security") is None


def test_giving_back_takes_no_later_pass_away(rig: Rig) -> None:
    at = rig.clock.utc()
    rig.claim("t1", "security")
    rig.journeys.give_back("t1", FLIGHT, "security", at)
    rig.clock.wait(5)
    assert rig.claim("t1", "security") is None
    rig.journeys.give_back("t1", FLIGHT, "security", at)
    assert rig.claim("t1", "security") is Reason.ALREADY_PASSED


def test_giving_back_for_somebody_who_is_gone_is_no_error(rig: Rig) -> None:
    at = rig.clock.utc()
    rig.claim("t1", "security")
    rig.engine.withdraw("t1", FLIGHT)
    rig.journeys.give_back("t1", FLIGHT, "security", at)


def test_a_lane_without_a_touchpoint_asks_and_keeps_nothing(rig: Rig) -> None:
    for _ in range(3):
        assert rig.claim("t1", "") is None
    assert rig.journeys.passed("t1", FLIGHT, "") is None
    rig.journeys.give_back("t1", FLIGHT, "", rig.clock.utc())
    assert rig.claim("nobody", "") is None
    assert rig.engine.gallery.journeys.read("t1", FLIGHT).passes == ()


def test_a_traveller_withdrawn_between_match_and_claim_does_not_pass(rig: Rig) -> None:
    rig.engine.withdraw("t1", FLIGHT)
    assert rig.claim("t1", "security") is Reason.EXPIRED


def test_the_gate_changes_while_people_walk(rig: Rig) -> None:
    for touchpoint in ("security", "border"):
        assert rig.claim("t1", touchpoint) is None
        rig.clock.wait(30 * 60)
    moved = rig.engine.plans.of(FLIGHT)
    assert moved is not None
    assert rig.engine.plans.set(FlightPlan(FLIGHT, "C3", moved.windows)).changed
    assert rig.claim("t1", "boarding", "B12") is Reason.WRONG_GATE
    assert rig.claim("t1", "boarding", "C3") is None


def test_closing_early_is_a_new_plan(rig: Rig) -> None:
    for touchpoint in ("security", "border"):
        rig.claim("t1", touchpoint)
        rig.clock.wait(30 * 60)
    now = rig.clock.utc()
    rig.engine.plans.set(FlightPlan(FLIGHT, "B12", (Window("boarding", None, now),)))
    assert rig.claim("t1", "boarding", "B12") is Reason.FLIGHT_CLOSED


def transfers(rig: Rig) -> None:
    """The arriving leg and the departing one are both expected here, and are one person."""
    rig.engine.enrol(Traveller("t1", LATER_FLIGHT, rig.clock.utc() + timedelta(hours=6)), photo(1))
    rig.engine.plans.set(boarding_plan(rig.clock, LATER_FLIGHT, "A7"))


def test_a_transfer_passenger_goes_through_security_once_for_both_flights(rig: Rig) -> None:
    transfers(rig)
    assert rig.claim("t1", "security", flight=FLIGHT) is None
    assert rig.claim("t1", "security", flight=LATER_FLIGHT) is Reason.ALREADY_PASSED
    rig.clock.wait(30 * 60)
    assert rig.claim("t1", "border", flight=LATER_FLIGHT) is None
    rig.clock.wait(30 * 60)
    rig.engine.close_flight(FLIGHT)  # the arriving flight is over, and takes none of it away
    assert rig.claim("t1", "boarding", "A7", LATER_FLIGHT) is None


def test_a_flight_that_is_loaded_late_knows_what_its_travellers_have_passed(rig: Rig) -> None:
    rig.claim("t1", "security", flight=FLIGHT)
    transfers(rig)
    rig.clock.wait(30 * 60)
    assert rig.claim("t1", "border", flight=LATER_FLIGHT) is None


def test_boarding_one_flight_does_not_end_the_other(rig: Rig) -> None:
    transfers(rig)
    for touchpoint in ("security", "border"):
        rig.claim("t1", touchpoint)
        rig.clock.wait(30 * 60)
    assert rig.claim("t1", "boarding", "B12") is None
    rig.journeys.passed("t1", FLIGHT, "boarding")
    rig.clock.wait(60)
    assert rig.claim("t1", "boarding", "A7", LATER_FLIGHT) is None


def test_a_pass_given_back_is_given_back_on_every_flight(rig: Rig) -> None:
    transfers(rig)
    at = rig.clock.utc()
    rig.claim("t1", "security")
    rig.journeys.give_back("t1", FLIGHT, "security", at)
    assert rig.claim("t1", "security", flight=LATER_FLIGHT) is None


def test_the_flight_that_boards_here_comes_first(rig: Rig) -> None:
    """Else the arriving leg, found first, would send every transfer passenger to an officer."""
    transfers(rig)
    for touchpoint in ("security", "border"):
        rig.claim("t1", touchpoint)
        rig.clock.wait(30 * 60)
    now = rig.clock.utc()
    flights = {flight: Traveller("t1", flight, now + timedelta(hours=5)) for flight in (FLIGHT, LATER_FLIGHT)}
    stranger = Candidate(Traveller("t2", FLIGHT, now + timedelta(hours=5)), 0.2)
    found = Candidates((Candidate(flights[FLIGHT], 0.9), Candidate(flights[LATER_FLIGHT], 0.8), stranger), 2, 3, 1)

    def first(gate: str, touchpoint: str = "boarding") -> tuple[str, float]:
        preferred = rig.journeys.prefer(found, touchpoint, gate, now).ranked
        assert len(preferred) == 3
        return preferred[0].traveller.flight, preferred[0].similarity

    assert first("A7") == (LATER_FLIGHT, 0.9)
    assert first("B12") == (FLIGHT, 0.9)
    assert first("Z9") == (FLIGHT, 0.9)
    assert first("", "") == (FLIGHT, 0.9)
    nobody = Candidates((), 0, 0, 1)
    assert rig.journeys.prefer(nobody, "boarding", "A7", now) is nobody
    alone = Candidates((stranger,), 1, 1, 1)
    assert rig.journeys.prefer(alone, "boarding", "A7", now) is alone


def test_a_restart_on_the_way_forgets_nothing(clock: SetClock, tmp_path: Path) -> None:
    with Database.open(tmp_path / "egate.db", KEY) as database:
        rig = enrolled(Rig(store_engine(database, clock), clock, MemoryJournal()))
        assert rig.claim("t1", "security") is None
    clock.wait(20 * 60)
    with Database.open(tmp_path / "egate.db", KEY) as database:
        rig = Rig(store_engine(database, clock), clock, MemoryJournal())
        rig.engine.started()
        assert rig.claim("t2", "border") is Reason.OUT_OF_ORDER
        assert rig.claim("t1", "border") is None
        clock.wait(40 * 60)
        assert rig.claim("t1", "boarding", "C3") is Reason.WRONG_GATE
        assert rig.claim("t1", "boarding", "B12") is None
    # The process ends between the open gate and the destruction: the next one does it.
    with Database.open(tmp_path / "egate.db", KEY) as database:
        rig = Rig(store_engine(database, clock), clock, MemoryJournal())
        assert rig.claim("t1", "boarding", "B12") is Reason.ALREADY_PASSED
        rig.engine.started()
        assert rig.engine.describe(FLIGHT).travellers == 1
        why = [e.facts["why"] for e in rig.engine.trail.journal.entries() if e.kind == EventKind.DESTRUCTION]
        assert why == ["boarded"]


def test_a_disk_that_fails_opens_nothing(clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database.open(tmp_path / "egate.db", KEY) as database:
        rig = enrolled(Rig(store_engine(database, clock), clock, MemoryJournal()))

        def full(**_: object) -> None:
            raise StorageFault(Code.DISK_FULL, "no room")

        with monkeypatch.context() as broken:
            broken.setattr(database, "transaction", full)
            with pytest.raises(StorageFault):
                rig.claim("t1", "security")
        assert rig.claim("t1", "security") is None


def test_who_was_let_through_by_an_officer_goes_on_by_face(rig: Rig) -> None:
    """Else one face that failed at security would be out of order at every gate that follows."""
    assert rig.claim("t1", "border") is Reason.OUT_OF_ORDER
    done = rig.engine.desk.record_pass("t1", FLIGHT, "security", "officer-7", "document_checked")
    entry = list(rig.journal.entries())[done.journal_position - 1]
    assert (str(entry.kind), entry.facts["touchpoint"], entry.facts["by"]) == ("override", "security", "officer-7")
    assert entry.facts["traveller"] == rig.engine.gallery.pseudonym("t1", FLIGHT)
    assert rig.engine.desk.record_pass("t1", FLIGHT, "security", "officer-7", "document_checked").already
    assert rig.claim("t1", "security") is Reason.ALREADY_PASSED
    rig.clock.wait(60)
    assert rig.claim("t1", "border") is None


def test_a_pass_that_was_made_void_is_recorded_anew(rig: Rig) -> None:
    for touchpoint in ("security", "bag_drop"):
        assert not rig.engine.desk.record_pass("t1", FLIGHT, touchpoint, "officer-7", "word").already
        rig.clock.wait(60)
    assert not rig.engine.desk.record_pass("t1", FLIGHT, "security", "officer-7", "word").already


def test_boarding_at_the_desk_destroys_with_a_receipt(rig: Rig) -> None:
    rig.claim("t1", "security")
    done = rig.engine.desk.record_pass("t1", FLIGHT, "", "officer-7", "wheelchair")
    assert done.receipt is not None
    assert (done.receipt.why, done.receipt.complete) == (Why.BOARDED, True)
    with pytest.raises(NotFoundError):
        rig.engine.desk.record_pass("t1", FLIGHT, "", "officer-7", "wheelchair")


@pytest.mark.parametrize(
    ("reference", "touchpoint", "code"),
    [("nobody", "security", Code.TRAVELLER_UNKNOWN), ("t1", "lounge", Code.FIELD_INVALID)],
)
def test_an_officer_cannot_pass_nobody_or_nowhere(rig: Rig, reference: str, touchpoint: str, code: Code) -> None:
    entries = len(list(rig.journal.entries()))
    with pytest.raises(InputError) as refused:
        rig.engine.desk.record_pass(reference, FLIGHT, touchpoint, "officer-7", "word")
    assert refused.value.code is code
    assert len(list(rig.journal.entries())) == entries


def test_the_same_plan_again_changes_nothing(rig: Rig) -> None:
    entries = len(list(rig.journal.entries()))
    plan = rig.engine.plans.of(FLIGHT)
    assert plan is not None
    assert not rig.engine.plans.set(plan).changed
    assert len(list(rig.journal.entries())) == entries


def test_a_plan_is_journalled_with_what_it_replaces(rig: Rig) -> None:
    done = rig.engine.plans.set(boarding_plan(rig.clock, gate="C3"))
    entry = list(rig.journal.entries())[done.journal_position - 1]
    assert entry.kind == EventKind.PLAN
    assert {name: entry.facts[name] for name in ("flight", "gate", "old_gate", "touchpoint", "result")} == {
        "flight": FLIGHT, "gate": "C3", "old_gate": "B12", "touchpoint": "boarding", "result": "changed",
    }  # fmt: skip
    assert entry.facts["opens_at"] == "2026-11-22T12:50:00+00:00"


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "field"),
    [
        ((Window("lounge", NOON),), "plan.windows[0].touchpoint"),
        ((Window("border", NOON), Window("border", None, NOON)), "plan.windows[1].touchpoint"),
        ((Window("border"),), "plan.windows[0]"),
        ((Window("border", NOON, NOON),), "plan.windows[0].closes_at"),
        ((Window("border", NOON + timedelta(days=370), None),), "plan.windows[0].opens_at"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_and_the_old_one_holds(
    rig: Rig, windows: tuple[Window, ...], field: str
) -> None:
    before = rig.engine.plans.of(FLIGHT)
    with pytest.raises(ProtocolError) as refused:
        rig.engine.plans.set(FlightPlan(FLIGHT, "B12", windows))
    assert refused.value.code is Code.FIELD_INVALID
    assert [violation.field for violation in refused.value.violations] == [field]
    assert rig.engine.plans.of(FLIGHT) == before


def test_plans_are_forgotten_when_no_traveller_can_live_any_more(rig: Rig) -> None:
    rig.clock.wait(49.4 * 3600)
    assert rig.engine.plans.of(FLIGHT) is not None
    rig.clock.wait(0.2 * 3600)
    assert rig.engine.plans.of(FLIGHT) is None
    assert rig.engine.plans.everything() == ()


def test_plans_are_limited_and_the_old_ones_stay(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.engine.plans.MOST", 2)
    rig.engine.plans.set(FlightPlan("CX1", "B1"))
    with pytest.raises(ProtocolError) as full:
        rig.engine.plans.set(FlightPlan("CX2", "B2"))
    assert full.value.code is Code.PLANS_FULL
    assert rig.engine.plans.set(FlightPlan("CX1", "B9")).changed
    rig.clock.wait(50 * 3600)
    assert rig.engine.plans.set(FlightPlan("CX2", "B2")).changed
    assert [plan.flight for plan in rig.engine.plans.everything()] == ["CX2"]
