"""A passage that looks often must not be let in oftener, and nobody may be sent on for one bad frame."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.decision.calibration import Calibration
from gate.decision.evidence import Evidence
from gate.decision.outcome import Comparison
from gate.decision.sequential import Plan, Seen, Verdict, weigh, weight
from gate.decision.spending import share
from gate.vision.probe import MaskState
from tests.decision.makers import CALIBRATION
from tests.decision.test_likelihood import measured

SHAPES = st.floats(0, 4)


def calibration() -> Calibration:
    document = CALIBRATION.model_dump(mode="json")
    document |= {"schema_version": 2, "likelihoods": {"none": measured(), "worn": measured(0.05)}}
    return Calibration.parse(document, "test-pack")


MEASURED = calibration()


@given(st.integers(1, 32), st.floats(1e-6, 0.5), SHAPES)
def test_the_looks_together_spend_the_rate_and_no_more(of: int, rate: float, shape: float) -> None:
    spent = [share(look, of, rate, shape) for look in range(1, of + 1)]
    assert math.fsum(spent) == pytest.approx(rate)
    assert all(part > 0 for part in spent)
    assert spent == sorted(spent)


@pytest.mark.parametrize("look", [0, 5, -1])
def test_a_look_that_was_not_planned_for_has_nothing_to_spend(look: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 4"):
        share(look, 4, 0.003)


@given(st.integers(1, 8), st.floats(1e-4, 0.1), st.integers(1, 1000), st.sampled_from([MaskState.NONE, MaskState.WORN]))
def test_a_strangers_chance_over_all_looks_is_at_most_the_rate(
    looks: int, rate: float, comparisons: int, mask: MaskState
) -> None:
    """Union bound: whatever the looks have to do with each other."""
    plan = Plan(rate, looks)
    chance = 0.0
    for look in range(1, looks + 1):
        weighed = weigh(MEASURED, plan, look, Seen(-1, mask, comparisons))
        chance += comparisons * MEASURED.curves[mask].fmr_at(weighed.threshold.similarity)
    # -log1p(-x) against x: the threshold is for independent comparisons, the bound for any.
    assert chance <= rate * (1 + rate) * (1 + 1e-6)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 4), st.floats(0, 5))
def test_a_higher_similarity_is_never_told_less(one: float, other: float, look: int, seen: float) -> None:
    order = [Verdict.NO, Verdict.UNSURE, Verdict.YES]
    low, high = (
        weigh(MEASURED, Plan(0.003, 4), look, Seen(s, MaskState.NONE, 50, weight=seen)).verdict
        for s in sorted((one, other))
    )
    assert order.index(low) <= order.index(high)


@given(st.floats(-1, 1), st.integers(1, 4), st.sampled_from(MaskState))
def test_nobody_is_sent_on_before_enough_was_seen_of_them(similarity: float, look: int, mask: MaskState) -> None:
    seen = Seen(similarity, mask, 50, weight=0.99)
    assert weigh(MEASURED, Plan(0.003, 4), look, seen).verdict is not Verdict.NO


@given(st.floats(-1, 1), st.floats(0, 0.2))
def test_a_no_is_told_only_where_few_enough_travellers_score(similarity: float, miss: float) -> None:
    seen = Seen(similarity, MaskState.NONE, 1, weight=3)
    if weigh(MEASURED, Plan(0.001, 4, miss), 1, seen).verdict is Verdict.NO:
        assert MEASURED.likelihoods[MaskState.NONE].fnmr_at(similarity) <= miss


@given(st.floats(-1, 1))
def test_a_calibration_without_evidence_never_sends_anybody_on_early(similarity: float) -> None:
    seen = Seen(similarity, MaskState.NONE, 50, weight=9)
    assert weigh(CALIBRATION, Plan(0.003, 4), 1, seen).verdict is not Verdict.NO


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_poorer_frame_never_weighs_more(one: float, other: float) -> None:
    assume(one != other)
    poor, good = sorted((one, other))
    assert 0 < weight(poor) <= weight(good) <= 1


def _comparison(similarity: float, threshold: float) -> Comparison:
    return Comparison(similarity, None, threshold, 0.003, False, MaskState.NONE, 50, 1)


def test_evidence_keeps_the_best_look_and_what_the_last_one_said() -> None:
    plan = Plan(0.003, 4)
    seen = [Seen(0.5, MaskState.NONE, 50, weight=1), Seen(0.05, MaskState.NONE, 50, weight=3)]
    evidence = Evidence()
    for look in seen:
        weighed = weigh(MEASURED, plan, evidence.look, look)
        evidence = evidence.add(
            _comparison(look.similarity, weighed.threshold.similarity), 0.8, 1.0, ambiguous=False, weighed=weighed
        )
    assert evidence.comparisons == 2
    assert evidence.best is not None and evidence.best.similarity == 0.5
    assert evidence.last is not None and evidence.last.similarity == 0.05
    assert evidence.llr is not None and evidence.llr.value == -4
    assert evidence.sure_no


def test_evidence_of_an_unweighed_look_is_never_sure() -> None:
    evidence = Evidence().add(_comparison(0.1, 0.4), 0.8, 1.0, ambiguous=False)
    assert evidence.llr is None and not evidence.sure_no
