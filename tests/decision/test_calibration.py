"""A threshold that stands for another rate than it says lets strangers in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.decision.calibration import Calibration, Curve
from gate.errors import Code, ModelPackError
from gate.vision.probe import MaskState
from tests.decision.makers import CALIBRATION

rates = st.floats(1e-4, 0.4)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    count = draw(st.integers(2, 12))
    steps = draw(st.lists(st.floats(0.01, 0.1), min_size=count, max_size=count))
    falls = draw(st.lists(st.floats(0.05, 2), min_size=count, max_size=count))
    similarity = [sum(steps[: i + 1]) - 0.2 for i in range(count)]
    log10_fmr = [-sum(falls[: i + 1]) for i in range(count)]
    return Curve(similarity=tuple(similarity), log10_fmr=tuple(log10_fmr), measured_to=1e-5, comparisons=1000)


@given(curves(), st.floats(-12, -0.1))
def test_similarity_and_rate_are_inverses(curve: Curve, log_rate: float) -> None:
    if log_rate > curve.log10_fmr[0]:
        return  # above the first point the curve says no more than "at least this often"
    assert math.log10(curve.fmr_at(curve.similarity_at(10**log_rate))) == pytest.approx(log_rate, abs=1e-6)


@given(curves(), st.floats(-12, -0.1), st.floats(-12, -0.1))
def test_a_rarer_false_match_never_needs_less_similarity(curve: Curve, one: float, other: float) -> None:
    rare, common = sorted((one, other))
    assert curve.similarity_at(10**rare) >= curve.similarity_at(10**common)


@given(rates, st.integers(1, 100_000))
def test_the_threshold_stands_for_the_rate_over_the_whole_gallery(rate: float, n: int) -> None:
    threshold = CALIBRATION.threshold(MaskState.NONE, rate, n)
    assert 1 - (1 - threshold.fmr) ** n == pytest.approx(rate, rel=1e-3)


@given(rates, st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_larger_gallery_never_lowers_the_threshold(rate: float, n: int, more: int) -> None:
    small = CALIBRATION.threshold(MaskState.WORN, rate, n).similarity
    assert CALIBRATION.threshold(MaskState.WORN, rate, n + more).similarity >= small


@pytest.mark.parametrize("state", [MaskState.UNKNOWN, MaskState.UNDER_NOSE])
def test_a_mask_state_without_a_curve_takes_the_strictest(state: MaskState) -> None:
    strict = max(CALIBRATION.threshold(s, 0.01, 100).similarity for s in (MaskState.NONE, MaskState.WORN))
    assert CALIBRATION.threshold(state, 0.01, 100).similarity == strict


def test_a_threshold_beyond_the_data_says_so() -> None:
    assert not CALIBRATION.threshold(MaskState.NONE, 0.01, 100).extrapolated
    far = CALIBRATION.threshold(MaskState.NONE, 0.001, 1_000_000)
    assert far.extrapolated
    assert far.similarity > 0.6


def test_the_tail_runs_on_along_the_last_decade() -> None:
    curve = CALIBRATION.curves[MaskState.NONE]
    assert curve.similarity_at(1e-8) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"similarity": [0.3, 0.2]}, "length"),
        ({"similarity": [0.3, 0.2], "log10_fmr": [-1, -2]}, "rise"),
        ({"similarity": [0.2, 0.3], "log10_fmr": [-1, -1]}, "fall"),
        ({"measured_to": 0}, "greater than 0"),
    ],
)
def test_a_curve_that_cannot_be_one_is_refused(change: dict[str, object], says: str) -> None:
    document = CALIBRATION.model_dump(mode="json")
    document["curves"]["none"] |= change
    with pytest.raises(ModelPackError, match=says) as refused:
        Calibration.parse(document, "test-pack")
    assert refused.value.code is Code.CALIBRATION_INVALID


def test_another_packs_calibration_is_refused() -> None:
    with pytest.raises(ModelPackError, match="test-pack"):
        Calibration.parse(CALIBRATION.model_dump(mode="json"), "another-pack")


def test_a_calibration_without_masked_faces_is_refused() -> None:
    document = CALIBRATION.model_dump(mode="json")
    del document["curves"]["worn"]
    with pytest.raises(ModelPackError, match="worn"):
        Calibration.parse(document, "test-pack")
