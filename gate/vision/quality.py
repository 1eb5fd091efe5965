"""How well a face is seen, after the components of ISO/IEC 29794-5 that a gate can act on.

Measured here, judged by policy: a number goes out, never a verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.align import arcface_template
from gate.vision.probe import Face, ImageBGR, Landmarks, Quality

# The face without hair, ears and background, in the crop of 112 x 112.
_CENTRE = slice(24, 104), slice(20, 92)
# Smooths sensor noise and compression away before edges are looked for; pixels of the crop. With it, 4 grey levels of
# noise move the figure of a blurred face by 0.03 at most; without it, they double it.
_EDGE_SCALE_PX = 1.25
# Standard deviations of the second derivatives across and down, over that of the luma: medians of 120 crisp CelebA
# photographs. The smaller of the two quotients is 0.5 or more on 98 % of crisp faces, and 0.34 or less on 98 % of those
# blurred by a tenth of the eye distance.
_CRISP_ACROSS, _CRISP_DOWN = 0.061, 0.088
_SECOND_DERIVATIVE = np.array([[1, -2, 1]], np.float32)
# Sensor noise in grey levels. Below this contrast the Laplacian sees noise only, so it must not be divided up.
_NOISE_LEVELS = 4.0
# How far the nose tip stands before the plane of eyes and mouth, in eye distances (mean of adult face models).
_NOSE_DEPTH = 0.5
# Where the nose tip of a frontal face stands between eye line (0) and mouth line (1): the median of 500
# photographs under SCRFD and YuNet, which put it a little lower than the alignment template (0.50) does.
_NOSE_SHARE = 0.555


def measure(face: Face, aligned_bgr: ImageBGR, width_px: int, height_px: int) -> Quality:
    """All of a face's quality numbers.

    Args:
        face: in pixels of the picture.
        aligned_bgr: the same face, (112, 112, 3) uint8.
        width_px, height_px: of the picture.
    """
    luma = cv2.cvtColor(aligned_bgr[_CENTRE], cv2.COLOR_BGR2GRAY)
    brightness, contrast = _mean_and_deviation(luma)
    yaw, pitch, roll = pose_deg(face.landmarks)
    return Quality(
        eye_distance_px=face.eye_distance_px,
        sharpness=sharpness(luma.astype(np.float32)),
        brightness=brightness,
        contrast=contrast,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        inside=inside_share(face.box_xyxy, width_px, height_px),
        confidence=face.confidence,
    )


def sharpness(luma: NDArray[np.float32]) -> float:
    """Contrast-normalised energy of the finest edges: about 0 smeared, 1 crisp (ISO/IEC 29794-5, sharpness).

    The weaker of the two directions counts, because motion smears one of them only. Dividing by the contrast keeps a
    pale face in fog-like light from passing for a blurred one.

    Args:
        luma: (H, W) float32, 0..255.
    """
    smooth = cv2.GaussianBlur(luma, (0, 0), _EDGE_SCALE_PX).astype(np.float32, copy=False)
    contrast = _mean_and_deviation(luma)[1] + _NOISE_LEVELS
    across = _edges(smooth, _SECOND_DERIVATIVE) / contrast / _CRISP_ACROSS
    down = _edges(smooth, _SECOND_DERIVATIVE.T) / contrast / _CRISP_DOWN
    return min(across, down)


def _edges(luma: NDArray[np.float32], kernel: NDArray[np.float32]) -> float:
    # The border of a slice has no outer neighbours; reflected ones would count as edges.
    return _mean_and_deviation(cv2.filter2D(luma, cv2.CV_32F, kernel)[3:-3, 3:-3])[1]


def _mean_and_deviation(values: cv2.typing.MatLike) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(values)  # a tenth of the time that numpy takes for so few
    return float(mean[0, 0]), float(deviation[0, 0])


def pose_deg(landmarks: Landmarks) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, see `Quality` for the signs (ISO/IEC 19794-5, pose angles).

    The nose tip stands before the plane of eyes and mouth, so a turning head moves it across that plane:
    by depth * tan(angle), measured in the foreshortened eye distance or face height. Good to some ten degrees
    between people, enough to tell "look at the camera".
    """
    roll = roll_rad(landmarks)
    level = _levelled(landmarks, roll)
    # From eye distances to face heights: the depth is known in the one, the shift measured in the other.
    depth_in_heights = _NOSE_DEPTH * _TEMPLATE.eye_distance / _TEMPLATE.height
    yaw = math.atan(level.nose_shift / _NOSE_DEPTH)
    pitch = math.atan(-(level.nose_share - _NOSE_SHARE) / depth_in_heights)
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def roll_rad(landmarks: Landmarks) -> float:
    """Slant of the eye line, radians, positive clockwise as seen in the picture."""
    (left_x, left_y), (right_x, right_y) = landmarks[:2].tolist()
    return math.atan2(right_y - left_y, right_x - left_x)


def inside_share(box_xyxy: tuple[float, float, float, float], width_px: int, height_px: int) -> float:
    """Share of a box's area that lies within the picture, [0, 1]."""
    left, top, right, bottom = box_xyxy
    area = (right - left) * (bottom - top)
    if area <= 0:
        return 0.0
    shown_w = max(0.0, min(right, width_px) - max(left, 0.0))
    shown_h = max(0.0, min(bottom, height_px) - max(top, 0.0))
    return shown_w * shown_h / area


@dataclass(frozen=True, slots=True)
class _Level:
    """A face whose eye line is level, in the few numbers that say how it is turned. No arrays: they are five points.

    Attributes:
        eye_distance: pixels, at least 1e-6.
        height: from the eye line to the mouth line, pixels; at least 1e-6.
        nose_share: where the nose tip stands between eye line (0) and mouth line (1).
        nose_shift: how far the nose tip stands to the right of the face's middle line, in eye distances.
    """

    eye_distance: float
    height: float
    nose_share: float
    nose_shift: float


def _levelled(landmarks: Landmarks, roll: float) -> _Level:
    """The face turned back by its roll, radians."""
    cosine, sine = math.cos(roll), math.sin(roll)
    points = landmarks.tolist()
    x = [cosine * px + sine * py for px, py in points]
    y = [cosine * py - sine * px for px, py in points]
    eyes_y = (y[0] + y[1]) / 2
    eye_distance = max(1e-6, x[1] - x[0])
    height = max(1e-6, (y[3] + y[4]) / 2 - eyes_y)
    share = (y[2] - eyes_y) / height
    eyes_x, mouth_x = (x[0] + x[1]) / 2, (x[3] + x[4]) / 2
    middle = eyes_x + min(1.0, max(0.0, share)) * (mouth_x - eyes_x)
    return _Level(eye_distance, height, share, (x[2] - middle) / eye_distance)


_TEMPLATE = _levelled(arcface_template(), 0.0)
