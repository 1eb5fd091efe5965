"""A bent sheet in front of a face: its outline in the picture, and each pixel's place on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.synth.geometry import FaceFrame, Field, Roi

_COLUMNS = 17
_ROWS = 9
Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet in canonical coordinates, given on `across()`: u in -1..1.

    `top` and `bottom` (17,) are heights y of its two edges, `wrap` how far it goes round the head at u = ±1 in radians,
    `half_width` (9,) its radius for each row from top to bottom, `front` (9,) the depth z of its middle line.
    """

    top: Curve
    bottom: Curve
    wrap: Curve
    half_width: Curve
    front: Curve

    @staticmethod
    def across() -> Curve:
        """The 17 values of u from the left edge to the right."""
        return np.linspace(-1, 1, _COLUMNS)

    @staticmethod
    def along() -> Curve:
        """The 9 values of v from the top edge (0) to the bottom (1)."""
        return np.linspace(0, 1, _ROWS)

    def points(self) -> NDArray[np.float64]:
        """Canonical points (9, 17, 3)."""
        u, v = self.across()[None, :], self.along()[:, None]
        angle = u * self.wrap[:, None]
        y = self.top[None, :] * (1 - v) + self.bottom[None, :] * v
        x = self.half_width[:, None] * np.sin(angle) / max(float(np.sin(min(self.wrap.max(), np.pi / 2))), 0.3)
        z = self.front[:, None] + 1.05 * (np.cos(angle) - 1)
        return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


@dataclass(frozen=True, slots=True)
class ProjectedSheet:
    """A sheet as seen: `outline` (n, 2) and grid `pixels` (9, 17, 2) in picture pixels; `visible` (9, 17)."""

    outline: NDArray[np.float64]
    pixels: NDArray[np.float64]
    visible: NDArray[np.bool_]
    frame: FaceFrame

    def coordinates(self, roi: Roi) -> tuple[Field, Field]:
        """(u, v) of each pixel of `roi`, both (h, w), by a cubic fitted to the visible grid."""
        u, v = np.meshgrid(Sheet.across(), Sheet.along())
        centre = self.pixels.reshape(-1, 2).mean(axis=0)
        seen = self.visible.ravel()
        grid = (self.pixels.reshape(-1, 2) - centre) / self.frame.scale_px
        design = _cubic(grid[:, 0], grid[:, 1])[seen]
        ridge = 1e-4 * np.eye(design.shape[1])
        targets = np.stack([u.ravel(), v.ravel()], axis=1)[seen]
        weights = np.linalg.solve(design.T @ design + ridge, design.T @ targets).astype(np.float32)
        rows, columns = np.mgrid[roi.top : roi.bottom, roi.left : roi.right]
        x = ((columns.ravel() - centre[0]) / self.frame.scale_px).astype(np.float32)
        y = ((rows.ravel() - centre[1]) / self.frame.scale_px).astype(np.float32)
        fitted = _cubic(x, y) @ weights
        height, width = roi.shape
        return (
            np.clip(fitted[:, 0].reshape(height, width), -1.3, 1.3),
            np.clip(fitted[:, 1].reshape(height, width), -0.3, 1.3),
        )


def _cubic(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """All monomials of x and y up to degree three, (n, 10)."""
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y], axis=1)


def project_sheet(sheet: Sheet, frame: FaceFrame) -> ProjectedSheet:
    """See the sheet through the face's camera; what turns away behind the silhouette is folded onto it."""
    pixels = frame.project(sheet.points())
    visible = np.ones(pixels.shape[:2], dtype=np.bool_)
    middle = _COLUMNS // 2
    # The head hides what lies beyond its silhouette: walking outwards from the middle, the picture position
    # may not turn back.
    right = frame.right
    for columns, sign in ((range(middle + 1, _COLUMNS), 1.0), (range(middle - 1, -1, -1), -1.0)):
        reach = sign * (pixels[:, middle] @ right)
        for column in columns:
            here = sign * (pixels[:, column] @ right)
            hidden = here < reach
            pixels[:, column] += np.where(hidden, sign * (reach - here), 0.0)[:, None] * right
            visible[:, column] = ~hidden
            reach = np.maximum(reach, here)
    outline = np.vstack([pixels[0], pixels[1:, -1], pixels[-1, -2::-1], pixels[-2:0:-1, 0]])
    return ProjectedSheet(outline=outline, pixels=pixels, visible=visible, frame=frame)
