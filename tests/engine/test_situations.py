"""Situations by name, each through a whole engine: the decision, and what must be so after it."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.engine import aftermath, situations_face
from tests.engine.situation import Situation
from tests.engine.stage import Stage, name

SITUATIONS = situations_face.ROWS


def play(situation: Situation) -> Stage:
    """Everything until the decision, and a little beyond."""
    stage = Stage(situation.expected, situation.watched, situation.reader, situation.port)
    for step in situation.before:
        step(stage)
    claim = situation.claim(stage) if callable(situation.claim) else situation.claim
    used, passes = len(stage.used), aftermath.passes(stage, situation.expected)
    stage.opens(situation.lane, claim, situation.sensor, situation.flight)
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
    aftermath.check_token(stage, claim.kind, used)
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
