"""A wall clock that is set must not prolong anything, and must not go unnoticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gate.clock import ClockStep, GuardedClock, SystemClock
from tests.gallery.fakes import StandingClock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def wall() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
def alarms() -> list[ClockStep]:
    return []


@pytest.fixture
def guarded(wall: StandingClock, alarms: list[ClockStep]) -> GuardedClock:
    return GuardedClock(wall, alarms.append)


def seconds(alarms: list[ClockStep]) -> list[float]:
    return [round(step.seconds, 3) for step in alarms]


def test_an_untouched_clock_is_passed_on(guarded: GuardedClock, wall: StandingClock, alarms: list[ClockStep]) -> None:
    for _ in range(5):
        wall.wait(3600)
        assert (guarded.utc(), guarded.monotonic()) == (wall.now, wall.seconds)
    assert not alarms


def test_a_step_back_is_not_followed(guarded: GuardedClock, wall: StandingClock, alarms: list[ClockStep]) -> None:
    wall.wait(60)
    wall.now -= timedelta(hours=1)
    assert guarded.utc() == NOW + timedelta(seconds=60)
    wall.wait(30)
    assert guarded.utc() == NOW + timedelta(seconds=90)
    assert seconds(alarms) == [-3600], "one alarm a step, not one a reading"
    wall.now += timedelta(hours=1)
    assert guarded.utc() == wall.now
    assert seconds(alarms) == [-3600, 3600]


def test_a_step_forwards_is_followed_at_once(
    guarded: GuardedClock, wall: StandingClock, alarms: list[ClockStep]
) -> None:
    wall.now += timedelta(hours=5)
    assert guarded.utc() == NOW + timedelta(hours=5)
    wall.now -= timedelta(hours=5)
    wall.wait(10)
    assert guarded.utc() == NOW + timedelta(hours=5, seconds=10)
    assert seconds(alarms) == [18000, -18000]


def test_a_slew_is_silent_but_many_small_steps_are_not(
    guarded: GuardedClock, wall: StandingClock, alarms: list[ClockStep]
) -> None:
    wall.now += timedelta(seconds=1.5)
    guarded.utc()
    assert not alarms
    for _ in range(4):
        wall.now -= timedelta(seconds=1)
        guarded.utc()
    assert seconds(alarms) == [-2.5]
    assert guarded.utc() == NOW + timedelta(seconds=1.5)


def test_after_a_restart_time_goes_on_from_the_latest_known(wall: StandingClock, alarms: list[ClockStep]) -> None:
    """Somebody who sets the clock back while the engine is off would revive whom it has outlived."""
    known = NOW + timedelta(hours=2)
    guarded = GuardedClock(wall, alarms.append, floor=known)
    wall.wait(10)
    assert guarded.utc() == known + timedelta(seconds=10)
    assert [(round(step.seconds), step.cause) for step in alarms] == [(-7200, "restart")]


def test_a_restart_with_the_right_time_is_silent(wall: StandingClock, alarms: list[ClockStep]) -> None:
    guarded = GuardedClock(wall, alarms.append, floor=NOW - timedelta(hours=2))
    assert guarded.utc() == NOW
    assert not alarms


def test_the_anchor_takes_back_a_wrong_step_forwards(
    guarded: GuardedClock, wall: StandingClock, alarms: list[ClockStep]
) -> None:
    """Otherwise one wrong NTP answer would lock the gate out until the year it named."""
    wall.now += timedelta(days=3650)
    guarded.utc()
    wall.now -= timedelta(days=3650)
    guarded.anchor()
    assert guarded.utc() == NOW
    assert [step.cause for step in alarms] == ["step", "step", "anchor"]
    guarded.anchor()
    assert len(alarms) == 3, "an anchor that changes nothing is silent"


def test_the_anchor_does_not_follow_a_step_back(guarded: GuardedClock, wall: StandingClock) -> None:
    """Whoever is loaded next would live hours longer than their departure allows."""
    wall.wait(60)
    wall.now -= timedelta(hours=10)
    guarded.anchor()
    assert guarded.utc() == NOW + timedelta(seconds=60)


def test_the_machines_clocks_are_utc_and_monotonic() -> None:
    clock = SystemClock()
    assert clock.utc().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
