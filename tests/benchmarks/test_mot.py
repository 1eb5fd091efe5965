"""Measures of following that are wrong would praise a tracker that swaps people."""

from __future__ import annotations

import pytest

from benchmarks.mot import Box, Shot, follow, iou


def box(x: float, y: float = 0.0) -> Box:
    return (x, y, x + 10, y + 10)


def test_a_perfect_tracker() -> None:
    found = follow(Shot({0: box(n), 1: box(100 - n)}, (), {7: box(n), 8: box(100 - n)}) for n in range(10))
    assert (found.mota, found.idf1, found.switches) == (1.0, 1.0, 0)
    assert found.owners == {7: 0, 8: 1}
    assert found.tracks_of(1) == (8,)


def test_a_swap_counts_for_both_people_and_halves_the_identities() -> None:
    shots = [
        Shot({0: box(0), 1: box(50)}, (), {7: box(0 if n < 5 else 50), 8: box(50 if n < 5 else 0)}) for n in range(10)
    ]
    found = follow(shots)
    assert found.switches == 2
    assert found.mota == pytest.approx(0.9)
    assert found.idf1 == pytest.approx(0.5)


def test_misses_and_false_alarms() -> None:
    found = follow([Shot({0: box(0)}, (), {}), Shot({0: box(0)}, (), {7: box(0), 8: box(80)})])
    assert (found.misses, found.false_alarms, found.faces, found.found) == (1, 1, 2, 2)
    assert found.mota == 0


def test_somebody_hidden_is_neither_missed_nor_a_false_alarm() -> None:
    found = follow([Shot({}, (box(0),), {7: box(1)}), Shot({}, (box(0),), {})])
    assert (found.misses, found.false_alarms) == (0, 0)


def test_a_track_that_two_people_lay_claim_to_is_one_person_s() -> None:
    """Both overlapped it before; the second one has walked into its box."""
    shots = [
        Shot({0: box(0)}, (), {7: box(0)}),
        Shot({1: box(2)}, (), {7: box(2)}),
        Shot({0: box(0), 1: box(1)}, (), {7: box(0)}),
    ]
    assert follow(shots).misses == 1


def test_overlap() -> None:
    assert iou(box(0), box(0)) == 1
    assert iou(box(0), box(5)) == pytest.approx(1 / 3)
    assert iou(box(0), box(20)) == 0
