"""A rate that hides its failures, or an interval that is too narrow, would pass a gate that lets strangers in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import rates


def ones(n: int) -> rates.Floats:
    return np.ones(n)


def test_a_threshold_lets_through_the_share_that_is_allowed_and_not_one_more() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    threshold = rates.threshold_at(scores, ones(10), 10, 0.2)
    assert (scores >= threshold).sum() == 2
    assert rates.threshold_at(scores, ones(10), 10, 0.0) > 0.9


def test_equal_scores_are_all_out_when_one_of_them_is() -> None:
    """Else the measured rate would be above the wanted one."""
    scores = np.array([0.9, 0.8, 0.8, 0.8, 0.1])
    threshold = rates.threshold_at(scores, ones(5), 5, 0.4)
    assert (scores >= threshold).sum() == 1


def test_the_highest_scores_are_enough() -> None:
    scores = np.sort(np.random.default_rng(1).normal(size=1000))[::-1]
    whole = rates.threshold_at(scores, ones(1000), 1000, 0.01)
    assert rates.threshold_at(scores[:30], ones(30), 1000, 0.01) == whole


def test_somebody_drawn_twice_counts_twice() -> None:
    scores, weights = np.array([0.9, 0.8, 0.7]), np.array([2.0, 1.0, 1.0])
    assert rates.threshold_at(scores, weights, 4, 0.5) == np.nextafter(0.8, np.inf)
    assert rates.share_at(scores, weights, 0.85) == 0.5


def test_a_failed_comparison_never_reaches_a_threshold() -> None:
    """Not even one that lets everybody through."""
    scores = np.array([0.5, rates.FAILED])
    assert rates.share_at(scores, ones(2), rates.FAILED) == 0.5


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=60), st.floats(0, 1))
def test_the_realised_rate_is_at_most_the_wanted_one_and_no_lower_threshold_would_do(
    scores: list[float], rate: float
) -> None:
    falling = np.sort(np.array(scores))[::-1]
    threshold = rates.threshold_at(falling, ones(len(falling)), len(falling), rate)
    assert (falling >= threshold).mean() <= rate + 1e-9
    below = falling[falling < threshold]
    if len(below):
        assert (falling >= below.max()).mean() > rate - 1e-9


def test_the_rule_of_three_bounds_what_was_never_seen() -> None:
    """No error among 60 people does not mean that there are none: up to 5 % go unseen."""
    resampled = rates.draws(60, 200, np.random.default_rng(1))
    rate = rates.rate_over_people(np.zeros(120, bool), np.repeat(np.arange(60), 2), resampled)
    assert (rate.value, rate.low, rate.n) == (0.0, 0.0, 120)
    assert rate.high == pytest.approx(5.0)


def test_the_interval_is_of_people_not_of_photographs() -> None:
    """Ten photographs of one unlucky person are one piece of evidence."""
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(50), 10)
    hit = np.repeat(rng.random(50) < 0.5, 10)
    rate = rates.rate_over_people(hit, person, rates.draws(50, 500, rng))
    naive = 100 * 1.96 * np.sqrt(0.25 / 500)
    assert rate.high - rate.low > 4 * naive


def test_the_interval_holds_the_true_rate_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        hit = rng.random(300) < 0.2
        rate = rates.rate_over_people(hit, np.arange(300), rates.draws(300, 200, rng))
        held += rate.low <= 20 <= rate.high
    assert held >= 52


@pytest.mark.parametrize(("comparisons", "rate", "enough"), [(9999, 1e-3, False), (10000, 1e-3, True), (0, 0.5, False)])
def test_a_rate_needs_ten_false_matches(comparisons: int, rate: float, enough: bool) -> None:
    assert rates.enough(comparisons, rate) is enough
