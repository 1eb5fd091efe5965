"""Minutia Cylinder Codes: what each minutia's neighbourhood looks like, seen from the minutia itself.

After R. Cappelli, M. Ferrara, D. Maltoni, "Minutia Cylinder-Code: a new representation and matching technique for
fingerprint recognition", IEEE TPAMI 32 (2010). A cylinder stands on a minutia, turned with its direction. Its base is a
grid of cells, its height the difference of directions. A neighbour raises the cells near it, in the section of its
direction relative to the minutia's. Cylinders are therefore alike however the finger lay, and compared cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gate.fingerprint.hull import Hull, Points, Real

_RADIUS_PX = 70.0
_CELLS_ACROSS = 8
_SECTIONS = 6
_SPREAD_PX = 7.0
_SPREAD_RAD = 2 * np.pi / 9
"""Standard deviations with which a neighbour reaches cells and sections: as far as a print's distortion moves it."""

_HALF, _SLOPE = 0.01, 400.0
"""Of the sigmoid that saturates a cell: one neighbour close by nearly fills it, so that dense places weigh no more."""

_OUTSIDE_PX = 50.0
"""Cells up to here outside the hull of all minutiae count as seen: that there is no minutia says something there."""

_COMMON = 0.6
"""Share of the cells that both cylinders must have seen."""

_axis = (np.arange(_CELLS_ACROSS) - (_CELLS_ACROSS - 1) / 2) * (2 * _RADIUS_PX / _CELLS_ACROSS)
_square = (_axis + 1j * _axis[:, np.newaxis]).ravel()
_GRID = _square[np.abs(_square) <= _RADIUS_PX].astype(np.complex64)
_SECTION_RAD = 2 * np.pi / _SECTIONS
_MIDDLES_RAD = -np.pi + (np.arange(_SECTIONS) + 0.5) * _SECTION_RAD


@dataclass(frozen=True, slots=True, eq=False)
class Cylinders:
    """One for each of n minutiae, over c cells of s sections.

    Attributes:
        values: (n, c s) in [0, 1]; 0 in cells that were not seen.
        energy: (n, c) the values' squares, summed over a cell's sections.
        seen: (n, c) 1 where the cell lies on the print, 0 elsewhere.
    """

    values: Real = field(repr=False)
    energy: Real = field(repr=False)
    seen: Real = field(repr=False)

    @classmethod
    def of(cls, at: Points, towards: Points, hull: Hull) -> Cylinders:
        """The cylinders of minutiae.

        Args:
            at: (n,) places.
            towards: (n,) unit directions.
            hull: of the places.
        """
        cells = at[:, np.newaxis] + towards[:, np.newaxis] * _GRID
        seen = hull.beyond_px(cells) <= _OUTSIDE_PX
        values = _saturated(np.matmul(_in_place(cells, at), _in_direction(towards))) * seen[..., np.newaxis]
        energy = np.square(values).sum(axis=2)
        return cls(values.reshape(len(at), -1), energy, seen.astype(np.float32))


def similarity(probe: Cylinders, reference: Cylinders) -> Real:
    """(n, m) in [0, 1]: 1 less the distance of two cylinders over the sum of their lengths, in the cells that both saw.

    0 where they saw too little in common.
    """
    ours = probe.energy @ reference.seen.T
    theirs = probe.seen @ reference.energy.T
    distance = np.sqrt(np.maximum(ours + theirs - 2 * (probe.values @ reference.values.T), 0))
    lengths = np.sqrt(ours) + np.sqrt(theirs)
    compared = (probe.seen @ reference.seen.T >= _COMMON * len(_GRID)) & (lengths > 0)
    return np.where(compared, 1 - distance / np.maximum(lengths, np.float32(1e-6)), 0).astype(np.float32)


def _in_place(cells: Points, at: Points) -> Real:
    """(n, c, n) how much each minutia reaches each cell of each other; nobody reaches its own."""
    away = np.abs(cells[:, :, np.newaxis] - at)
    density = np.exp(-np.square(away / _SPREAD_PX) / 2) / (_SPREAD_PX * np.sqrt(2 * np.pi))
    density[away > 3 * _SPREAD_PX] = 0
    itself = np.arange(len(at))
    density[itself, :, itself] = 0
    return np.asarray(density, np.float32)


def _in_direction(towards: Points) -> Real:
    """(n, n, s) how much of each minutia's direction, relative to another's, falls into each section."""
    relative = np.angle(towards[:, np.newaxis] * towards.conj())
    away = _wrapped(_MIDDLES_RAD - relative[..., np.newaxis])
    half = _SECTION_RAD / 2
    return np.asarray(_normal(away + half) - _normal(away - half), np.float32)


def _normal(angle_rad: Real) -> Real:
    """The cumulative normal distribution, by its logistic neighbour (never 0.01 away): numpy has no erf."""
    return np.asarray(1 / (1 + np.exp(-1.702 * angle_rad / _SPREAD_RAD)), np.float32)


def _wrapped(angle_rad: Real) -> Real:
    return np.asarray((angle_rad + np.pi) % (2 * np.pi) - np.pi, np.float32)


def _saturated(density: Real) -> Real:
    """(n, c, s) in [0, 1]; exactly 0 where nobody is."""
    full = 1 / (1 + np.exp(-_SLOPE * (density - np.float32(_HALF))))
    return np.where(density > 1e-5, full, 0).astype(np.float32)
