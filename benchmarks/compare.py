"""What changed between two runs beyond their noise.

The interval of a difference follows from the intervals of its two sides: with B - A = d, its ends are
d - sqrt((B - B_low)^2 + (A_high - A)^2) and d + sqrt((B_high - B)^2 + (A - A_low)^2) (MOVER: G. Y. Zou and A. Donner,
Statistics in Medicine 27, 2008). It holds for independent runs. Two runs over the same photographs share their luck, so
a difference that it calls noise may still be one; what it calls a change is one in 19 of 20.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.measured import Measured

_MORE_IS_BETTER = (
    "tpir", "accuracy", "per_s", "max_at", "throughput.ratio", "agreement", "corridor.mota", "corridor.idf1",
    "expected_passed", ".decided", "watchlist.found", ".own", ".first_look", ".within_goal", ".opened",
)  # fmt: skip
_WRONG = ("stranger", "borrowed", "wrongly")
"""To whom or how a gate should not open: there less is better, whatever is counted."""

_NEITHER = ("refused", "travellers", "opened_by_finger", "asked_for_finger", "finger_outcome", "looked_at")
_FACTS = ("dataset", "pack", "pack_id", "masks", "quick", "processor", "cores", "policy", "people")


class Change(enum.Enum):
    """What became of a figure."""

    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"
    NOISE = "within noise"


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure in both runs: B - A with its 95 % interval."""

    before: Figure
    after: Figure
    low: float
    high: float

    @property
    def value(self) -> float:
        """B - A."""
        return self.after.value - self.before.value

    @property
    def change(self) -> Change:
        """Whether zero lies outside of the interval, and on which side."""
        if self.low <= 0 <= self.high:
            return Change.NOISE
        if any(part in self.before.name for part in _NEITHER):
            return Change.CHANGED
        return Change.BETTER if (self.value > 0) == more_is_better(self.before.name) else Change.WORSE


def more_is_better(name: str) -> bool:
    """Whether a figure of this name is to be high; times, ratios to a floor and error rates are to be low."""
    # What follows `.opened.` is how long it took.
    if any(part in name for part in (*_WRONG, ".opened.")):
        return False
    return any(part in name for part in _MORE_IS_BETTER)


def difference(before: Figure, after: Figure) -> Difference:
    """Of one figure."""
    value = after.value - before.value
    low = value - math.hypot(after.value - after.ci_low, before.ci_high - before.value)
    high = value + math.hypot(after.ci_high - after.value, before.value - before.ci_low)
    return Difference(before, after, low, high)


def differences(before: Measured, after: Measured) -> list[Difference]:
    """Of every figure that both have, in the unit that both have."""
    earlier = before.by_name()
    return [
        difference(earlier[name], figure)
        for name, figure in after.by_name().items()
        if name in earlier and earlier[name].unit == figure.unit
    ]


def other_circumstances(before: Measured, after: Measured) -> list[str]:
    """Facts that differ, so that figures may differ without the engine being another."""
    one, other = _facts(before), _facts(after)
    return [
        f"{key}: {one[key]} before, {other[key]} after"
        for key in sorted(one.keys() & other.keys())
        if one[key] != other[key]
    ]


def _facts(measured: Measured) -> dict[str, object]:
    found: dict[str, object] = {}

    def walk(facts: Mapping[str, object]) -> None:
        for key, value in facts.items():
            if isinstance(value, Mapping):
                walk(value)
            elif key in _FACTS:
                found.setdefault(key, value)

    walk(measured.machine)
    walk(measured.run)
    return found
