"""A camera that looks down a corridor: where what stands on the floor is seen, and what the sensor adds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.synth.geometry import Image

PUPILS_M = 0.063
"""Between the pupils of an adult (mean)."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera over a corridor.

    Attributes:
        width_px, height_px: of the picture.
        focal_px: focal length in pixels.
        height_m: above the floor.
        tilt_deg: how far it looks down.
        fps: frames a second.
        exposure_s: of a frame: what moves meanwhile is smeared.
        jpeg_quality: of the file it sends.
    """

    width_px: int = 1920
    height_px: int = 1080
    focal_px: float = 3000.0
    height_m: float = 2.1
    tilt_deg: float = 7.5
    fps: float = 15.0
    exposure_s: float = 0.008
    jpeg_quality: int = 88

    def see(self, x_m: float, up_m: float, ahead_m: float) -> tuple[float, float]:
        """Where a point is seen, pixels: `x_m` to the right, `up_m` above the floor, `ahead_m` along the corridor."""
        tilt = math.radians(self.tilt_deg)
        below = self.height_m - up_m
        depth = ahead_m * math.cos(tilt) + below * math.sin(tilt)
        down = below * math.cos(tilt) - ahead_m * math.sin(tilt)
        scale = self.focal_px / max(depth, 1e-3)
        return self.width_px / 2 + x_m * scale, self.height_px / 2 + down * scale

    def pixels_a_metre(self, up_m: float, ahead_m: float) -> float:
        """Scale of what is seen there."""
        tilt = math.radians(self.tilt_deg)
        return self.focal_px / max(ahead_m * math.cos(tilt) + (self.height_m - up_m) * math.sin(tilt), 1e-3)


def corridor(camera: Camera, half_width_m: float, length_m: float, rng: np.random.Generator) -> Image:
    """The empty corridor, slightly out of focus: floor, walls, a far end, light from lamps in the ceiling."""
    tilt = math.radians(camera.tilt_deg)
    columns = (np.arange(camera.width_px, dtype=np.float32) - camera.width_px / 2) / camera.focal_px
    rows = (np.arange(camera.height_px, dtype=np.float32) - camera.height_px / 2) / camera.focal_px
    across, down = np.meshgrid(columns, rows)
    ahead = np.cos(tilt) - down * np.sin(tilt)
    fall = down * np.cos(tilt) + np.sin(tilt)
    with np.errstate(divide="ignore"):
        to_floor = np.where(fall > 0, camera.height_m / fall, np.inf)
        to_wall = half_width_m / np.abs(across)
        to_end = length_m / ahead
    reach = np.minimum(np.minimum(to_floor, to_wall), to_end)
    z = reach * ahead
    level = np.select(
        [reach == to_end, reach == to_wall],
        [np.full_like(z, 172.0), 158 + 10 * np.cos(z * 2.1) + 6 * np.sign(across)],
        118 + 16 * np.sin(z * 5.2) * np.sin(reach * across * 5.2),
    )
    level = level * lamp_light(z)
    level += 2 * rng.standard_normal(level.shape).astype(np.float32)
    soft = cv2.GaussianBlur(level.astype(np.float32), (0, 0), 5)
    picture: Image = np.clip(soft[..., None] * _COOL, 0, 255).astype(np.uint8)
    return picture


_COOL = np.array([1.03, 1.0, 0.965], np.float32)
"""White balance of the lamps, BGR."""

_LAMP_EVERY_M = 3.0


def lamp_light(ahead_m: NDArray[np.floating]) -> NDArray[np.float32]:
    """Light by the place along the corridor: brightest below a lamp, 0.72 to 1.04."""
    return (0.88 + 0.16 * np.cos(2 * np.pi * np.asarray(ahead_m) / _LAMP_EVERY_M)).astype(np.float32)


class Sensor:
    """What lens, sensor and encoder make of a scene.

    Args:
        camera: its picture and quality.
        rng: of the noise; each frame shows another part of it.
    """

    def __init__(self, camera: Camera, rng: np.random.Generator) -> None:
        self._camera = camera
        self._rng = rng
        shape = (camera.height_px + _MARGIN_PX, camera.width_px + _MARGIN_PX)
        grey = rng.standard_normal((*shape, 1), dtype=np.float32)
        coloured = rng.standard_normal((*shape, 3), dtype=np.float32)
        self._grain = np.round(1.5 * grey + 0.9 * coloured).astype(np.int16)

    def capture(self, scene_bgr: Image) -> bytes:
        """A JPEG file."""
        top, left = self._rng.integers(0, _MARGIN_PX, 2)
        height, width = scene_bgr.shape[:2]
        noisy = cv2.add(scene_bgr, self._grain[top : top + height, left : left + width], dtype=cv2.CV_8U)
        _, data = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, self._camera.jpeg_quality])
        return data.tobytes()


_MARGIN_PX = 64
