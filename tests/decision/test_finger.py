"""A finger opens what the face could not: never beyond the false match budget, never more often than asked for."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gate.decision.event import (
    Decide,
    Effect,
    Ended,
    Event,
    FingerCompared,
    FingerScore,
    FingersKnown,
    FingerUnusable,
    FramesDone,
    Refused,
    RequestFinger,
    SeekFingers,
)
from gate.decision.finger import FingerBudget, Suspect
from gate.decision.outcome import Decision, Outcome, Reason
from gate.decision.passage import PassageState, Phase, Rules, advance
from gate.decision.policy import Policy
from gate.fingerprint.template import FingerPosition
from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from tests.decision.makers import CALIBRATION, NOW, compared, looked

RULES = Rules(Policy(max_comparisons=2), CALIBRATION, sensor=True, finger_llr=8.0)
CLAIMED = replace(RULES, claimed=True)
BOTH = replace(CLAIMED, policy=Policy(max_comparisons=2, needs_both=True))
INDEX = (FingerPosition.RIGHT_INDEX,)


def traveller(reference: str = "a", **more: object) -> Traveller:
    return replace(Traveller(reference, "CX1", NOW + timedelta(hours=1)), **more)  # type: ignore[arg-type]


def known(*references: str) -> FingersKnown:
    return FingersKnown(tuple(map(traveller, references)), INDEX if references else ())


def finger(
    llr: float = 8.0, fmr: float = 1e-6, reference: str = "a", *, now_h: float = 0.0, who: Traveller | None = None
) -> FingerCompared:
    found = FingerScore(who or traveller(reference), 0.8, llr, fmr, False, FingerPosition.RIGHT_INDEX)
    return FingerCompared(9.0, NOW + timedelta(hours=now_h), (found,))


def no_reference() -> Refused:
    return Refused(Reason.NO_REFERENCE)


def play(*events: Event, rules: Rules = CLAIMED) -> tuple[PassageState, list[Effect]]:
    state, effects = PassageState(), list[Effect]()
    for event in events:
        state, more = advance(state, event, rules)
        effects += more
    return state, effects


def decision(*events: Event, rules: Rules = CLAIMED) -> Decision:
    decided = play(*events, rules=rules)[0].decision
    assert decided is not None
    return decided


@pytest.mark.parametrize(
    ("name", "events", "rules", "outcome", "reason"),
    [
        (
            "no photograph, the finger matches",
            [no_reference(), known("a"), finger()],
            CLAIMED,
            "open",
            "finger_matched",
        ),
        ("no photograph, no finger either", [no_reference(), known()], CLAIMED, "officer", "finger_unavailable"),
        (
            "the finger is a stranger's",
            [no_reference(), known("a")] + [finger(-5, 0.5)] * 3,
            CLAIMED,
            "officer",
            "finger_no_match",
        ),
        (
            "the third finger matches",
            [no_reference(), known("a"), finger(-5, 0.5), finger(-5, 0.5), finger()],
            CLAIMED,
            "open",
            "finger_matched",
        ),
        (
            "a finger that matches too weakly",
            [no_reference(), known("a")] + [finger(3, 1e-3)] * 3,
            CLAIMED,
            "officer",
            "finger_no_match",
        ),
        ("no finger is given", [no_reference(), known("a"), Ended.BUDGET_SPENT], CLAIMED, "officer", "finger_unusable"),
        (
            "a wet finger until the end",
            [no_reference(), known("a")] + [FingerUnusable()] * 10,
            CLAIMED,
            "officer",
            "finger_unusable",
        ),
        (
            "the controller leaves",
            [no_reference(), known("a"), Ended.FRAMES_ENDED],
            CLAIMED,
            "officer",
            "finger_unusable",
        ),
        (
            "one wrong finger, then nothing",
            [no_reference(), known("a"), finger(-5, 0.5), Ended.BUDGET_SPENT],
            CLAIMED,
            "officer",
            "finger_no_match",
        ),
        (
            "shut down while asking",
            [no_reference(), known("a"), Ended.SHUTTING_DOWN],
            CLAIMED,
            "officer",
            "shutting_down",
        ),
        ("broken while asking", [no_reference(), known("a"), Ended.ENGINE_FAULT], CLAIMED, "officer", "engine_fault"),
        ("expired while asking", [no_reference(), known("a"), finger(now_h=2)], CLAIMED, "officer", "expired"),
        (
            "badly seen, claimed",
            [looked(None), looked(), FramesDone(), known("a"), finger()],
            CLAIMED,
            "open",
            "finger_matched",
        ),
        ("nobody claimed, badly seen: a finger is nobody's", [looked(), FramesDone()], RULES, "officer", "low_quality"),
        (
            "no lane sensor: the controller's own finger",
            [no_reference()],
            replace(CLAIMED, sensor=False),
            "fingerprint",
            "no_reference",
        ),
        (
            "no reader in the engine",
            [no_reference()],
            replace(CLAIMED, finger_llr=None),
            "officer",
            "finger_unavailable",
        ),
        (
            "look-alikes, told apart by the finger",
            [compared(0.9, 0.1, lookalikes=frozenset({"x"}))] * 2 + [known("a"), finger()],
            RULES,
            "open",
            "finger_matched",
        ),
        ("both wanted, no sensor", [compared(0.9)], replace(BOTH, sensor=False), "officer", "finger_unavailable"),
        (
            "both wanted, the face alone",
            [compared(0.9), known("a"), Ended.BUDGET_SPENT],
            BOTH,
            "officer",
            "finger_unusable",
        ),
        ("both wanted, no photograph", [no_reference()], BOTH, "officer", "no_reference"),
        ("a finger that nobody asked for", [finger(), compared(0.9)], CLAIMED, "open", "matched"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_situation(name: str, events: list[Event], rules: Rules, outcome: str, reason: str) -> None:
    del name
    decided = decision(*events, rules=rules)
    assert (decided.outcome, decided.reason) == (Outcome(outcome), Reason(reason))
    assert (decided.traveller_reference is not None) == (decided.outcome is Outcome.OPEN)


def test_whoever_is_sought_is_asked_for_by_finger_and_told_the_attempts_left() -> None:
    _, effects = play(no_reference(), known("a"), finger(-5, 0.5))
    assert [effect for effect in effects if isinstance(effect, SeekFingers)] == [SeekFingers(())]
    asked = [effect for effect in effects if isinstance(effect, RequestFinger)]
    assert [(ask.reason, ask.positions, ask.attempts_left) for ask in asked] == [
        (Reason.NO_REFERENCE, INDEX, 3),
        (Reason.NO_REFERENCE, INDEX, 2),
    ]


def test_two_travellers_of_one_finger_are_never_guessed_between() -> None:
    rules = replace(RULES, claimed=False)
    twins = [compared(0.9, 0.88)] * 2
    both = FingerCompared(9.0, NOW, (finger().scores[0], finger(reference="b").scores[0]))
    decided = decision(*twins, known("a", "b"), both, rules=rules)
    assert (decided.outcome, decided.reason) == (Outcome.OFFICER, Reason.AMBIGUOUS)


def test_the_finger_of_somebody_who_was_not_sought_opens_nothing() -> None:
    assert decision(no_reference(), known("a"), *[finger(reference="z")] * 3).reason is Reason.FINGER_NO_MATCH


@pytest.mark.parametrize(
    ("who", "policy", "reason"),
    [
        (traveller(documents=(TravelDocument("P1", expires=date(2026, 11, 21)),)), Policy(), Reason.DOCUMENT_EXPIRED),
        (traveller(particulars=Particulars(birth_date=date(2015, 11, 23))), Policy(min_age=12), Reason.UNDER_AGE),
        (traveller(), Policy(min_age=12), Reason.UNDER_AGE),
        (traveller(particulars=Particulars(face_consent=False)), Policy(), Reason.NO_CONSENT),
        (traveller(documents=(TravelDocument("P1", expires=date(2026, 11, 22)),)), Policy(), Reason.FINGER_MATCHED),
        (traveller(particulars=Particulars(birth_date=date(2014, 11, 22))), Policy(min_age=12), Reason.FINGER_MATCHED),
    ],
)
def test_a_match_does_not_open_for_who_may_not_pass_alone(who: Traveller, policy: Policy, reason: Reason) -> None:
    rules = replace(CLAIMED, policy=policy)
    assert decision(no_reference(), known("a"), finger(who=who), rules=rules).reason is reason


def test_face_and_finger_together_stay_within_the_passages_rate() -> None:
    """The share of the face and that of the finger are never more than the whole."""
    for rules in (RULES, CLAIMED, BOTH, replace(RULES, sensor=False)):
        budget = FingerBudget.of(rules.policy, rules.rate, 420)
        both = rules.policy.needs_both
        spent = budget.rate if both else rules.face_rate + budget.rate * rules.sensor
        assert spent <= rules.rate * (1 + 1e-9)


@given(st.floats(-8, 14), st.floats(-8, 8), st.floats(1e-9, 1), st.integers(1, 50_000), st.integers(1, 8))
def test_fused_evidence_opens_only_beyond_the_bound(
    face: float, llr: float, fmr: float, comparisons: int, travellers: int
) -> None:
    """Markov's inequality: of strangers, at most α/(N·A) reach N·A/α, whatever the scores are distributed like."""
    budget = FingerBudget(0.0015, 3, comparisons, travellers)
    score = FingerScore(traveller(), 0.5, llr, fmr, False, FingerPosition.UNKNOWN)
    if budget.is_met(Suspect("a", face), score):
        assert math.exp(-(face + llr)) * comparisons * 3 <= 0.0015 * (1 + 1e-9)
        assert llr > 0
    if budget.is_met(Suspect("a", None), score):
        assert fmr * travellers * 3 <= 0.0015 * (1 + 1e-9)


class FingerMachine(RuleBasedStateMachine):
    """Any order of faces, fingers, answers and ends: one decision at most, attempts capped, nothing opens unasked."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PassageState()
        self.decisions: list[Decision] = []
        self.rules = CLAIMED
        self.compared = 0

    def step(self, event: Event) -> None:
        was = self.state
        self.state, effects = advance(self.state, event, self.rules)
        assert was.decision is None or not effects
        decided = [effect.decision for effect in effects if isinstance(effect, Decide)]
        self.decisions += decided
        if any(found.reason is Reason.FINGER_MATCHED for found in decided):
            assert was.asking is not None and was.asking.positions
            assert isinstance(event, FingerCompared)
            assert was.asking.met(event.scores)

    @rule(similarity=st.floats(-1, 0.35))
    def face(self, similarity: float) -> None:
        self.step(compared(similarity))

    @rule(enrolled=st.booleans())
    def answer(self, enrolled: bool) -> None:
        self.step(known("a") if enrolled else known())

    @rule(llr=st.floats(-6, 8), fmr=st.floats(1e-8, 1), who=st.sampled_from("ab"))
    def finger(self, llr: float, fmr: float, who: str) -> None:
        if self.state.phase is Phase.ASKING:
            self.compared += 1
        self.step(finger(llr, fmr, who))

    @rule()
    def wet(self) -> None:
        self.step(FingerUnusable())

    @rule(reason=st.sampled_from([Reason.NO_REFERENCE, Reason.CLAIM_REFUSED, Reason.TAMPERED_FRAMES]))
    def refuse(self, reason: Reason) -> None:
        self.step(Refused(reason))

    @rule()
    def done(self) -> None:
        self.step(FramesDone())

    @rule()
    def late(self) -> None:
        self.step(Ended.BUDGET_SPENT)

    @invariant()
    def one_decision_at_most(self) -> None:
        assert [self.state.decision] == (self.decisions or [None])

    @invariant()
    def attempts_are_capped(self) -> None:
        asking = self.state.asking
        if asking is not None:
            assert asking.shown.attempts <= self.rules.policy.finger_attempts
            assert asking.shown.attempts + asking.shown.unusable <= self.rules.policy.finger_samples

    def teardown(self) -> None:
        self.step(Ended.BUDGET_SPENT)
        self.step(Ended.BUDGET_SPENT)
        assert len(self.decisions) == 1


TestFingerMachine = FingerMachine.TestCase


def test_a_budget_that_ends_twice_decides() -> None:
    """The face's time may end in a request for a finger; the finger's time ends in a decision."""
    state = reduce(lambda s, e: advance(s, e, CLAIMED)[0], [looked(), Ended.BUDGET_SPENT, known("a")], PassageState())
    assert state.phase is Phase.ASKING
    assert advance(state, Ended.BUDGET_SPENT, CLAIMED)[0].phase is Phase.DECIDED


def test_evidence_of_the_nearest_finger_stands_in_the_decision() -> None:
    shown = decision(no_reference(), known("a"), finger(-5, 0.5), FingerUnusable(), finger()).finger
    assert shown is not None
    assert (shown.asked_because, shown.attempts, shown.unusable) == (Reason.NO_REFERENCE, 2, 1)
    assert shown.score == 0.8 and shown.face_llr is None and shown.needed_fmr is not None
