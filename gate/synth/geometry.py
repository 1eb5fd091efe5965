"""From five landmarks to a face in space: a weak-perspective camera over a canonical head.

Canonical coordinates are in eye distances: origin between the eyes, x to the right of the picture, y down,
z towards the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Field = NDArray[np.float32]

# Eyes, nose tip and mouth corners of the usual 112 x 112 alignment template, in eye distances; the depths are those of
# an average adult head (eye distance 63 mm, nose tip 28 mm in front of the eyes).
CANONICAL_LANDMARKS = np.array(
    [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.57, 0.45], [-0.415, 1.155, 0.05], [0.415, 1.155, 0.05]]
)
# Noses differ more in length than heads pitch in front of a gate, so the vertical share of the nose's depth is
# trusted less than the horizontal one (yaw).
_DEPTH_RIDGE_X = 0.02
_DEPTH_RIDGE_Y = 0.12
MIN_SCALE_PX = 4.0
_MAX_DEPTH_LEAN = 0.8  # |z axis| / scale; a yaw of about 53 degrees
_COORDINATE_LIMIT_PX = 1e5


def _solver(ridge: float) -> NDArray[np.float64]:
    """(4, 5) matrix from the five landmarks' x (or y) to that row of the camera."""
    points = np.hstack([CANONICAL_LANDMARKS, np.ones((5, 1))])
    penalty = np.diag([0.0, 0.0, ridge, 0.0])
    return np.asarray(np.linalg.solve(points.T @ points + penalty, points.T), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """Where a face stands in the picture.

    `camera` is (2, 4): canonical (x, y, z, 1) to image pixels. `scale_px` is one eye distance of a frontal face.
    """

    camera: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    scale_px: float

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Canonical points (..., 3) to pixels (..., 2)."""
        return np.asarray(points @ self.camera[:, :3].T + self.camera[:, 3], dtype=np.float64)

    @property
    def right(self) -> NDArray[np.float64]:
        """Unit vector (2,) in the picture along the face's horizontal."""
        axis = self.camera[:, 0]
        return np.asarray(axis / np.linalg.norm(axis), dtype=np.float64)

    @property
    def down(self) -> NDArray[np.float64]:
        """Unit vector (2,) in the picture along the face's vertical."""
        axis = self.camera[:, 1]
        return np.asarray(axis / np.linalg.norm(axis), dtype=np.float64)


def face_frame(landmarks: NDArray[np.floating]) -> FaceFrame | None:
    """The face's frame, or None where five points do not make a face (collapsed, collinear, not finite, too small).

    `landmarks` is (5, 2) in pixels: left eye, right eye, nose, left and right mouth corner as seen in the picture.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2):
        raise ValueError(f"landmarks must have shape (5, 2), got {points.shape}")
    if not np.isfinite(points).all() or np.abs(points).max() > _COORDINATE_LIMIT_PX:
        return None
    camera = np.stack([_solver(_DEPTH_RIDGE_X) @ points[:, 0], _solver(_DEPTH_RIDGE_Y) @ points[:, 1]])
    lengths = np.linalg.norm(camera[:, :2], axis=0)
    scale = float(lengths.max())
    area = abs(float(camera[0, 0] * camera[1, 1] - camera[0, 1] * camera[1, 0]))
    if scale < MIN_SCALE_PX or lengths.min() < 0.2 * scale or area < 0.1 * scale * scale:
        return None
    lean = float(np.linalg.norm(camera[:, 2])) / scale
    if lean > _MAX_DEPTH_LEAN:
        camera[:, 2] *= _MAX_DEPTH_LEAN / lean
    return FaceFrame(camera=camera, landmarks=points, scale_px=scale)


@dataclass(frozen=True, slots=True)
class Roi:
    """A rectangle of the picture, in whole pixels: [top, bottom) x [left, right)."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def empty(self) -> bool:
        """Whether nothing of it lies inside the picture."""
        return self.bottom <= self.top or self.right <= self.left

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.bottom - self.top, self.right - self.left

    def cut(self, image: Image) -> Image:
        """The view of `image` (H, W, 3) inside the rectangle."""
        return image[self.top : self.bottom, self.left : self.right]

    def local(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Picture coordinates (..., 2) to coordinates inside the rectangle."""
        return points - np.array([self.left, self.top], dtype=np.float64)


def roi_around(points: NDArray[np.float64], margin_px: float, image_shape: tuple[int, ...]) -> Roi:
    """The smallest rectangle around points (..., 2) plus a margin, clipped to the picture."""
    flat = points.reshape(-1, 2)
    left, top = np.floor(flat.min(axis=0) - margin_px)
    right, bottom = np.ceil(flat.max(axis=0) + margin_px) + 1
    height, width = image_shape[:2]
    return Roi(
        top=int(np.clip(top, 0, height)),
        bottom=int(np.clip(bottom, 0, height)),
        left=int(np.clip(left, 0, width)),
        right=int(np.clip(right, 0, width)),
    )


def face_coordinates(frame: FaceFrame, roi: Roi) -> tuple[Field, Field]:
    """For each pixel of `roi`, its canonical (x, y) on the plane z = 0, both (h, w) in eye distances."""
    inverse = np.linalg.inv(frame.camera[:, :2])
    origin = np.array([roi.left, roi.top], dtype=np.float64) - frame.camera[:, 3]
    start = inverse @ origin
    height, width = roi.shape
    columns = np.arange(width, dtype=np.float32)[None, :]
    rows = np.arange(height, dtype=np.float32)[:, None]
    x = np.float32(start[0]) + np.float32(inverse[0, 0]) * columns + np.float32(inverse[0, 1]) * rows
    y = np.float32(start[1]) + np.float32(inverse[1, 0]) * columns + np.float32(inverse[1, 1]) * rows
    return x, y
