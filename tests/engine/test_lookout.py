"""The watch list in a passage: a hit never opens, is never told, and stands in the journal under a pseudonym."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gate.audit.event import EventKind
from gate.claims.claim import Presented, PresentedKind
from gate.decision.outcome import Outcome, Reason
from gate.decision.policy import Policy
from gate.engine.attempt import Attempt, StartRequest
from gate.engine.engine import Engine
from gate.engine.lookout import Lookout
from gate.gallery.traveller import TravelDocument, Traveller
from gate.gallery.watched import Watched
from gate.gallery.watchlist import WatchList
from gate.settings import Settings
from gate.vision.probe import Embedding, MaskState, Probe
from tests.decision.makers import CALIBRATION
from tests.engine.fakes import PACK, ScriptedVision, SetClock, embedding, frame, photo


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def engine(clock: SetClock) -> Engine:
    engine = Engine(Settings(), ScriptedVision(), CALIBRATION, clock=clock)
    for person in (1, 2):
        documents = (TravelDocument(f"P{person}", "UTO"),)
        engine.enrol(Traveller(f"t{person}", "CX1", clock.utc() + timedelta(hours=1), documents), photo(person))
    engine.enrol_watched(Watched("w-secret", "warrant", clock.utc() + timedelta(hours=2)), photo(1))
    return engine


def passage(engine: Engine, clock: SetClock, person: int, claim: Presented | None = None) -> Attempt:
    attempt = engine.open_passage(StartRequest("lane-1", claim=claim or Presented.nothing()))
    for sequence in range(1, 6):
        clock.wait(0.5)
        if attempt.decision is None:
            attempt.observe(frame(person, sequence), clock.monotonic())
    engine.close_passage(attempt)
    assert attempt.decision is not None
    return attempt


@pytest.mark.parametrize(
    "claim", [None, Presented(PresentedKind.DOCUMENT, "P1"), Presented(PresentedKind.DOCUMENT, "P2")]
)
def test_somebody_on_the_list_never_passes_expected_or_not(
    engine: Engine, clock: SetClock, claim: Presented | None
) -> None:
    attempt = passage(engine, clock, 1, claim)
    assert attempt.decision is not None
    assert (attempt.decision.outcome, attempt.decision.reason) == (Outcome.OFFICER, Reason.WATCH_LISTED)
    assert attempt.decision.traveller_reference is None


def test_the_journal_says_it_under_a_pseudonym_and_the_log_does_not(engine: Engine, clock: SetClock) -> None:
    with capture_logs() as logs:
        passage(engine, clock, 1)
    entry = [entry for entry in engine.trail.journal.entries() if entry.kind == EventKind.DECISION][-1]
    assert entry.facts["reason"] == "watch_listed"
    assert len(str(entry.facts["watched"])) == 16
    assert "w-secret" not in str(entry.facts)
    assert not any("watch" in str(line) or "w-secret" in str(line) for line in logs)


def test_nobody_else_is_held_up(engine: Engine, clock: SetClock) -> None:
    attempt = passage(engine, clock, 2)
    assert attempt.decision is not None
    assert attempt.decision.outcome is Outcome.OPEN
    entry = [entry for entry in engine.trail.journal.entries() if entry.kind == EventKind.DECISION][-1]
    assert "watched" not in entry.facts


def test_an_entry_that_has_expired_holds_nobody_up(engine: Engine, clock: SetClock) -> None:
    engine.enrol(Traveller("t1", "CX1", clock.utc() + timedelta(hours=6)), photo(1))
    clock.wait(2 * 3600)
    attempt = passage(engine, clock, 1)
    assert attempt.decision is not None
    assert attempt.decision.outcome is Outcome.OPEN
    engine.sweep()
    assert engine.describe_watch_list().lists == ()


def test_a_looser_rate_finds_more(clock: SetClock) -> None:
    """The rate is of a whole passage, over as many templates as are on the list."""
    watch_list = WatchList(PACK, clock)
    watch_list.enrol(
        Watched("w1", "warrant", clock.utc() + timedelta(hours=1)), Probe(embedding(1), MaskState.NONE, PACK, {})
    )
    near = CALIBRATION.threshold(MaskState.NONE, 0.01 / 4, 1).similarity
    toward = embedding(1) * near + (1 - near**2) ** 0.5 * _across(1)
    probe = Probe(toward, MaskState.NONE, PACK, {})
    found = {
        rate: Lookout(watch_list, Policy(watchlist_fpir=rate), CALIBRATION)(probe, clock.utc())
        for rate in (0.02, 0.001)
    }
    assert found == {0.02: True, 0.001: False}


def _across(person: int) -> Embedding:
    """A direction at right angles to somebody's face."""
    other = embedding(50)
    other = other - embedding(person) * float(other @ embedding(person))
    return other / (other @ other) ** 0.5
