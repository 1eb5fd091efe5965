"""Where one print may lie on another: a few rigid movements, each carried by minutiae that agree about it.

A movement is found without trying out any: candidate pairs, alike by their cylinders, support each other where the
same movement of one print would bring both together, as their distance and directions tell. Tolerances grow with the
distance, since skin stretches. Support is handed on for some rounds, after which the pairs of the true movement stand
out; the best of them that disagree each give one, by least squares over those who agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gate.fingerprint.hull import Points, Real

_CANDIDATES = 96
_MOVEMENTS = 12
_ROUNDS = 4
_OWN = 0.5
"""Share of its own strength that a pair keeps in a round."""

_CROWD = 20
"""Supporters beyond which more of them say nothing new."""

_DIFFERENT = 0.5
"""Pairs that agree more than this are of one movement."""

_LEVER_PX = 20.0
"""Two minutiae's directions turn a movement as much as two places this far apart."""

_TINY = np.float32(1e-9)

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What two pairs of one movement may disagree by, as standard deviations.

    Attributes:
        distance_px: of the distances between them.
        stretch: added to it a pixel of distance.
        angle_rad: of each angle between them.
    """

    distance_px: float
    stretch: float
    angle_rad: float


_LOOSE = Tolerance(5.0, 0.06, np.deg2rad(18.0))
"""A whole print apart, skin has stretched by as much as this."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How the minutiae of one print lie to each other.

    Attributes:
        distance_px: (n, n).
        bearing: (n, n) unit direction to another, seen along one's own direction; 1 to oneself.
        turn: (n, n) another's direction, relative to one's own.
    """

    distance_px: Real = field(repr=False)
    bearing: Points = field(repr=False)
    turn: Points = field(repr=False)

    @classmethod
    def of(cls, at: Points, towards: Points) -> Layout:
        """The layout of minutiae at places (n,), of unit directions (n,)."""
        apart = at - at[:, np.newaxis]
        distance = np.abs(apart)
        heading = np.where(distance > 0, apart / np.maximum(distance, _TINY), 1)
        own = towards.conj()[:, np.newaxis]
        return cls(distance, (heading * own).astype(np.complex64), (towards * own).astype(np.complex64))


@dataclass(frozen=True, slots=True, eq=False)
class Movements:
    """h rigid movements: a point goes to `turn` times itself plus `shift_px`.

    Attributes:
        turn: (h, 1) unit complex.
        shift_px: (h, 1) complex.
        middle_px: (h, 1) complex: of the minutiae it was fitted to, before it is moved. Surest there.
    """

    turn: Points
    shift_px: Points
    middle_px: Points

    def apply(self, at: Points) -> Points:
        """(h, n) places (n,) moved."""
        return np.asarray(self.turn * at + self.shift_px, np.complex64)

    def undo(self, at: Points) -> Points:
        """(h, n) places (n,) of the other print, moved back."""
        return np.asarray((at - self.shift_px) * self.turn.conj(), np.complex64)


def candidates(similarity: Real) -> tuple[Indices, Indices]:
    """Rows and columns of the most similar pairs."""
    flat = similarity.ravel()
    kept = min(_CANDIDATES, len(flat))
    best = np.argpartition(flat, len(flat) - kept)[len(flat) - kept :]
    rows, columns = np.unravel_index(best[flat[best] > 0], similarity.shape)
    return rows, columns


def agreement(probe: Layout, reference: Layout, rows: Indices, columns: Indices, tolerance: Tolerance = _LOOSE) -> Real:
    """(k, k) in [0, 1]: how far one movement explains two pairs; 0 where they share a minutia."""
    ours, theirs = np.ix_(rows, rows), np.ix_(columns, columns)
    distance, other = probe.distance_px[ours], reference.distance_px[theirs]
    allowed = tolerance.distance_px + tolerance.stretch / 2 * (distance + other)
    turn = _cosine(probe.turn[ours], reference.turn[theirs])
    bearing = _cosine(probe.bearing[ours], reference.bearing[theirs])
    # 1 - cos is half the square of a small angle. A bearing is seen from both ends, hence its mean.
    angles = 2 - 2 * turn + (2 - bearing - bearing.T)
    agreed = np.exp(-np.square((distance - other) / allowed) / 2 - angles / np.float32(2 * tolerance.angle_rad**2))
    agreed[(rows[:, np.newaxis] == rows) | (columns[:, np.newaxis] == columns)] = 0
    return np.asarray(agreed, np.float32)


def movements(
    probe: tuple[Points, Points], reference: tuple[Points, Points], strength: Real, agreed: Real
) -> Movements:
    """The movements with most support, at most a dozen.

    Args:
        probe, reference: places (k,) and unit directions (k,) of the candidate pairs' minutiae.
        strength: (k,) similarity of each pair.
        agreed: (k, k) by `agreement`.
    """
    supported = _relaxed(strength, agreed)
    seeds = _disagreeing(supported, agreed)
    weights = agreed[seeds] * supported
    weights[np.arange(len(seeds)), seeds] = supported[seeds]
    return fit(weights, probe, reference)


def fit(weights: Real, probe: tuple[Points, Points], reference: tuple[Points, Points]) -> Movements:
    """Least squares over weighted pairs (h, k), of places and directions, each (k,) or (h, k); see `movements`."""
    (at, towards), (there, thither) = probe, reference
    total = np.maximum(weights.sum(axis=1, keepdims=True), _TINY)
    middle = (weights * at).sum(axis=1, keepdims=True) / total
    target = (weights * there).sum(axis=1, keepdims=True) / total
    lever = (there - target) * (at - middle).conj() + np.float32(_LEVER_PX**2) * thither * towards.conj()
    spun = (weights * lever).sum(axis=1, keepdims=True)
    turn = np.where(np.abs(spun) > 0, spun / np.maximum(np.abs(spun), _TINY), 1).astype(np.complex64)
    return Movements(turn, (target - turn * middle).astype(np.complex64), middle.astype(np.complex64))


def _relaxed(strength: Real, agreed: Real) -> Real:
    for _ in range(_ROUNDS):
        strength = _OWN * strength + (1 - _OWN) / _CROWD * (agreed @ strength)
    return strength


def _disagreeing(supported: Real, agreed: Real) -> Indices:
    """The best supported pairs of which no two are of one movement."""
    chosen: list[int] = []
    left = supported.copy()
    while len(chosen) < _MOVEMENTS and (best := int(np.argmax(left))) >= 0 and left[best] > 0:
        chosen.append(best)
        left[agreed[best] >= _DIFFERENT] = 0
        left[best] = 0
    return np.array(chosen, np.intp)


def _cosine(one: Points, other: Points) -> Real:
    return np.asarray(one.real * other.real + one.imag * other.imag, np.float32)
