"""A passage through the engine without a network: who is let in, what is counted, what follows from a fault."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gate.audit.event import EventKind
from gate.claims.claim import Presented, PresentedKind
from gate.decision.journey import FlightPlan, Route, Window
from gate.decision.outcome import Outcome, Reason
from gate.decision.passage import Decide
from gate.engine.attempt import Attempt, StartRequest
from gate.engine.engine import Engine
from gate.errors import Code, EngineFault, EnrolmentError, FrameError, NotFoundError, ProtocolError
from gate.gallery.gallery import Change
from gate.gallery.receipt import Why
from gate.gallery.traveller import TravelDocument, Traveller
from gate.settings import LaneSettings, Settings
from tests.decision.makers import CALIBRATION
from tests.engine.fakes import ScriptedVision, SetClock, frame, photo

LANE = StartRequest("lane-1")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def engine(clock: SetClock) -> Engine:
    settings = Settings(lanes={"lane-1": LaneSettings(), "lane-2": LaneSettings(checkpoint="north")})
    engine = Engine(settings, ScriptedVision(), CALIBRATION, clock=clock)
    for person in (1, 2, 3):
        documents = (TravelDocument(f"P{person}", "UTO"),)
        traveller = Traveller(f"t{person}", f"CX{person % 2}", clock.utc() + timedelta(hours=1), documents)
        engine.enrol(traveller, photo(person))
    return engine


def decided(attempt: Attempt) -> tuple[Outcome, Reason, str | None]:
    assert attempt.decision is not None
    return attempt.decision.outcome, attempt.decision.reason, attempt.decision.traveller_reference


def show(attempt: Attempt, clock: SetClock, *people: int | None) -> None:
    for sequence, person in enumerate(people):
        clock.wait(0.5)
        attempt.observe(frame(person, sequence), clock.monotonic())


def test_an_expected_traveller_opens_the_lane(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    show(attempt, clock, None, 2)
    assert decided(attempt) == (Outcome.OPEN, Reason.MATCHED, "t2")


def test_a_stranger_is_asked_for_a_finger_after_the_last_look(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    looks = engine.settings.profiles["pedestrian"].max_comparisons
    show(attempt, clock, *[99] * (looks - 1))
    assert attempt.decision is None
    show(attempt, clock, 99)
    assert decided(attempt) == (Outcome.FINGERPRINT, Reason.NO_MATCH, None)


def test_a_flight_narrows_the_search(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(StartRequest("lane-1", flight="CX1"))
    show(attempt, clock, *[2] * 4)
    assert decided(attempt)[1] is Reason.NO_MATCH


@pytest.mark.parametrize(
    ("claim", "person", "reason"),
    [
        (Presented(PresentedKind.DOCUMENT, "P2", "UTO"), 2, Reason.MATCHED),
        (Presented(PresentedKind.DOCUMENT, "P2"), 2, Reason.MATCHED),
        (Presented(PresentedKind.REFERENCE, "t2"), 2, Reason.MATCHED),
        (Presented(PresentedKind.DOCUMENT, "P2", "UTO"), 1, Reason.CLAIM_MISMATCH),
        (Presented(PresentedKind.DOCUMENT, "P2", "UTO"), 99, Reason.NO_MATCH),
        (Presented(PresentedKind.DOCUMENT, "P2", "ATA"), 2, Reason.CLAIM_UNKNOWN),
        (Presented(PresentedKind.REFERENCE, "nobody"), 2, Reason.CLAIM_UNKNOWN),
    ],
)
def test_a_claim_is_compared_with_nobody_else(
    engine: Engine, clock: SetClock, claim: Presented, person: int, reason: Reason
) -> None:
    attempt = engine.open_passage(StartRequest("lane-1", claim=claim))
    show(attempt, clock, *[person] * 4)
    assert decided(attempt)[1] is reason


def test_a_traveller_who_expires_mid_passage_is_not_let_in(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(StartRequest("lane-1", claim=Presented(PresentedKind.REFERENCE, "t2")))
    show(attempt, clock, None)
    clock.wait(3600)
    show(attempt, clock, 2)
    assert decided(attempt)[1] is Reason.CLAIM_UNKNOWN


def test_a_traveller_withdrawn_mid_passage_is_not_let_in(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    show(attempt, clock, None)
    engine.withdraw("t2", None)
    show(attempt, clock, *[2] * 4)
    assert decided(attempt)[1] is Reason.NO_MATCH


def test_everybody_gone_is_an_empty_gallery_and_not_a_stranger(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    clock.wait(7200)
    show(attempt, clock, 2)
    assert decided(attempt)[1] is Reason.GALLERY_EMPTY
    assert sum(receipt.travellers for receipt in engine.sweep()) == 3
    assert engine.describe(None).templates == 0


def test_a_bad_frame_is_counted_and_the_passage_goes_on(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    with pytest.raises(FrameError):
        attempt.observe(frame(2, fails="frame"), clock.monotonic())
    attempt.drop()
    attempt.reject()
    show(attempt, clock, 2)
    assert decided(attempt)[0] is Outcome.OPEN
    report = attempt.report()
    assert (report.seen, report.used, report.dropped, report.rejected) == (4, 1, 1, 2)


def test_a_broken_model_is_never_no_match(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    with pytest.raises(EngineFault):
        attempt.observe(frame(2, fails="model"), clock.monotonic())
    effects = attempt.fault("incident-7")
    assert [type(effect) for effect in effects] == [Decide]
    assert decided(attempt) == (Outcome.OFFICER, Reason.ENGINE_FAULT, None)
    assert attempt.incident_id == "incident-7"


def test_what_an_inference_finds_after_the_end_has_no_effect(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    assert len(attempt.budget_spent()) == 1
    show(attempt, clock, 2)
    assert attempt.frames_ended() == attempt.shut_down() == attempt.fault("late") == ()
    assert decided(attempt) == (Outcome.OFFICER, Reason.NO_FACE, None)
    assert not attempt.incident_id


def test_times_are_summed_by_stage_and_stop_at_the_decision(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    show(attempt, clock, None, 2)
    clock.wait(60)
    report = attempt.report()
    stages = {timing.stage: (timing.count, timing.total_ms) for timing in report.timings}
    assert stages["detect"] == (2, 6.0)
    assert stages["embed"] == (1, 2.0)
    assert report.elapsed_ms == pytest.approx(1000)
    assert report.frame_to_decision_ms == pytest.approx(0)


def test_a_lane_has_one_passage_at_a_time(engine: Engine) -> None:
    first = engine.open_passage(LANE)
    with pytest.raises(ProtocolError) as busy:
        engine.open_passage(LANE)
    assert busy.value.code is Code.LANE_BUSY
    engine.open_passage(StartRequest("lane-2", checkpoint="north"))
    engine.close_passage(first)
    second = engine.open_passage(LANE)
    engine.close_passage(first)  # a late second close must not free the lane under the next traveller
    with pytest.raises(ProtocolError):
        engine.open_passage(LANE)
    engine.close_passage(second)


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (StartRequest("lane-9"), Code.LANE_UNKNOWN),
        (StartRequest("lane-2", checkpoint="south"), Code.CHECKPOINT_UNKNOWN),
        (StartRequest("lane-1", profile="vip"), Code.PROFILE_UNKNOWN),
    ],
)
def test_what_the_settings_do_not_name_is_refused(engine: Engine, start: StartRequest, code: Code) -> None:
    with pytest.raises(NotFoundError) as refused:
        engine.open_passage(start)
    assert refused.value.code is code
    assert refused.value.violations


@pytest.mark.parametrize("hours", [-1, 0, 24.1])
def test_an_expiry_in_the_past_or_beyond_the_cap_is_refused(engine: Engine, clock: SetClock, hours: float) -> None:
    traveller = Traveller("new", "CX1", clock.utc() + timedelta(hours=hours))
    with pytest.raises(EnrolmentError) as refused:
        engine.enrol(traveller, photo(5))
    assert refused.value.code is Code.EXPIRY_INVALID
    assert engine.describe(None).travellers == 3


def test_enrolling_twice_says_so(engine: Engine, clock: SetClock) -> None:
    traveller = Traveller("t1", "CX1", clock.utc() + timedelta(hours=1))
    assert engine.enrol(traveller, photo(1)).already
    assert not engine.enrol(traveller, photo(7)).already


def test_somebody_expected_without_a_face_is_asked_for_a_finger(engine: Engine, clock: SetClock) -> None:
    bare = Traveller("t9", "CX1", clock.utc() + timedelta(hours=1), (TravelDocument("P9", "UTO"),))
    engine.gallery.apply(Change(put=(bare,)))
    for claim in (Presented(PresentedKind.DOCUMENT, "P9"), Presented(PresentedKind.REFERENCE, "t9")):
        attempt = engine.open_passage(StartRequest("lane-1", claim=claim))
        show(attempt, clock, 9)
        assert decided(attempt) == (Outcome.FINGERPRINT, Reason.NO_REFERENCE, None)
        engine.close_passage(attempt)


def test_every_passage_is_journalled_without_the_traveller(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(LANE)
    show(attempt, clock, 2)
    engine.close_passage(attempt)
    engine.close_passage(attempt)  # a second close writes nothing
    abandoned = engine.open_passage(LANE)
    engine.close_passage(abandoned)
    first, second = [e for e in engine.trail.journal.entries() if e.kind == EventKind.DECISION]
    assert (first.facts["passage"], first.facts["outcome"], first.facts["reason"]) == (
        attempt.passage_id,
        "open",
        "matched",
    )
    assert second.facts["outcome"] == "abandoned"
    assert "t2" not in str(first.facts)


def test_destructions_are_journalled_by_an_engine_without_a_store(engine: Engine, clock: SetClock) -> None:
    receipts = [engine.withdraw("t1", None, Why.BOARDED), engine.close_flight("CX0")]
    clock.wait(7200)
    receipts += engine.sweep()
    entries = [e for e in engine.trail.journal.entries() if e.kind == EventKind.DESTRUCTION]
    assert [e.position for e in entries] == [r.journal_position for r in receipts]
    assert [e.facts["why"] for e in entries] == ["boarded", "flight_closed", "expired"]
    assert all(e.facts["complete"] for e in entries)


def test_a_transfer_passenger_boards_the_flight_that_is_called_here(clock: SetClock) -> None:
    """On two flights with the same face, the search may put the arriving leg first, whose boarding is over."""
    lanes = {"lane-1": LaneSettings(touchpoint="boarding", gate="B12")}
    engine = Engine(Settings(lanes=lanes, journey=Route(required=())), ScriptedVision(), CALIBRATION, clock=clock)
    now = clock.utc()
    for flight in ("ARRIVED", "LEAVING"):
        engine.enrol(Traveller("t1", flight, now + timedelta(hours=5)), photo(1))
    window = Window("boarding", now - timedelta(minutes=5), now + timedelta(minutes=30))
    engine.plans.set(FlightPlan("LEAVING", "B12", (window,)))
    attempt = engine.open_passage(LANE)
    show(attempt, clock, 1)
    assert attempt.decision is not None
    assert (attempt.decision.reason, attempt.decision.flight) == (Reason.MATCHED, "LEAVING")


def test_a_borrowed_document_is_known_after_one_look(engine: Engine, clock: SetClock) -> None:
    """The camera may lose them before the looks are used up; a mismatch seen is no mere no-match."""
    attempt = engine.open_passage(StartRequest("lane-1", claim=Presented(PresentedKind.DOCUMENT, "P2", "UTO")))
    show(attempt, clock, 1)
    assert attempt.decision is None
    attempt.frames_ended()
    assert decided(attempt) == (Outcome.OFFICER, Reason.CLAIM_MISMATCH, None)
