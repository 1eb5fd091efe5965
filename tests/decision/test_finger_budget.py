"""What a finger must reach, where the passage has changed on the way: each of these once let too much through."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce

import pytest

from gate.decision.event import Compared, Event, FingerCompared, FingerScore, FingersKnown
from gate.decision.outcome import Reason
from gate.decision.passage import PassageState, Rules, advance
from gate.decision.policy import Policy
from gate.fingerprint.template import FingerPosition
from gate.gallery.traveller import Candidates
from tests.decision.makers import NOW, WEIGHED, compared

RULES = Rules(Policy(max_comparisons=2), WEIGHED, sensor=True, finger_llr=8.0)
INDEX = FingerPosition.RIGHT_INDEX
SHARE = RULES.policy.fpir * RULES.policy.finger_share


def after(*events: Event) -> PassageState:
    return reduce(lambda state, event: advance(state, event, RULES)[0], events, PassageState())


def unclear(size: int = 3) -> Compared:
    return compared(0.34, 0.3, gallery_size=size)


def known(event: Compared) -> FingersKnown:
    return FingersKnown(tuple(candidate.traveller for candidate in event.candidates.ranked), (INDEX,))


def alike(event: Compared, *who: str) -> Compared:
    ranked = tuple(
        replace(found, lookalikes=frozenset("x") if found.traveller.reference in who else frozenset())
        for found in event.candidates.ranked
    )
    return replace(event, candidates=Candidates(ranked, event.candidates.gallery_size, event.candidates.comparisons, 1))


def test_a_manifest_loaded_mid_passage_raises_what_the_finger_needs() -> None:
    """The look among three came nearest; those who are suspected were found among sixty."""
    state = after(unclear(3), unclear(60))
    assert state.evidence.best is not None and state.evidence.best.comparisons == 3
    assert state.asking is None and state.decision is not None, "no finger outweighs it among sixty"
    assert state.decision.reason is Reason.NO_MATCH
    asking = after(unclear(60), unclear(3)).asking
    assert asking is not None
    assert asking.budget.llr == pytest.approx(math.log(3 * 3 / SHARE))


def test_a_fused_face_says_as_much_as_the_single_frame_that_strangers_reach_as_often() -> None:
    single = after(unclear(), unclear()).suspects
    fused = after(unclear(), replace(unclear(), frames=2.0)).suspects
    assert single[0].face_llr is not None and fused[0].face_llr is not None
    assert fused[0].face_llr < single[0].face_llr
    assert fused[0].face_llr == pytest.approx(WEIGHED.llr(0.34 / 1.1, unclear().mask).value)


def test_of_two_ways_to_open_by_finger_a_passage_takes_one() -> None:
    """Each may spend the whole share: fused for one suspect and alone for another would be twice as much."""
    event = alike(compared(0.34, 0.33, 0.2), "b")
    asking = after(event, event).asking
    assert asking is not None
    assert {suspect.face_llr for suspect in asking.suspects} == {None}


def test_somebody_watched_whose_face_was_still_compared_when_time_was_up_does_not_pass() -> None:
    event = unclear()
    state = after(event, event, known(event))
    assert state.asking is not None
    state, _ = advance(state, replace(event, watched=True), RULES)
    assert state.decision is not None
    assert state.decision.reason is Reason.WATCH_LISTED
    found = FingerScore(event.candidates.ranked[0].traveller, 0.9, 8.0, 1e-9, False, INDEX)
    assert advance(state, FingerCompared(9.0, NOW, (found,)), RULES) == (state, ())
