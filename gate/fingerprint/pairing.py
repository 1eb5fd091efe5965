"""Which minutiae of two prints are the same, once one print lies on the other.

A pair is two minutiae that are each other's best. How good it is falls with their distance and the difference of their
directions, by a tolerance that grows with the distance from where the movement was fitted: skin stretches.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gate.fingerprint.alignment import Movements, fit
from gate.fingerprint.hull import Points, Real

_TOLERANCE_PX = 9.0
_STRETCH = 0.04
_TOLERANCE_RAD = np.deg2rad(30.0)
"""Standard deviations, the first two of a place: where the movement was fitted, and growth a pixel away from there."""

_SLACK = (1.5, 1.25, 1.0, 1.0)
"""Of the tolerances, from the first look to the last."""

_KEPT = 3
"""Movements that are refined further after the first look."""

_LEAST = 0.05
"""A worse pair is none."""

_WITHOUT_LIKENESS = 0.3
"""What a pair in place is worth when its cylinders have nothing in common; 1 more when they are the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Probe minutiae and their partners under h movements.

    Attributes:
        movements: of the probe.
        partner: (h, n) index of each probe minutia's best in the reference.
        gain: (h, n) in [0, 1] how good that pair is; 0 where it is not one.
        worth: (h,) what speaks for each movement.
    """

    movements: Movements
    partner: NDArray[np.intp] = field(repr=False)
    gain: Real = field(repr=False)
    worth: Real = field(repr=False)


def pair(first: Movements, probe: tuple[Points, Points], reference: tuple[Points, Points], similarity: Real) -> Pairing:
    """Pairs under the movements, then moves and pairs again and again; the result's best movement counts.

    Args:
        probe, reference: places and unit directions, (n,) and (m,).
        similarity: (n, m) of the cylinders.
    """
    found = _paired(first, probe, reference, similarity, _SLACK[0])
    best = np.argsort(-found.worth)[:_KEPT]
    partner, gain = found.partner[best], found.gain[best]
    for slack in _SLACK[1:]:
        movements = fit(gain, probe, (reference[0][partner], reference[1][partner]))
        found = _paired(movements, probe, reference, similarity, slack)
        partner, gain = found.partner, found.gain
    return found


def _paired(
    movements: Movements, probe: tuple[Points, Points], reference: tuple[Points, Points], similarity: Real, slack: float
) -> Pairing:
    (at, towards), (there, thither) = probe, reference
    apart = np.abs(movements.apply(at)[:, :, np.newaxis] - there)
    tolerance = slack * _TOLERANCE_PX + _STRETCH * np.abs(at - movements.middle_px)
    spun = movements.turn * towards
    cosine = np.multiply.outer(spun.real, thither.real) + np.multiply.outer(spun.imag, thither.imag)
    gain = np.exp(-np.square(apart / tolerance[:, :, np.newaxis]) / 2 - (1 - cosine) / np.float32(_TOLERANCE_RAD**2))
    partner = gain.argmax(axis=2)
    ours = np.arange(len(at))
    mutual = np.take_along_axis(gain.argmax(axis=1), partner, axis=1) == ours
    best = np.take_along_axis(gain, partner[:, :, np.newaxis], axis=2)[:, :, 0]
    best = np.where(mutual & (best > _LEAST), best, 0).astype(np.float32)
    worth = (best * (_WITHOUT_LIKENESS + similarity[ours, partner])).sum(axis=1)
    return Pairing(movements, partner, best, worth)
