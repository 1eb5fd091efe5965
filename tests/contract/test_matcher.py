"""What holds for every matcher of fingers: for ours, and for a plain one that tries everything."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import Code, FingerprintError
from gate.fingerprint.matcher import FEWEST_MINUTIAE, CylinderMatcher, Matcher
from tests.fingerprint.fingers import another_impression, finger, moved, shuffled
from tests.fingerprint.plain_matcher import PlainMatcher
from tests.fingerprint.templates import templates

MATCHERS: list[Matcher[Any]] = [CylinderMatcher(), PlainMatcher()]
matchers = pytest.mark.parametrize("matcher", MATCHERS, ids=lambda matcher: matcher.name)
seeds = st.integers(0, 2**32 - 1)


def score(matcher: Matcher[Any], probe: Any, reference: Any) -> float:
    return matcher.score(matcher.prepare(probe), matcher.prepare(reference))


@matchers
@settings(max_examples=40, deadline=None)
@given(probe=templates(max_minutiae=40), reference=templates(max_minutiae=40))
def test_any_two_templates_have_a_score_and_it_is_the_same_from_both_sides(
    matcher: Matcher[Any], probe: Any, reference: Any
) -> None:
    """A template from the wire can hold anything: a NaN as a score would pass every `<` and fail every `>=`."""
    found = score(matcher, probe, reference)
    assert math.isfinite(found)
    assert 0 <= found <= 1
    assert found == score(matcher, reference, probe)


@matchers
@settings(max_examples=25, deadline=None)
@given(seed=seeds, order=seeds)
def test_the_order_of_minutiae_says_nothing(matcher: Matcher[Any], seed: int, order: int) -> None:
    one = finger(seed)
    other = another_impression(one, seed + 1)
    assert score(matcher, shuffled(one, order), other) == pytest.approx(score(matcher, one, other), abs=1e-6)


@matchers
@settings(max_examples=25, deadline=None)
@given(seed=seeds, minutiae=st.integers(12, 60))
def test_nothing_is_more_like_a_finger_than_itself(matcher: Matcher[Any], seed: int, minutiae: int) -> None:
    one = finger(seed, minutiae)
    itself = score(matcher, one, one)
    assert itself >= score(matcher, one, another_impression(one, seed))
    assert itself > score(matcher, one, finger(seed + 1, minutiae))


@matchers
@settings(max_examples=25, deadline=None)
@given(seed=seeds, rotation=st.floats(-math.pi, math.pi), shift=st.tuples(st.floats(-300, 300), st.floats(-300, 300)))
def test_another_impression_is_nearer_than_another_finger(
    matcher: Matcher[Any], seed: int, rotation: float, shift: tuple[float, float]
) -> None:
    one = finger(seed)
    again = moved(another_impression(one, seed), rotation, shift)
    assert score(matcher, one, again) > score(matcher, one, moved(finger(seed + 1), rotation, shift))


@matchers
@pytest.mark.parametrize("minutiae", range(FEWEST_MINUTIAE))
def test_few_minutiae_match_nothing_not_even_themselves(matcher: Matcher[Any], minutiae: int) -> None:
    """A few minutiae lie like others on almost any finger: a blank image must not open a gate."""
    few = finger(3, minutiae)
    assert score(matcher, few, few) == 0
    assert score(matcher, few, finger(3)) == score(matcher, finger(3), few) == 0


@matchers
def test_templates_of_different_extractors_are_refused(matcher: Matcher[Any]) -> None:
    """Each puts minutiae in places of its own: their score would be low, and taken for another finger."""
    one = finger(1)
    with pytest.raises(FingerprintError) as refused:
        score(matcher, one, replace(one, extractor="other"))
    assert refused.value.code is Code.FINGER_INCOMPARABLE
    assert "'test'" in refused.value.message
    assert "'other'" in refused.value.message
