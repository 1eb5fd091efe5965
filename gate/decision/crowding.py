"""Whether more people come at once, or nearer to each other, than a profile allows. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from gate.decision.watch_limits import WatchLimits
from gate.vision.probe import Face

_AS_FAR_AWAY = 0.75
"""Two faces whose sizes differ by less stand at one distance from the camera: what is between them in the picture is
what is between them in the lane. Otherwise the one only passes behind the other."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How the people in a frame stand.

    Attributes:
        people: how many are in view.
        close: ids of those whose heads are too near to another's.
        excess: there are more than the profile allows.
    """

    people: int = 0
    close: frozenset[int] = frozenset()
    excess: bool = False

    @property
    def crowded(self) -> bool:
        """More than is allowed, or too near."""
        return self.excess or bool(self.close)


def crowd_of(faces: Mapping[int, Face], limits: WatchLimits) -> Crowd:
    """How the people of these tracks stand: track id -> face."""
    close = set()
    for (one, first), (other, second) in itertools.combinations(sorted(faces.items()), 2):
        if _too_close(first, second, limits.min_separation):
            close |= {one, other}
    return Crowd(len(faces), frozenset(close), len(faces) > limits.max_people)


def _too_close(one: Face, other: Face, separation: float) -> bool:
    small, large = sorted((_width(one), _width(other)))
    if small < _AS_FAR_AWAY * large:
        return False
    return math.dist(one.centre, other.centre) < separation * (small + large) / 2


def _width(face: Face) -> float:
    return max(1.0, face.box_xyxy[2] - face.box_xyxy[0])


@dataclass(frozen=True, slots=True)
class CrowdingAlarm:
    """Raised when it has been crowded for a while, and lowered when it has not been for as long.

    Attributes:
        on: it is raised.
        since_s: since when the frames say otherwise, monotonic; None while they agree.
    """

    on: bool = False
    since_s: float | None = None

    def after(self, crowded: bool, at_s: float, hold_s: float) -> Self:
        """With a frame; `on` differs from before where the alarm changes."""
        if crowded is self.on:
            return replace(self, since_s=None)
        since_s = at_s if self.since_s is None else self.since_s
        if at_s - since_s >= hold_s:
            return replace(self, on=crowded, since_s=None)
        return replace(self, since_s=since_s)
