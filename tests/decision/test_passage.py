"""The passage state machine: by situation, and model-checked from every state with every event."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gate.decision.liveness import Live
from gate.decision.outcome import Decision, Guidance, Outcome, Reason
from gate.decision.passage import (
    Decide,
    Effect,
    Ended,
    Event,
    Guide,
    PassageState,
    Phase,
    Refused,
    Rules,
    advance,
    wants_comparison,
)
from gate.decision.policy import Policy
from gate.vision.probe import MaskState
from tests.decision.makers import CALIBRATION, GOOD, NOW, compared, looked

RULES = Rules(Policy(max_comparisons=3, fpir=0.003), CALIBRATION)
FAR = replace(GOOD, eye_distance_px=20)


def run(*events: Event, rules: Rules = RULES) -> PassageState:
    return reduce(lambda state, event: advance(state, event, rules)[0], events, PassageState())


def decision(*events: Event, rules: Rules = RULES) -> Decision:
    decided = run(*events, rules=rules).decision
    assert decided is not None
    return decided


@pytest.mark.parametrize(
    ("name", "events", "reason"),
    [
        ("a clear match", [looked(), compared(0.8, 0.1)], Reason.MATCHED),
        ("alone in the gallery", [looked(), compared(0.8)], Reason.MATCHED),
        ("a match at the second look", [compared(0.2, 0.1), compared(0.8, 0.1)], Reason.MATCHED),
        ("a stranger, until the looks are used up", [compared(0.2, 0.1)] * 3, Reason.NO_MATCH),
        ("a stranger who leaves", [looked(), compared(0.2, 0.1), Ended.FRAMES_ENDED], Reason.NO_MATCH),
        ("twins", [compared(0.8, 0.78)] * 3, Reason.AMBIGUOUS),
        ("twins, and time is up", [compared(0.8, 0.78), Ended.BUDGET_SPENT], Reason.AMBIGUOUS),
        ("twins, told apart by a better frame", [compared(0.8, 0.78), compared(0.85, 0.6)], Reason.MATCHED),
        ("nobody comes", [looked(None), looked(None), Ended.BUDGET_SPENT], Reason.NO_FACE),
        ("no frame comes", [Ended.BUDGET_SPENT], Reason.NO_FACE),
        ("the stream ends at once", [Ended.FRAMES_ENDED], Reason.FRAMES_ENDED),
        ("never close enough", [looked(FAR), Ended.BUDGET_SPENT], Reason.LOW_QUALITY),
        ("seen badly, then gone", [looked(FAR), looked(None), Ended.BUDGET_SPENT], Reason.LOW_QUALITY),
        ("two people", [looked(rival_ratio=0.9), Ended.BUDGET_SPENT], Reason.MULTIPLE_PEOPLE),
        ("two, then one too far", [looked(rival_ratio=0.9), looked(FAR), Ended.BUDGET_SPENT], Reason.LOW_QUALITY),
        ("an empty gallery", [looked(), compared()], Reason.GALLERY_EMPTY),
        ("an unknown claim", [Refused(Reason.CLAIM_UNKNOWN)], Reason.CLAIM_UNKNOWN),
        ("a claim without a face", [Refused(Reason.NO_REFERENCE)], Reason.NO_REFERENCE),
        ("a look-alike, however clear", [compared(0.9, 0.1, lookalikes=frozenset({"x"}))] * 3, Reason.AMBIGUOUS),
        ("a lapsed template", [compared(0.8, now=NOW + timedelta(hours=1))], Reason.EXPIRED),
        ("a fault", [looked(), Ended.ENGINE_FAULT], Reason.ENGINE_FAULT),
        ("a shutdown after a look", [compared(0.2), Ended.SHUTTING_DOWN], Reason.SHUTTING_DOWN),
        ("a match after the end", [Ended.BUDGET_SPENT, compared(0.9)], Reason.NO_FACE),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_situation(name: str, events: list[Event], reason: Reason) -> None:
    del name
    decided = decision(*events)
    assert decided.reason is reason
    assert (decided.outcome is Outcome.OPEN) == (reason is Reason.MATCHED)
    assert (decided.traveller_reference is not None) == (reason is Reason.MATCHED)


def test_look_alikes_are_told_apart_by_a_claim_only_where_it_names_one_of_them() -> None:
    """A document tells twins apart. A boarding pass that may mean either of them does not."""
    claimed = replace(RULES, claimed=True)
    assert decision(compared(0.9), rules=claimed).reason is Reason.MATCHED
    either = [compared(0.9, 0.1, lookalikes=frozenset({"twin"}))] * RULES.policy.max_comparisons
    assert decision(*either, rules=claimed).reason is Reason.AMBIGUOUS


def test_a_claim_that_lost_its_template_is_told_from_one_that_is_unknown() -> None:
    claimed = replace(RULES, claimed=True)
    assert decision(compared(without_template=1), rules=claimed).reason is Reason.NO_REFERENCE
    assert decision(compared(), rules=claimed).reason is Reason.CLAIM_UNKNOWN
    assert decision(compared(without_template=1)).reason is Reason.GALLERY_EMPTY


def test_a_mask_asks_for_more_similarity() -> None:
    bare = decision(*[compared(0.45, 0.1, mask=MaskState.NONE)] * 3)
    masked = decision(*[compared(0.45, 0.1, mask=MaskState.WORN)] * 3)
    assert bare.comparison is not None and masked.comparison is not None
    assert masked.comparison.threshold > bare.comparison.threshold


def test_a_larger_gallery_asks_for_more_similarity() -> None:
    found = [decision(*[compared(0.2, gallery_size=n)] * 3).comparison for n in (10, 1000)]
    assert found[0] is not None and found[1] is not None
    assert found[1].threshold > found[0].threshold


def test_more_looks_do_not_raise_the_false_positive_rate() -> None:
    """Several looks at the stated rate each would add up to several times the rate."""
    rules, state, spent = Rules(Policy(max_comparisons=8), CALIBRATION), PassageState(), 0.0
    curve = CALIBRATION.curves[MaskState.NONE]
    while state.decision is None:
        state, _ = advance(state, compared(0.2), rules)
        assert state.evidence.last is not None
        spent += curve.fmr_at(state.evidence.last.threshold)
    assert state.evidence.comparisons == 8
    assert spent == pytest.approx(rules.policy.fpir, rel=0.01)


def test_the_same_person_on_two_flights_is_not_ambiguous() -> None:
    assert decision(compared(0.8, 0.8, 0.1, references=("a", "a", "b"))).reason is Reason.MATCHED


def test_a_claim_is_held_to_the_verification_rate() -> None:
    rules = Rules(Policy(max_comparisons=1, fmr=0.001), CALIBRATION, claimed=True)
    weighed = decision(compared(0.2, gallery_size=1), rules=rules).comparison
    assert weighed is not None
    assert weighed.threshold == pytest.approx(0.3, abs=1e-3)  # FMR 1e-3 on the test curve
    assert decision(compared(), rules=rules).reason is Reason.CLAIM_UNKNOWN


def test_a_refusal_reports_the_look_that_came_closest() -> None:
    best = decision(compared(0.2, sequence=1), compared(0.3, sequence=2), compared(0.1, sequence=3)).comparison
    assert best is not None
    assert (best.frame_sequence, best.similarity) == (2, 0.3)


def test_phases_follow_the_drawing() -> None:
    assert run().phase is Phase.WAITING
    assert run(looked(None)).phase is Phase.WAITING
    assert run(looked(FAR)).phase is Phase.APPROACHING
    assert run(looked(), compared(0.2)).phase is Phase.COMPARING
    assert run(Ended.BUDGET_SPENT).phase is Phase.DECIDED


def test_advice_is_given_when_it_changes_and_held_for_a_moment() -> None:
    state, given = PassageState(), []
    for at_s, quality in [(0.0, None), (0.1, None), (0.2, FAR), (0.7, FAR), (0.8, GOOD), (1.3, GOOD)]:
        state, effects = advance(state, looked(quality, at_s=at_s), RULES)
        given += [(at_s, e.guidance) for e in effects if isinstance(e, Guide)]
    assert given == [(0.0, Guidance.STEP_INTO_VIEW), (0.7, Guidance.COME_CLOSER), (1.3, Guidance.WAIT)]


def test_only_frames_that_promise_more_or_come_later_are_compared() -> None:
    state = run(looked(), compared(0.2, at_s=1.0))
    assert not wants_comparison(state, looked(at_s=1.1), RULES)
    assert wants_comparison(state, looked(at_s=1.4), RULES)
    assert wants_comparison(state, looked(replace(GOOD, sharpness=2, eye_distance_px=200), at_s=1.1), RULES)
    assert not wants_comparison(state, looked(FAR, at_s=9.0), RULES)
    assert not wants_comparison(run(Ended.BUDGET_SPENT), looked(at_s=9.0), RULES)


def live(*verdicts: Live) -> list[Event]:
    """Looks that match, with what each frame says of the traveller."""
    return [replace(compared(0.8, 0.1), live=verdict) for verdict in verdicts]


@pytest.mark.parametrize(
    ("mode", "events", "reason"),
    [
        ("required", live(Live.LIVE), Reason.MATCHED),
        ("required", live(Live.NOT_LIVE, Live.LIVE, Live.LIVE), Reason.MATCHED),
        ("required", live(Live.NOT_LIVE, Live.LIVE, Live.NOT_LIVE), Reason.NOT_LIVE),
        ("required", live(Live.LIVE)[:0] + live(Live.NOT_LIVE) * 3, Reason.NOT_LIVE),
        ("required", live(Live.UNAVAILABLE) * 3, Reason.LIVENESS_UNAVAILABLE),
        ("required", [Refused(Reason.NO_REFERENCE)], Reason.LIVENESS_UNAVAILABLE),
        ("observe", live(Live.NOT_LIVE), Reason.MATCHED),
        ("off", live(Live.NOT_ASKED), Reason.MATCHED),
    ],
)
def test_nobody_passes_without_the_proof_of_life_that_is_required(
    mode: str, events: list[Event], reason: Reason
) -> None:
    """A photograph held up has as many tries as there are looks, so one frame that passes is not enough."""
    policy = Policy.model_validate({"max_comparisons": 3, "liveness": {"mode": mode}})
    decided = decision(*events, rules=Rules(policy, CALIBRATION))
    assert decided.reason is reason
    assert (decided.outcome is Outcome.OPEN) == (reason is Reason.MATCHED)


class PassageMachine(RuleBasedStateMachine):
    """From every state that any run of events reaches: one decision at most, and none that opens without cause."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PassageState()
        self.decisions: list[Decision] = []
        self.opening_similarities: list[float] = []
        self.at_s = 0.0

    def step(self, event: Event) -> tuple[Effect, ...]:
        was_decided = self.state.decision is not None
        self.state, effects = advance(self.state, event, RULES)
        assert not (was_decided and effects)
        self.decisions += [effect.decision for effect in effects if isinstance(effect, Decide)]
        return effects

    @rule(eyes=st.floats(0, 200), rival=st.floats(0, 1), face=st.booleans(), wait=st.floats(0, 2))
    def look(self, eyes: float, rival: float, face: bool, wait: float) -> None:
        self.at_s += wait
        quality = replace(GOOD, eye_distance_px=eyes) if face else None
        self.step(looked(quality, at_s=self.at_s, rival_ratio=rival))

    @rule(
        first=st.floats(-1, 1),
        gap=st.floats(0, 0.5),
        mask=st.sampled_from(MaskState),
        late=st.booleans(),
        size=st.integers(2, 50_000),
    )
    def compare(self, first: float, gap: float, mask: MaskState, late: bool, size: int) -> None:
        now = NOW + timedelta(hours=2 if late else 0)
        effects = self.step(compared(first, first - gap, mask=mask, now=now, gallery_size=size, at_s=self.at_s))
        for effect in effects:
            if isinstance(effect, Decide) and effect.decision.outcome is Outcome.OPEN:
                assert not late
                assert gap >= RULES.policy.min_margin - 1e-9
                assert first >= CALIBRATION.threshold(mask, RULES.policy.fpir, size).similarity

    @rule(end=st.sampled_from(Ended))
    def end(self, end: Ended) -> None:
        effects = self.step(end)
        assert self.state.decision is not None
        assert all(e.decision.outcome is not Outcome.OPEN for e in effects if isinstance(e, Decide))

    @rule()
    def claim_unknown(self) -> None:
        self.step(Refused(Reason.CLAIM_UNKNOWN))

    @invariant()
    def one_decision_at_most(self) -> None:
        assert len(self.decisions) <= 1
        assert [self.state.decision] == (self.decisions or [None])

    @invariant()
    def looks_are_bounded(self) -> None:
        assert self.state.evidence.comparisons <= RULES.policy.max_comparisons

    def teardown(self) -> None:
        self.step(Ended.BUDGET_SPENT)
        assert len(self.decisions) == 1


TestPassageMachine = PassageMachine.TestCase
