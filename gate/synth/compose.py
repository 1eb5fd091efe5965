"""Laying an object over a face so that it takes the face's own light, edge and shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.synth.geometry import FaceFrame, Field, Image, Roi, face_coordinates

# No occluder that leaves the eyes free may change a pixel this near to an eye, in eye distances.
EYE_GUARD = 0.24


@dataclass(frozen=True, slots=True)
class Layer:
    """An object to lay over the picture, in pixels of one `Roi` of shape (h, w).

    `colour` is the albedo (h, w, 3) in BGR 0..255, `alpha` (h, w) 0..1, `relief` (h, w) a height in arbitrary units of
    which only the slope matters, `shade` (h, w) a factor on the colour (1 = unchanged).
    """

    colour: NDArray[np.float32]
    alpha: Field
    relief: Field
    shade: Field
    shadow: float = 0.35
    softness: float = 0.02


@dataclass(frozen=True, slots=True)
class FaceLight:
    """How the face is seen: gain for white cloth, fall-off over the roi, direction, colourfulness, sharpness."""

    gain: float
    falloff: Field
    direction: tuple[float, float]
    saturation: float
    tint: NDArray[np.float32]
    blur_px: float


def eye_guard(frame: FaceFrame, roi: Roi, radius: float = EYE_GUARD) -> Field:
    """(h, w) factor: exactly 0 within `radius` of either eye, 1 well away from them."""
    rows, columns = np.mgrid[roi.top : roi.bottom, roi.left : roi.right].astype(np.float32)
    guard = np.ones(roi.shape, dtype=np.float32)
    for x, y in frame.landmarks[:2]:
        distance = np.hypot(columns - np.float32(x), rows - np.float32(y)) / np.float32(frame.scale_px)
        guard *= np.clip((distance - radius) / 0.06, 0, 1)
    return guard


def face_light(image: Image, frame: FaceFrame, roi: Roi, rng: np.random.Generator) -> FaceLight:
    """Read the light from the face's own pixels; `rng` decides how literally."""
    patch = roi.cut(image).astype(np.float32)
    grey = patch @ np.array([0.114, 0.587, 0.299], dtype=np.float32)
    x, y = face_coordinates(frame, roi)
    skin = (np.abs(x) < 0.75) & (y > 0.2) & (y < 1.6)
    if skin.sum() < 4:
        skin = np.ones(roi.shape, dtype=bool)
    weight = skin.astype(np.float32)
    # Wide enough to forget lips and nostrils, narrow enough to keep a lamp from one side.
    sigma = max(1.0, 0.3 * frame.scale_px)
    local = _wide_blur(grey * weight, sigma) / np.maximum(_wide_blur(weight, sigma), 1e-2)
    mean = float(grey[skin].mean()) + 1.0
    bright = float(np.percentile(grey[skin], 85)) + 1.0
    strength = rng.uniform(0.5, 1.0)
    falloff = np.clip(local / mean, 0.25, 1.6) ** np.float32(strength)
    left, right = grey[skin & (x < 0)], grey[skin & (x > 0)]
    lean = 0.0
    if left.size and right.size:
        lean = float(np.clip((right.mean() - left.mean()) / mean, -0.8, 0.8))
    colours = patch[skin]
    chroma = float((colours.max(axis=1) - colours.min(axis=1)).mean())
    return FaceLight(
        # Skin at 165 is an ordinarily exposed face, on which white cloth is just not clipped.
        gain=float(np.clip((bright / 165.0) ** rng.uniform(0.5, 0.9), 0.22, 1.12) * rng.uniform(0.88, 1.08)),
        falloff=falloff.astype(np.float32),
        direction=(lean + float(rng.normal(0, 0.3)), float(rng.uniform(-1.0, -0.3))),
        saturation=float(np.clip(chroma / 14.0, 0.0, 1.0)),
        tint=roi_tint(image) ** np.float32(rng.uniform(0.0, 0.5)),
        blur_px=_blur_px(grey, frame.scale_px),
    )


def _blur_px(grey: Field, scale_px: float) -> float:
    """Gaussian sigma in pixels by which the picture is softer than a sharp one: a drawn edge must match it."""
    low, high = np.percentile(grey[::2, ::2], (3, 97))
    steepest = float(np.percentile(np.abs(np.diff(grey, axis=1)), 99.5)) if grey.shape[1] > 1 else 1.0
    edge_width = float(high - low) / max(steepest, 1.0)
    return float(np.clip(0.35 * (edge_width - 2.5), 0.0, 0.04 * scale_px))


def roi_tint(image: Image) -> NDArray[np.float32]:
    """Grey-world colour cast (3,) BGR of the whole picture, mean 1."""
    step = max(1, min(image.shape[:2]) // 32)
    mean = image[::step, ::step].reshape(-1, 3).astype(np.float32).mean(axis=0) + 8.0
    return np.asarray(np.clip(mean / mean.mean(), 0.75, 1.3), dtype=np.float32)


def _wide_blur(field: Field, sigma: float) -> Field:
    """Gaussian blur that stays cheap on big faces by working at a lower resolution."""
    factor = max(1, int(sigma / 4))
    height, width = field.shape
    if factor == 1 or min(height, width) < 2 * factor:
        return cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE).astype(np.float32)
    small = cv2.resize(field, (max(1, width // factor), max(1, height // factor)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def lay_over(
    image: Image, frame: FaceFrame, roi: Roi, layer: Layer, light: FaceLight, guard: Field | float = 1.0
) -> None:
    """Draw `layer` into `image` (changed in place), lit by `light`; where `guard` (h, w) is 0 nothing changes."""
    alpha = _soften(layer.alpha, float(np.hypot(layer.softness * frame.scale_px, light.blur_px)))
    slope_x = cv2.Sobel(layer.relief, cv2.CV_32F, 1, 0, ksize=3)
    slope_y = cv2.Sobel(layer.relief, cv2.CV_32F, 0, 1, ksize=3)
    toward = slope_x * light.direction[0] + slope_y * light.direction[1]
    # Slopes are per pixel: scale by the eye distance so that a crease is as deep on a small face as on a big one.
    relief_shade = np.clip(1.0 - 0.55 * toward * np.float32(frame.scale_px / 40.0), 0.55, 1.3)
    colour = layer.colour
    if light.saturation < 1.0:
        grey = colour @ np.array([0.114, 0.587, 0.299], dtype=np.float32)
        colour = grey[..., None] + (colour - grey[..., None]) * np.float32(light.saturation)
    tint = 1.0 + (light.tint - 1.0) * np.float32(light.saturation)
    brightness = layer.shade * relief_shade * light.falloff * np.float32(light.gain)
    lit = _soften((colour * tint * brightness[..., None]).astype(np.float32), light.blur_px)
    patch = roi.cut(image).astype(np.float32)
    if layer.shadow > 0:
        patch *= (1.0 - _contact_shadow(alpha, frame, layer.shadow) * guard)[..., None]
    opaque = (alpha * guard)[..., None]
    blended = patch * (1.0 - opaque) + np.clip(lit, 0, 255) * opaque
    roi.cut(image)[:] = np.clip(blended + 0.5, 0, 255).astype(np.uint8)


def _soften(field: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return cv2.GaussianBlur(field, (0, 0), sigma).astype(np.float32) if sigma > 0.3 else field


def _contact_shadow(alpha: Field, frame: FaceFrame, strength: float) -> Field:
    """(h, w) darkening 0..1 around the object, a little further below it than above."""
    reach = max(0.8, 0.06 * frame.scale_px)
    offset = frame.down * 0.04 * frame.scale_px
    height, width = alpha.shape
    moved = cv2.warpAffine(alpha, np.array([[1, 0, offset[0]], [0, 1, offset[1]]], dtype=np.float64), (width, height))
    return cv2.GaussianBlur(moved, (0, 0), reach).astype(np.float32) * np.float32(strength)


def polygon_alpha(points: NDArray[np.float64], roi: Roi) -> Field:
    """Anti-aliased cover 0..1 (h, w) of the polygon `points` (n, 2) in picture pixels."""
    canvas = np.zeros(roi.shape, dtype=np.uint8)
    _fill(canvas, roi.local(points))
    return canvas.astype(np.float32) / np.float32(255)


def line_alpha(points: NDArray[np.float64], width_px: float, roi: Roi, taper: float = 0.0) -> Field:
    """Anti-aliased cover 0..1 (h, w) of a band of `width_px` along the polyline `points` (n, 2) in picture pixels.

    `taper` narrows it towards its last point, 1 to nothing.
    """
    local = roi.local(points)
    step = np.gradient(local, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    narrowing = 1 - taper * np.linspace(0, 1, len(points))[:, None] ** 2
    half = normal * narrowing * max(width_px, 0.7) / 2
    canvas = np.zeros(roi.shape, dtype=np.uint8)
    _fill(canvas, np.vstack([local + half, (local - half)[::-1]]))
    return canvas.astype(np.float32) / np.float32(255) * np.float32(min(1.0, width_px / 0.7))


def _fill(canvas: NDArray[np.uint8], points: NDArray[np.float64]) -> None:
    shift = 4
    # OpenCV's fixed-point rasteriser overflows far outside the picture.
    fixed = np.clip(points, -4000, 12000) * (1 << shift)
    cv2.fillPoly(canvas, [np.round(fixed).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=shift)


def bezier(points: NDArray[np.float64], count: int = 24) -> NDArray[np.float64]:
    """`count` points on the quadratic Bézier curve of three control points (3, d)."""
    t = np.linspace(0, 1, count)[:, None]
    return np.asarray((1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2], dtype=np.float64)
