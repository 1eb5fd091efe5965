"""Five landmarks onto the ArcFace template: the crop every embedder here was trained on."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.probe import ImageBGR, Landmarks

ALIGNED_SIZE_PX = 112

Transform = NDArray[np.float64]
"""A similarity transform (2, 3): [[a, -b, tx], [b, a, ty]], maps picture pixels to crop pixels."""

_TEMPLATE_XY = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)


def arcface_template() -> Landmarks:
    """Where the five landmarks of a face belong in the crop of 112 x 112, (5, 2) pixels."""
    return np.array(_TEMPLATE_XY, np.float32)


def estimate_similarity(source: Landmarks, target: Landmarks) -> Transform:
    """The similarity transform (rotation, uniform scale, shift; no mirroring) nearest to source -> target.

    Least squares over the points, in closed form: as complex numbers the map is w = m z + t, and m follows from
    the centred points alone. The same answer as Umeyama's, without a singular value decomposition. In plain numbers,
    because arrays of five points cost more than the arithmetic.

    Args:
        source, target: points (N, 2), N >= 2.

    Raises:
        ValueError: all source points coincide, so no scale is defined.
    """
    z, w = _complex(source), _complex(target)
    z_mean, w_mean = sum(z) / len(z), sum(w) / len(w)
    centred = [point - z_mean for point in z]
    spread = sum(point.real * point.real + point.imag * point.imag for point in centred)
    if spread <= 1e-12:
        raise ValueError("expected landmarks that differ, found all five at one point")
    m = sum(point.conjugate() * (goal - w_mean) for point, goal in zip(centred, w, strict=True)) / spread
    t = w_mean - m * z_mean
    return np.array([[m.real, -m.imag, t.real], [m.imag, m.real, t.imag]], np.float64)


def invert_similarity(transform: Transform) -> Transform:
    """The way back: crop pixels to picture pixels, (2, 3)."""
    m = complex(transform[0, 0], transform[1, 0])
    t = complex(transform[0, 2], transform[1, 2])
    back = 1 / m
    shift = -t * back
    return np.array([[back.real, -back.imag, shift.real], [back.imag, back.real, shift.imag]], np.float64)


def apply_similarity(transform: Transform, points: Landmarks) -> Landmarks:
    """Points (N, 2) moved by a transform (2, 3)."""
    moved = points.astype(np.float64) @ transform[:, :2].T + transform[:, 2]
    return moved.astype(np.float32)


def reduction(landmarks: Landmarks) -> float:
    """By how much a picture may be reduced before the crop of a face with these landmarks enlarges it.

    Raises:
        ValueError: the landmarks coincide.
    """
    return 1 / _scale(_to_crop(landmarks))


def align(image_bgr: ImageBGR, landmarks: Landmarks, reduced: int = 1) -> ImageBGR:
    """The face, (112, 112, 3) uint8 BGR on the ArcFace template; black where the picture ends.

    Args:
        image_bgr: (H, W, 3) uint8.
        landmarks: (5, 2), pixels of the picture at its full size.
        reduced: so many times smaller than that is `image_bgr`.

    Raises:
        ValueError: the landmarks coincide.
    """
    transform = _to_crop(landmarks)
    if reduced > 1:
        transform = transform @ _from_reduced(reduced, 0, 0)
    return warp(image_bgr, transform, ALIGNED_SIZE_PX)


def warp(image_bgr: ImageBGR, transform: Transform, side_px: int) -> ImageBGR:
    """The square (side_px, side_px, 3) uint8 BGR that `transform` makes of a picture; black where the picture ends.

    Args:
        image_bgr: (H, W, 3) uint8.
        transform: from the picture's pixels to the square's.
        side_px: of the square.
    """
    # A face much larger than the crop is sampled too sparsely by bilinear interpolation: shrink the picture
    # around it first, by whole powers of two, so that what is left is below a factor of two.
    scale = _scale(transform)
    if scale < 0.5:
        image_bgr, transform = _shrink(image_bgr, transform, scale, side_px)
    crop = cv2.warpAffine(image_bgr, transform, (side_px, side_px), flags=cv2.INTER_LINEAR)
    return crop.astype(np.uint8, copy=False)


def _to_crop(landmarks: Landmarks) -> Transform:
    return estimate_similarity(landmarks, arcface_template())


def _scale(transform: Transform) -> float:
    return math.hypot(transform[0, 0], transform[1, 0])


def _shrink(image_bgr: ImageBGR, transform: Transform, scale: float, side_px: int) -> tuple[ImageBGR, Transform]:
    """The part of the picture that the crop shows, reduced by area averaging, and the transform from it."""
    factor = 2 ** int(np.floor(np.log2(1 / scale)))
    edge = side_px - 1
    corners = np.array([[0, 0], [edge, 0], [edge, edge], [0, edge]], np.float32)
    shown = apply_similarity(invert_similarity(transform), corners)
    height, width = image_bgr.shape[:2]
    # Two cells of margin keep the crop's border off the reduced picture's border.
    left, top = (max(0, int(value)) for value in shown.min(axis=0) // factor * factor - 2 * factor)
    right, bottom = (int(value) for value in shown.max(axis=0) + 3 * factor)
    right, bottom = min(right, width), min(bottom, height)
    size = ((right - left) // factor, (bottom - top) // factor)
    if min(size) < 2:
        return image_bgr, transform
    part = image_bgr[top : top + size[1] * factor, left : left + size[0] * factor]
    reduced = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return reduced, transform @ _from_reduced(factor, left, top)


def _from_reduced(factor: int, left: int, top: int) -> NDArray[np.float64]:
    """From pixels of a picture reduced by `factor`, whose corner was at `left`, `top`, to those before, (3, 3)."""
    # Pixel centres: reduced pixel i covers original pixels factor * i + left .. + factor - 1.
    half = (factor - 1) / 2
    return np.array([[factor, 0, left + half], [0, factor, top + half], [0, 0, 1]], np.float64)


def _complex(points: Landmarks) -> list[complex]:
    return [complex(x, y) for x, y in points.tolist()]
