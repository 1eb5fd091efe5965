"""Simulated passages: what is drawn, and what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.policy import Kind, Passage, Plan, _measured, _share
from benchmarks.policy_fingers import DrawnFingers, named, sample_of
from gate.decision.outcome import Decision, Outcome, Reason


@pytest.fixture
def fingers() -> DrawnFingers:
    return DrawnFingers("leader-1", np.array([0.9]), np.array([0.1]), np.random.default_rng(1))


def test_a_finger_is_alike_to_its_own_and_to_no_other(fingers: DrawnFingers) -> None:
    probe = fingers.read(sample_of(7))
    assert fingers.compare(probe, [named(7, "drawn")]).score == 0.9
    assert fingers.compare(probe, [named(8, "drawn")]).score == 0.1
    assert fingers.compare(probe, []).fmr == 1


def test_several_references_are_several_chances(fingers: DrawnFingers) -> None:
    """A stranger held against ten fingers must not look like a stranger held against one."""
    probe = fingers.read(sample_of(7))
    one, ten = fingers.compare(probe, [named(8, "drawn")]), fingers.compare(probe, [named(8, "drawn")] * 10)
    assert ten.fmr > one.fmr
    assert ten.llr < one.llr


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(0, 100, 0.0, 3.7), (50, 100, 40.4, 59.6), (100, 100, 96.3, 100)]
)
def test_shares_have_wilsons_interval(hits: int, n: int, low: float, high: float) -> None:
    """By hand: z = 1.96; none of a hundred is up to 3.7 %."""
    figure = _share("x", [True] * hits + [False] * (n - hits))
    assert (figure.value, figure.n) == (100 * hits / n, n)
    assert (figure.ci_low, figure.ci_high) == pytest.approx((low, high), abs=0.05)


def test_every_passage_is_counted_once() -> None:
    opened = Decision(Outcome.OPEN, Reason.MATCHED, "a", "F")
    refused = Decision(Outcome.OFFICER, Reason.NO_MATCH)
    played = [
        Passage(Kind.EXPECTED, False, opened, False, False, 1.0),
        Passage(Kind.EXPECTED, False, refused, False, True, 2.0),
        Passage(Kind.STRANGER, True, opened, True, False, 3.0),
    ]
    found = _measured(Plan(Path("none")), played, 3).by_name()
    assert found["policy.pedestrian.expected.unmasked.opened"].value == 50
    assert found["policy.pedestrian.expected.unmasked.asked_for_finger"].value == 50
    assert found["policy.pedestrian.stranger.masked.wrongly_opened"].value == 100
