"""Our matcher: what fingers go through on their way to a sensor, and prints that are real."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.fingerprint.matcher import CylinderMatcher
from gate.fingerprint.read import read_finger_record
from gate.fingerprint.template import FingerTemplate
from tests.fingerprint.fingers import another_impression, finger, moved, template

MATCHER = CylinderMatcher()
SAME = 0.5
"""What another impression must reach, and another finger must not."""

seeds = st.integers(0, 2**32 - 1)
shifts = st.tuples(st.floats(-300, 300), st.floats(-300, 300))


def score(probe: FingerTemplate, reference: FingerTemplate, matcher: CylinderMatcher = MATCHER) -> float:
    return matcher.score(matcher.prepare(probe), matcher.prepare(reference))


@settings(max_examples=60, deadline=None)
@given(seed=seeds, rotation=st.floats(-math.pi, math.pi), shift=shifts)
def test_how_a_finger_lies_changes_nothing(seed: int, rotation: float, shift: tuple[float, float]) -> None:
    """Coordinates round, and a pair at the edge of a tolerance may tip: hence not exactly nothing."""
    one = finger(seed)
    again = another_impression(one, seed)
    assert score(one, moved(again, rotation, shift)) == pytest.approx(score(one, again), abs=0.01)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, lost=st.floats(0, 0.35), stretch=st.floats(0, 0.06))
def test_minutiae_lost_invented_and_displaced_leave_a_match(seed: int, lost: float, stretch: float) -> None:
    one = finger(seed, 40)
    assert score(one, another_impression(one, seed, lost=lost, stretch=stretch)) > SAME


def test_different_fingers_hardly_ever_match() -> None:
    """Noise has minutiae too, and many: their number must not make up for their places.

    Never is too much to ask: of some thousand pairs of strangers one reaches what mates reach, by chance.
    """
    rng = np.random.default_rng(1)
    sizes = rng.integers(10, 81, (300, 2))
    reached = [score(finger(2 * i, int(n)), finger(2 * i + 1, int(m))) >= SAME for i, (n, m) in enumerate(sizes)]
    assert sum(reached) <= 3


def test_half_a_finger_is_enough() -> None:
    """A finger put down beside the sensor's middle: what the other half shows must not count as missing."""
    one = finger(8, 60)
    for seed, side in enumerate((one.x_px < 1000, one.x_px >= 1000, one.y_px < 1000, one.y_px >= 1000)):
        half = template(one.x_px[side], one.y_px[side], one.angle_rad[side], one.quality[side])
        assert score(one, another_impression(half, seed, lost=0.0)) > SAME


def test_an_upside_down_finger_matches_only_where_any_rotation_is_allowed() -> None:
    upright = CylinderMatcher(max_rotation_rad=math.radians(60))
    one = finger(4)
    again = another_impression(one, 4)
    turned = moved(again, math.pi)
    assert score(one, turned) > SAME
    assert score(one, turned, upright) < SAME
    for degrees in (-50, 0, 50):
        tilted = moved(again, math.radians(degrees))
        assert score(one, tilted, upright) == pytest.approx(score(one, tilted), abs=0.01)


@settings(max_examples=60, deadline=None)
@given(first=seeds, second=seeds, rotation=st.floats(-math.pi, math.pi), limit_deg=st.floats(1, 180))
def test_a_limit_never_raises_a_score(first: int, second: int, rotation: float, limit_deg: float) -> None:
    """Where it did, strangers would reach the calibrated scores more often than the calibration says."""
    one, other = finger(first), moved(finger(second), rotation)
    assert score(one, other, CylinderMatcher(math.radians(limit_deg))) in {0.0, score(one, other)}


@pytest.mark.parametrize("rotation_rad", [0.0, -1.0, 3.2, math.nan])
def test_a_limit_that_is_none_is_refused(rotation_rad: float) -> None:
    with pytest.raises(ValueError, match="rotation"):
        CylinderMatcher(rotation_rad)


def test_a_comparison_tells_how_the_prints_lie() -> None:
    one = finger(5)
    found = MATCHER.compare(MATCHER.prepare(one), MATCHER.prepare(moved(one, math.radians(25), (40, -30))))
    assert abs(found.rotation_rad) == pytest.approx(math.radians(25), abs=0.01)
    assert found.pairs == len(one)
    assert found.measures is not None
    assert found.measures.rigid == pytest.approx(1, abs=0.01)
    assert found.measures.unpaired == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    "places",
    [
        np.zeros((12, 2)),  # all in one place
        np.stack([np.arange(12) * 20.0, np.zeros(12)], axis=1),  # on one line: a hull without area
        np.stack([np.arange(12) * 1e-3, np.zeros(12)], axis=1),
        np.random.default_rng(0).uniform(0, 1999, (255, 2)),  # as many as a record can hold
    ],
    ids=["point", "line", "tiny", "full"],
)
def test_odd_templates_neither_break_nor_open(places: np.ndarray) -> None:
    """Such a template comes from a broken extractor or an attacker; division by a hull's area would be NaN."""
    odd = template(places[:, 0], places[:, 1], np.linspace(0, 6, len(places)))
    assert 0 <= score(odd, odd) <= 1
    assert score(odd, finger(1)) < SAME


def test_real_prints_of_one_finger_score_higher_than_those_of_others(shared: Path) -> None:
    """Some 25 minutiae each, whose origin nobody wrote down: harder than what our own extractors find."""
    folder = shared / "data" / "fingerprints" / "FVC2002_DB1_B" / "iso19794-2"
    prints = {
        (finger_, impression): MATCHER.prepare(
            read_finger_record((folder / f"{finger_}_{impression}.iso").read_bytes()).views[0]
        )
        for finger_, impression in itertools.product(range(101, 111), range(1, 5))
    }
    mated, others = [], []
    for (p, probe), (q, reference) in itertools.combinations(prints.items(), 2):
        (mated if p[0] == q[0] else others).append(MATCHER.score(probe, reference))
    threshold = np.quantile(others, 0.99)
    assert np.mean(np.array(mated) <= threshold) < 0.1
