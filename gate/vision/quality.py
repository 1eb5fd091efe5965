"""How well a face is seen, after the components of ISO/IEC 29794-5 that a gate can act on.

Measured here, judged by policy: a number goes out, never a verdict.
"""

from __future__ import annotations

import math

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
    luma = cv2.cvtColor(aligned_bgr, cv2.COLOR_BGR2GRAY)[_CENTRE]
    yaw, pitch, roll = pose_deg(face.landmarks)
    return Quality(
        eye_distance_px=face.eye_distance_px,
        sharpness=sharpness(luma.astype(np.float32)),
        brightness=float(luma.mean()),
        contrast=float(luma.std()),
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
    contrast = float(luma.std()) + _NOISE_LEVELS
    across = _edges(smooth, _SECOND_DERIVATIVE) / contrast / _CRISP_ACROSS
    down = _edges(smooth, _SECOND_DERIVATIVE.T) / contrast / _CRISP_DOWN
    return min(across, down)


def _edges(luma: NDArray[np.float32], kernel: NDArray[np.float32]) -> float:
    # The border of a slice has no outer neighbours; reflected ones would count as edges.
    return float(cv2.filter2D(luma, cv2.CV_32F, kernel)[3:-3, 3:-3].std())


def pose_deg(landmarks: Landmarks) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, see `Quality` for the signs (ISO/IEC 19794-5, pose angles).

    The nose tip stands before the plane of eyes and mouth, so a turning head moves it across that plane:
    by depth * tan(angle), measured in the foreshortened eye distance or face height. Good to some ten degrees
    between people, enough to tell "look at the camera".
    """
    roll = roll_rad(landmarks)
    turned = _turn(landmarks, -roll)
    yaw_shift = _nose_shift(turned)
    pitch_shift = _nose_share(turned) - _NOSE_SHARE
    # From eye distances to face heights: the depth is known in the one, the shift measured in the other.
    template = arcface_template()
    depth_in_heights = _NOSE_DEPTH * _eye_distance(template) / _face_height(template)
    yaw = math.atan(yaw_shift / _NOSE_DEPTH)
    pitch = math.atan(-pitch_shift / depth_in_heights)
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def roll_rad(landmarks: Landmarks) -> float:
    """Slant of the eye line, radians, positive clockwise as seen in the picture."""
    x, y = landmarks[1] - landmarks[0]
    return math.atan2(float(y), float(x))


def inside_share(box_xyxy: tuple[float, float, float, float], width_px: int, height_px: int) -> float:
    """Share of a box's area that lies within the picture, [0, 1]."""
    left, top, right, bottom = box_xyxy
    area = (right - left) * (bottom - top)
    if area <= 0:
        return 0.0
    shown_w = max(0.0, min(right, width_px) - max(left, 0.0))
    shown_h = max(0.0, min(bottom, height_px) - max(top, 0.0))
    return shown_w * shown_h / area


def _turn(landmarks: Landmarks, angle_rad: float) -> Landmarks:
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    rotation = np.array([[cosine, sine], [-sine, cosine]], np.float32)
    turned: Landmarks = landmarks.astype(np.float32) @ rotation
    return turned


def _eye_distance(level: Landmarks) -> float:
    return max(1e-6, float(level[1, 0] - level[0, 0]))


def _face_height(level: Landmarks) -> float:
    """From the eye line to the mouth line, pixels; at least 1e-6."""
    return max(1e-6, float(level[3:, 1].mean() - level[:2, 1].mean()))


def _nose_share(level: Landmarks) -> float:
    """Where the nose tip stands between eye line (0) and mouth line (1)."""
    return float(level[2, 1] - level[:2, 1].mean()) / _face_height(level)


def _nose_shift(level: Landmarks) -> float:
    """How far the nose tip stands to the right of the face's middle line, in eye distances."""
    eyes_x, mouth_x = float(level[:2, 0].mean()), float(level[3:, 0].mean())
    share = min(1.0, max(0.0, _nose_share(level)))
    middle = eyes_x + share * (mouth_x - eyes_x)
    return (float(level[2, 0]) - middle) / _eye_distance(level)
