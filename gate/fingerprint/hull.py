"""The convex hull of a finger's minutiae: where there was skin to find minutiae on, as far as a template can tell.

Points are complex numbers, x - iy of the template's pixels: y upwards, so that a direction's unit vector is
exp(i angle) and a rotation is a product.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.complex64]
"""Points or unit directions of the plane, any shape."""

Real = NDArray[np.float32]
"""Lengths, weights or similarities, any shape."""


@dataclass(frozen=True, slots=True, eq=False)
class Hull:
    """A convex hull as the half-planes that it is the intersection of.

    Attributes:
        normals: (e,) outward unit normals.
        offsets_px: (e,) of the edges' lines from the origin, along the normals.
    """

    normals: Points = field(repr=False)
    offsets_px: Real = field(repr=False)

    @classmethod
    def around(cls, points: Points) -> Hull:
        """The hull of at least one point. Of points on one line it is open at the ends."""
        corners = cv2.convexHull(np.stack([points.real, points.imag], axis=-1).astype(np.float32), clockwise=False)
        at = corners[:, 0, 0] + 1j * corners[:, 0, 1]
        edges = np.roll(at, -1) - at
        kept = np.abs(edges) > 0
        normals = -1j * edges[kept] / np.abs(edges[kept])
        return cls(normals.astype(np.complex64), (at[kept] * normals.conj()).real.astype(np.float32))

    def beyond_px(self, points: Points) -> Real:
        """How far each point lies outside, negative inside; beside a corner, beyond the nearer edge's line."""
        if not len(self.normals):
            return np.zeros(points.shape, np.float32)
        along = np.multiply.outer(points.real, self.normals.real) + np.multiply.outer(points.imag, self.normals.imag)
        return np.asarray((along - self.offsets_px).max(axis=-1), np.float32)
