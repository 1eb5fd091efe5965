"""Evidence that overstates itself opens a lane; evidence from nowhere must not count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.decision.calibration import Calibration
from gate.decision.likelihood import NOTHING_KNOWN, Likelihood
from gate.errors import Code, ModelPackError
from gate.vision.probe import MaskState
from tests.decision.makers import CALIBRATION

SIMILARITIES = st.floats(-1, 1)


def measured(shift: float = 0.0) -> dict[str, object]:
    return {
        "similarity": [0.1 + shift, 0.2 + shift, 0.4 + shift, 0.6 + shift],
        "llr": [-4, -1, 5, 10],
        "low": [-5, -1.5, 4, 8],
        "high": [-3, -0.5, 6, 12],
        "fnmr": [0.001, 0.01, 0.1, 0.4],
        "fnmr_high": [0.003, 0.02, 0.12, 0.45],
        "seen_from": 0.0,
        "seen_to": 0.95,
        "mated": 5000,
        "people": 1000,
    }


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    document = CALIBRATION.model_dump(mode="json")
    document |= {"schema_version": 2, "likelihoods": {"none": measured(), "worn": measured(0.05)}}
    document["fused"] = {"none": {"frames": [1, 2, 4], "scale": [1, 1.02, 1.04]}}
    return Calibration.parse(document, "test-pack")


@pytest.mark.parametrize("mask", list(MaskState))
@given(one=SIMILARITIES, other=SIMILARITIES)
def test_more_similar_is_never_less_evidence(
    calibration: Calibration, mask: MaskState, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert calibration.llr(low, mask).value <= calibration.llr(high, mask).value
    assert calibration.fnmr(low, mask) <= calibration.fnmr(high, mask)
    assert calibration.rate(low, mask).fmr >= calibration.rate(high, mask).fmr


@pytest.mark.parametrize("mask", list(MaskState))
@given(similarity=SIMILARITIES)
def test_evidence_stays_within_what_was_measured_and_within_its_interval(
    calibration: Calibration, mask: MaskState, similarity: float
) -> None:
    llr = calibration.llr(similarity, mask)
    assert -4 <= llr.value <= 10
    assert llr.low <= llr.value <= llr.high
    rate = calibration.rate(similarity, mask)
    assert 0 <= rate.low <= rate.fmr <= rate.high <= 1


def test_beyond_what_was_seen_evidence_stands_still_and_says_so(calibration: Calibration) -> None:
    last, beyond = calibration.llr(0.6, MaskState.NONE), calibration.llr(0.99, MaskState.NONE)
    assert last.sufficient and not beyond.sufficient
    assert (beyond.value, beyond.low, beyond.high) == (last.value, last.low, last.high)
    assert not calibration.llr(-0.5, MaskState.NONE).sufficient


@given(similarity=SIMILARITIES)
def test_an_unmeasured_mask_state_never_says_more_than_a_measured_one(
    calibration: Calibration, similarity: float
) -> None:
    unknown = calibration.llr(similarity, MaskState.UNKNOWN)
    assert not unknown.sufficient
    for mask in (MaskState.NONE, MaskState.WORN):
        assert unknown.value <= calibration.llr(similarity, mask).value
        assert calibration.fnmr(similarity, MaskState.UNKNOWN) >= calibration.fnmr(similarity, mask)


@given(similarity=SIMILARITIES, mask=st.sampled_from(MaskState))
def test_a_calibration_of_version_1_says_nothing(similarity: float, mask: MaskState) -> None:
    assert CALIBRATION.llr(similarity, mask) == NOTHING_KNOWN
    assert CALIBRATION.fnmr(similarity, mask) == 1


@given(st.floats(1e-4, 0.4), st.integers(1, 10_000), st.floats(1, 50), st.floats(1, 50), st.sampled_from(MaskState))
def test_more_frames_never_lower_the_threshold(
    calibration: Calibration, rate: float, n: int, one: float, other: float, mask: MaskState
) -> None:
    few, many = sorted((one, other))
    assert calibration.threshold(mask, rate, n, few).similarity <= calibration.threshold(mask, rate, n, many).similarity


def test_a_fused_probe_must_be_more_similar_by_the_scale(calibration: Calibration) -> None:
    single = calibration.threshold(MaskState.NONE, 0.01, 1)
    assert calibration.threshold(MaskState.NONE, 0.01, 1, frames=1) == single
    fused = calibration.threshold(MaskState.NONE, 0.01, 1, frames=4)
    assert fused.similarity == pytest.approx(1.04 * single.similarity)
    # Beyond what was measured, it rises on.
    assert calibration.threshold(MaskState.NONE, 0.01, 1, frames=6).similarity == pytest.approx(
        1.06 * single.similarity
    )


@given(SIMILARITIES, st.floats(1, 50), st.floats(1, 50))
def test_a_similarity_of_more_frames_is_never_more_evidence(
    calibration: Calibration, similarity: float, one: float, other: float
) -> None:
    few, many = sorted((one, other))
    if similarity > 0:
        fused = calibration.llr(similarity, MaskState.NONE, many)
        assert fused.value <= calibration.llr(similarity, MaskState.NONE, few).value


def test_the_rate_has_the_interval_of_the_curve() -> None:
    document = CALIBRATION.model_dump(mode="json")
    points = document["curves"]["none"]["similarity"]
    document["curves"]["none"]["similarity_interval"] = [[s - 0.01, s + 0.01] for s in points]
    calibration = Calibration.parse(document, "test-pack")
    rate = calibration.rate(0.3, MaskState.NONE)
    assert (rate.fmr, rate.low, rate.high) == pytest.approx((1e-3, 10**-3.1, 10**-2.9))
    assert rate.sufficient
    assert not calibration.rate(0.59, MaskState.NONE).sufficient
    assert calibration.rate(0.0, MaskState.NONE).high == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"llr": [-4, -1, 5]}, "length"),
        ({"llr": [-4, -1, 5, 4]}, "never fall"),
        ({"similarity": [0.1, 0.1, 0.4, 0.6]}, "rise"),
        ({"low": [-5, -0.5, 4, 8]}, "interval"),
        ({"fnmr": [0.1, 0.2, 0.4, 1.4]}, "share"),
    ],
)
def test_a_likelihood_that_cannot_be_one_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Likelihood.model_validate(measured() | change)


def test_version_2_without_evidence_for_a_curve_is_refused(calibration: Calibration) -> None:
    document = calibration.model_dump(mode="json")
    del document["likelihoods"]["worn"]
    with pytest.raises(ModelPackError, match="worn") as refused:
        Calibration.parse(document, "test-pack")
    assert refused.value.code is Code.CALIBRATION_INVALID


@pytest.mark.parametrize(
    "fused", [{"frames": [2], "scale": [1]}, {"frames": [1, 2], "scale": [1, 0.5]}, {"frames": [1], "scale": [1, 2]}]
)
def test_frames_that_would_lower_a_threshold_are_refused(calibration: Calibration, fused: dict[str, object]) -> None:
    document = calibration.model_dump(mode="json")
    document["fused"] = {"none": fused}
    with pytest.raises(ModelPackError):
        Calibration.parse(document, "test-pack")
