"""A throughput that skips decisions, or a lane count that hides a lost one, promises what no gate can keep."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from benchmarks import lanes
from benchmarks.lanes import Tally, most
from benchmarks.throughput_subjects import FilmClock, LoopSubject
from benchmarks.walkups import WalkUp
from tests.service import fakes
from tests.service.running import rig


def test_the_film_has_its_own_time() -> None:
    """Played faster than it was filmed, a passage must still wait between looks as it does at a gate."""
    clock = FilmClock()
    started = clock.utc()
    clock.advance(0.1)
    assert clock.monotonic() == pytest.approx(0.1)
    assert (clock.utc() - started).total_seconds() == pytest.approx(0.1)


def test_a_loop_decides_once_and_goes_on() -> None:
    gallery = np.eye(3, dtype=np.float32)
    shown = {b"a": None, b"b": gallery[1], b"c": gallery[2]}
    seen: list[bytes] = []

    def embed(jpeg: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None:
        seen.append(jpeg)
        return shown[jpeg]

    found = LoopSubject(embed, gallery, ["x", "y", "z"], 0.5).watch((b"a", b"b", b"c"))
    assert (found.who, found.looked, len(seen)) == ("y", 3, 3)
    assert found.until_ms <= found.took_ms


def test_nobody_is_let_through_below_the_threshold() -> None:
    weak = np.array([0.4, 0.3], np.float32)
    found = LoopSubject(lambda _jpeg: weak, np.eye(2, dtype=np.float32), ["x", "y"], 0.5).watch((b"a",))
    assert found.who is None
    assert found.until_ms == found.took_ms


@pytest.mark.parametrize(
    ("p99", "lost", "expected"),
    [
        ({1: 50, 4: 100, 8: 250, 16: 900}, {}, 8),
        ({1: 50, 4: 400, 8: 250}, {}, 1),  # more lanes cannot make up for fewer
        ({1: 50, 4: 100, 8: 200}, {4: 1}, 1),  # a decision that is lost is no capacity
        ({1: 301}, {}, 0),
    ],
)
def test_lanes_count_only_up_to_the_first_that_fails(
    p99: dict[int, float], lost: dict[int, int], expected: int
) -> None:
    waits = {n: lanes._Wait(value, value, value) for n, value in p99.items()}
    assert most(waits, {n: lost.get(n, 0) for n in waits})[0] == expected


def test_the_interval_of_the_lane_count_follows_from_those_of_the_waits() -> None:
    waits = {1: lanes._Wait(50, 40, 60), 4: lanes._Wait(290, 250, 320), 8: lanes._Wait(320, 290, 400)}
    assert most(waits, dict.fromkeys(waits, 0)) == (4, 1, 8)


def test_an_unfair_lane_shows() -> None:
    tally = Tally(by_lane={1: [10.0], 2: [10.0], 3: [40.0]})
    assert lanes._unfairness(tally) == 4.0


def test_figures_and_plots_of_lanes_can_be_written() -> None:
    tally = Tally([20.0, 30.0], {1: [20.0, 30.0]}, 0, 2, 2, 40, 40, 4, [1.0], 2.0)
    found = lanes._measured(lanes.Plan(counts=(1, 2)), {1: tally, 2: Tally(lost=3, seconds=1.0)}, 5)
    by_name = found.by_name()
    assert by_name["lanes.max_at_10fps"].value == 1
    assert by_name["lanes.1.frames_per_s"].value == 20.0
    assert by_name["lanes.1.dropped"].value == 10.0
    assert by_name["lanes.2.lost"].value == 3
    assert len(found.plots) == 2
    assert found.document()


async def test_every_passage_of_a_lane_is_counted_once() -> None:
    """Over a real server: decided, not lost, and waited for from the frame that decided."""
    async with rig() as running:
        walking = [WalkUp("T1", b"", (fakes.jpeg(None), fakes.jpeg(3), fakes.jpeg(3)))]
        tally = await lanes.load(running.server.address, 1, walking, 0.5)
    assert tally.decided >= 2
    assert (tally.lost, tally.opened) == (0, tally.decided)
    assert len(tally.waits_ms) == tally.decided
    assert max(tally.waits_ms) < 5000


async def test_a_lane_that_the_engine_does_not_serve_is_lost_and_ends() -> None:
    """A benchmark that hangs on an error, or drops it, would count it as capacity."""
    async with rig() as running:
        walking = [WalkUp("T1", b"", (fakes.jpeg(3),))]
        tally = await asyncio.wait_for(lanes.load(running.server.address, 4, walking, 0.3), 20)
    assert tally.lost >= 1
