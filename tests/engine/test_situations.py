"""Situations by name, each through a whole engine: the decision, and what must be so after it."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from gate.decision.outcome import Outcome
from gate.engine.attempt import Attempt, StartRequest
from gate.errors import Code, StorageFault
from tests.engine import (
    aftermath,
    situations_claims,
    situations_face,
    situations_fingers,
    situations_journeys,
    situations_meanwhile,
)
from tests.engine.fakes import frame
from tests.engine.happenings import elsewhere, shows
from tests.engine.situation import Situation
from tests.engine.stage import Expected, Stage, name

SITUATIONS = (
    situations_face.ROWS
    + situations_meanwhile.ROWS
    + situations_claims.ROWS
    + situations_fingers.ROWS
    + situations_journeys.ROWS
)


def play(situation: Situation) -> Stage:
    """Everything until the decision, and a little beyond."""
    stage = Stage(situation.expected, situation.watched, situation.reader, situation.port)
    if situation.crowd:
        stage.crowd(situation.crowd)
    for step in situation.before:
        step(stage)
    stage.passed_elsewhere = 0
    used, passes = len(stage.used), aftermath.passes(stage, situation.expected)
    stage.opens(situation.lane, situation.claim, situation.sensor, situation.flight)
    for step in situation.happens:
        step(stage)
    decision = stage.attempt.decision
    assert decision is not None
    outcome, reason, who = situation.ends
    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert decision.traveller_reference == (None if who is None else name(who))
    aftermath.check_decision(stage)
    aftermath.check_late_events(stage)
    stage.closes()
    aftermath.check_token(stage, situation.claim.kind, used)
    aftermath.check_pass(stage, passes, aftermath.passes(stage, situation.expected))
    return stage


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    with capture_logs() as logs:
        stage = play(situation)
    aftermath.check_logs(logs)
    aftermath.check_journal(stage)
    aftermath.check_destroyed(stage)
    aftermath.check_lane_is_free(stage)
    for check in situation.holds:
        check(stage)


def test_there_are_enough_of_them_and_no_two_of_one_name() -> None:
    names = [situation.name for situation in SITUATIONS]
    assert len(set(names)) == len(names)
    assert len(names) >= 60


LANES = ("security", "security-2")


def test_of_two_lanes_that_race_for_one_traveller_one_opens() -> None:
    """Both faces are searched before either of them has passed."""
    stage, together = Stage((Expected(1),)), threading.Barrier(2)
    attempts = [stage.engine.open_passage(StartRequest(lane)) for lane in LANES]

    def look(attempt: Attempt) -> None:
        together.wait()
        attempt.observe(frame(1), stage.engine.clock.monotonic())

    threads = [threading.Thread(target=look, args=(attempt,)) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(attempt.decision.reason for attempt in attempts if attempt.decision) == ["already_passed", "matched"]
    for attempt in attempts:
        stage.engine.close_passage(attempt)
    assert aftermath.passes(stage, (Expected(1),)) == 1


def test_a_decision_that_cannot_be_journalled_uses_neither_token_nor_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage((Expected(1),))

    def full(*_: object, **__: object) -> None:
        raise StorageFault(Code.DISK_FULL, "no room")

    stage.opens("security", situations_claims.token())
    shows(1)(stage)
    with monkeypatch.context() as broken:
        broken.setattr(stage.journal, "record", full)
        with pytest.raises(StorageFault):
            stage.closes()
    assert len(stage.used) == aftermath.passes(stage, (Expected(1),)) == 0
    assert elsewhere(stage, "security", 1, situations_claims.token()) is Outcome.OPEN
