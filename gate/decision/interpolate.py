"""One value on a measured curve, without arrays: to make them of a curve of hundreds of points took longer than all the
rest of a decision."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


def interpolated(x: float, rising: Sequence[float], values: Sequence[float]) -> float:
    """Linear between the points, and the first or last value beyond them; to the bit what `numpy.interp` says.

    Args:
        x: where; a number.
        rising: places of the points, strictly rising, at least one.
        values: at these places.
    """
    after = bisect_right(rising, x)
    if after == 0:
        return values[0]
    before = after - 1
    if after == len(rising) or rising[before] == x:
        return values[before]
    slope = (values[after] - values[before]) / (rising[after] - rising[before])
    return slope * (x - rising[before]) + values[before]


def interpolated_falling(x: float, falling: Sequence[float], values: Sequence[float]) -> float:
    """The same where the places strictly fall."""
    after = bisect_right(falling, -x, key=lambda place: -place)
    near = slice(max(0, after - 1), after + 1)
    return interpolated(-x, [-place for place in falling[near]], values[near])
