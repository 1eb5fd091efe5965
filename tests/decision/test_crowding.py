"""Crowding: too many, too near; and an alarm that does not flicker."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.decision.crowding import Crowd, CrowdingAlarm, crowd_of
from gate.decision.watch_limits import WatchLimits
from gate.vision.probe import Face


def face(x: float, size: float = 100.0, y: float = 200.0) -> Face:
    half = size / 2
    return Face((x - half, y - half, x + half, y + half), np.zeros((5, 2), np.float32), 0.9)


LIMITS = WatchLimits(max_people=2, min_separation=1.5)


def test_nobody_and_few_apart_are_no_crowd() -> None:
    assert crowd_of({}, LIMITS) == Crowd()
    assert not crowd_of({1: face(100), 2: face(400)}, LIMITS).crowded


def test_more_than_allowed_is_one() -> None:
    found = crowd_of({1: face(100), 2: face(400), 3: face(700)}, LIMITS)
    assert (found.people, found.excess, found.close) == (3, True, frozenset())


@pytest.mark.parametrize(
    ("second", "close"),
    [
        (face(240), {1, 2}),  # shoulder to shoulder
        (face(260), set()),  # an arm's length apart
        (face(220, size=60), set()),  # far behind, only seen beside
        (face(100, y=340), {1, 2}),  # one above the other: carried
    ],
)
def test_heads_are_close_where_they_are_as_far_away(second: Face, close: set[int]) -> None:
    assert crowd_of({1: face(100), 2: second}, LIMITS).close == close


def test_zero_separation_allows_any() -> None:
    limits = WatchLimits(min_separation=0)
    assert crowd_of({1: face(100), 2: face(101)}, limits).close == frozenset()


def test_the_alarm_waits_and_stays() -> None:
    alarm, told = CrowdingAlarm(), []
    crowded = [False] * 3 + [True] * 3 + [False] + [True] * 8 + [False] * 8
    for number, each in enumerate(crowded):
        alarm = alarm.after(each, number / 10, hold_s=0.5)
        told.append(alarm.on)
    # Three frames are too few; the next eight are enough from the sixth on; as many again until it is over.
    assert told == [False] * 12 + [True] * 8 + [False] * 3


@given(st.lists(st.booleans(), max_size=60), st.floats(0, 2))
def test_the_alarm_never_changes_twice_within_the_hold(crowded: list[bool], hold_s: float) -> None:
    alarm, changed = CrowdingAlarm(), []
    for number, each in enumerate(crowded):
        before, alarm = alarm, alarm.after(each, number * 0.1, hold_s)
        if before.on is not alarm.on:
            changed.append(number * 0.1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(changed)]
    assert all(gap >= hold_s - 1e-9 for gap in gaps)
