"""What a score means: a rate that is too low opens the gate to strangers, an interval too narrow lies about it."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Code, ModelPackError
from gate.fingerprint.calibration.curve import FingerCalibration, expit, logit
from gate.fingerprint.calibration.fit import Comparisons, fit
from gate.fingerprint.matcher import CylinderMatcher

FINGERS = 30
NAMES = {"extractor": "leader-1", "matcher": "cylinders-1"}


def comparisons(seed: int = 0, shared_by_finger: float = 0.0) -> Comparisons:
    """Normal evidence around -2 for strangers and +2 for mates, as a score; eight impressions of each finger.

    Args:
        seed: of the noise.
        shared_by_finger: standard deviation of what a finger's comparisons have in common.
    """
    rng = np.random.default_rng(seed)
    pairs = [(i, j) for i, j in combinations(range(FINGERS), 2) for _ in range(8)]
    pairs += [(i, i) for i in range(FINGERS) for _ in range(28)]
    probe, reference = np.array(pairs).T
    own = rng.normal(0, shared_by_finger, FINGERS)
    evidence = np.where(probe == reference, 2.0, -2.0) + rng.normal(size=len(pairs)) + own[probe] + own[reference]
    return Comparisons(np.array([expit(e) for e in evidence]), probe, reference)


def calibration(found: Comparisons) -> FingerCalibration:
    return fit(found, **NAMES, data="invented", rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def measured() -> FingerCalibration:
    return calibration(comparisons())


@pytest.mark.parametrize("evidence", [-2.0, -1.0, 0.0])
def test_the_rate_is_the_share_of_strangers(measured: FingerCalibration, evidence: float) -> None:
    truth = 0.5 * math.erfc((evidence + 2) / math.sqrt(2))
    found = measured.rate(expit(evidence))
    assert found.low < truth < found.high
    assert found.fmr == pytest.approx(truth, rel=0.35)
    assert not found.extrapolated


@given(one=st.floats(0, 1), other=st.floats(0, 1))
def test_a_higher_score_is_never_likelier_of_strangers(one: float, other: float) -> None:
    measured = _SOME
    low, high = sorted((one, other))
    assert measured.rate(low).fmr >= measured.rate(high).fmr
    assert measured.llr(low) <= measured.llr(high)
    assert measured.rate(low).low <= measured.rate(low).fmr <= measured.rate(low).high


@given(fmr=st.floats(1e-4, 0.9))
def test_a_threshold_keeps_its_rate(fmr: float) -> None:
    assert _SOME.rate(_SOME.threshold(fmr)).fmr == pytest.approx(fmr, rel=1e-3)


def test_a_rate_that_was_not_measured_says_so(measured: FingerCalibration) -> None:
    """Three thousand comparisons of thirty fingers certify no rate of one in a million."""
    found = measured.rate(measured.threshold(1e-6))
    assert found.extrapolated
    assert found.low == 0
    assert found.high > 10 * found.fmr


def test_scores_at_the_ends_have_a_rate(measured: FingerCalibration) -> None:
    assert measured.rate(0).fmr == 1
    assert 0 < measured.rate(1).fmr < measured.points[-1].fmr


def test_the_ratio_is_that_of_the_two_distributions_and_bounded_by_the_data(measured: FingerCalibration) -> None:
    # Normal at ±2 with variance 1: the logarithm of their ratio is 4 times the evidence.
    for evidence in (-1.0, 0.0, 1.0):
        assert measured.llr(expit(evidence)) == pytest.approx(4 * evidence, abs=0.8)
    assert measured.llr(1) == measured.llr_most == pytest.approx(math.log(measured.non_mated / 3))
    assert measured.llr(0) == measured.llr_least == pytest.approx(-math.log(measured.mated / 3))


def test_fingers_that_all_match_easily_widen_the_interval() -> None:
    """Resampling comparisons instead of fingers would give both the same."""
    even, uneven = calibration(comparisons(2)), calibration(comparisons(2, shared_by_finger=0.7))

    def width(found: FingerCalibration) -> float:
        rate = found.rate(found.threshold(0.01))
        return math.log(rate.high / rate.low)

    assert width(uneven) > 1.5 * width(even)


def test_templates_too_small_to_compare_do_not_flatten_the_ratio() -> None:
    """One mated pair at 0 has a logit of -20: the line through it would call a good match a doubtful one."""
    found = comparisons()
    nothing = Comparisons(np.where(np.arange(len(found.score)) % 50, found.score, 0.0), found.probe, found.reference)
    assert calibration(nothing).llr_slope == pytest.approx(calibration(found).llr_slope, rel=0.1)


def test_getting_past_what_keeps_strangers_at_nothing_says_something() -> None:
    """With fingers that must lie upright most strangers score 0, and hardly a mate."""
    found = comparisons()
    kept_out = ~found.mated & (np.arange(len(found.score)) % 4 != 0)
    upright = calibration(Comparisons(np.where(kept_out, 0.0, found.score), found.probe, found.reference))
    assert upright.llr(0.5) == pytest.approx(calibration(found).llr(0.5) + math.log(4), abs=0.3)


def test_sides_that_do_not_overlap_give_a_finite_ratio() -> None:
    found = comparisons()
    apart = Comparisons(np.where(found.mated, 0.9, found.score / 4), found.probe, found.reference)
    measured = calibration(apart)
    assert math.isfinite(measured.llr_slope)
    assert measured.llr(0.9) > 0 > measured.llr(0.1)


def test_equal_scores_make_one_point() -> None:
    found = comparisons()
    measured = calibration(Comparisons(np.round(found.score, 1), found.probe, found.reference))
    assert all(a.score < b.score and a.fmr > b.fmr for a, b in pairwise(measured.points))


def test_refused_comparisons_count_as_no_match() -> None:
    found = comparisons()
    score = np.where(np.arange(len(found.score)) % 5 == 0, -1.0, found.score)
    assert calibration(Comparisons(score, found.probe, found.reference)).rate(0).fmr == 1


@pytest.mark.parametrize(
    "change",
    [
        {"points": []},
        {"llr_slope": -1},
        {"extractor": "other"},
        {"matcher": "other"},
        {"schema_version": 2},
        {"more": 1},
    ],
)
def test_a_calibration_that_is_none_or_anothers_is_refused(
    measured: FingerCalibration, change: dict[str, object]
) -> None:
    with pytest.raises(ModelPackError) as refused:
        FingerCalibration.parse(measured.model_dump() | change, **NAMES)
    assert refused.value.code is Code.CALIBRATION_INVALID


def test_what_is_written_is_read(measured: FingerCalibration) -> None:
    assert FingerCalibration.parse(measured.model_dump(), **NAMES) == measured


def test_a_calibration_that_nobody_measured_is_missed() -> None:
    with pytest.raises(ModelPackError, match="nobody"):
        FingerCalibration.find("nobody-1", "cylinders-1")


@pytest.mark.parametrize("limit_deg", [180, 60])
@pytest.mark.parametrize("extractor", ["leader-1", "mindtct-1"])
def test_the_calibrations_that_come_along(extractor: str, limit_deg: float) -> None:
    found = FingerCalibration.find(extractor, CylinderMatcher(math.radians(limit_deg)).name)
    threshold = found.threshold(1e-3)
    assert 0.3 < threshold < 0.9
    assert found.llr(threshold) > 0


@pytest.mark.parametrize("extractor", ["leader-1", "mindtct-1"])
@pytest.mark.parametrize("score", [0.3, 0.4, 0.5, 0.6])  # measured, not extrapolated
def test_strangers_whose_fingers_must_lie_upright_reach_a_score_no_more_often(extractor: str, score: float) -> None:
    anyhow, upright = (
        FingerCalibration.find(extractor, CylinderMatcher(math.radians(limit_deg)).name) for limit_deg in (180, 60)
    )
    assert upright.rate(score).fmr <= anyhow.rate(score).fmr


def test_a_matcher_has_the_name_of_the_widest_limit_that_was_calibrated_for_it() -> None:
    """A calibration made with a narrower limit would promise too much."""
    names = {limit_deg: CylinderMatcher(math.radians(limit_deg)).name for limit_deg in (10, 60, 61, 180)}
    upright, anyhow = "cylinders-1-upright", "cylinders-1"
    assert names == {10: upright, 60: upright, 61: anyhow, 180: anyhow}


def test_the_logit_is_finite_at_the_ends() -> None:
    assert math.isfinite(logit(0)) and math.isfinite(logit(1))


_SOME = calibration(comparisons())
