"""A camera passage, synthesised: people walk up to a gate's camera, which adds its noise, light and compression."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.demo.portrait import Alpha, Portrait
from gate.vision.probe import ImageBGR

WIDTH_PX, HEIGHT_PX = 1280, 720

FPS = 12.0

JPEG_QUALITY = 88

_ARRIVED = 0.6
"""Share of the passage that is spent walking; the rest they stand."""

_FLAPS_Y = 0.86
"""The gate's own flaps cover the picture below this share of its height."""

_COOL = np.array([1.03, 1.0, 0.965], np.float32)
"""White balance of the hall's lamps, BGR."""


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Somebody who walks up.

    Attributes:
        portrait: who.
        from_eye_px, to_eye_px: eye distance in the frame, first and last: small is far away.
        x: where they stand, share of the frame's width.
    """

    portrait: Portrait
    from_eye_px: float = 28.0
    to_eye_px: float = 66.0
    x: float = 0.5


@dataclass(frozen=True, slots=True)
class Blur:
    """An unsharp picture. `sigma_px`: defocus; `motion_px`: smear; both end at `until`, share of the passage."""

    sigma_px: float
    motion_px: float = 0.0
    until: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the camera sees.

    Attributes:
        actors: who walks up; nobody leaves the lane empty.
        seconds: length of the passage.
        blur: None for a camera in focus.
        light: exposure at the start and at the end, 1 as in the photograph.
        seed: makes shake and noise the same every time.
    """

    actors: tuple[Actor, ...]
    seconds: float = 3.5
    blur: Blur | None = None
    light: tuple[float, float] = (0.85, 1.0)
    seed: int = 1


def render(scene: Scene) -> Iterator[bytes]:
    """The passage's frames, JPEG files of 1280 x 720 at `FPS`."""
    rng = np.random.default_rng(scene.seed)
    hall, flaps, grain = _hall(rng), _flaps(), _grain(rng)
    shakes = [_Shake(rng) for _ in scene.actors]
    # Whoever is further away is painted first.
    walking = sorted(zip(scene.actors, shakes, strict=True), key=lambda pair: pair[0].to_eye_px)
    count = max(2, round(scene.seconds * FPS))
    for index in range(count):
        share = index / (count - 1)
        frame = hall.copy()
        for actor, shake in walking:
            _paint(frame, actor, share, shake)
        _lay(frame, flaps[..., :3], flaps[..., 3], (0, HEIGHT_PX - flaps.shape[0]))
        exposure = scene.light[0] + (scene.light[1] - scene.light[0]) * min(1.0, share / _ARRIVED)
        yield _capture(cv2.convertScaleAbs(frame, alpha=exposure).astype(np.uint8), scene.blur, share, grain, rng)


class _Shake:
    """How somebody sways while walking: smooth, and less once they stand."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._phase = rng.uniform(0, 2 * math.pi, 3)
        self._rate = rng.uniform(0.8, 1.6, 3)

    def at(self, share: float) -> tuple[float, float, float]:
        """Shift right and down in eye distances, and roll in degrees."""
        calm = 1.0 if share < _ARRIVED else 0.25
        x, y, roll = np.sin(self._phase + self._rate * share * 12)
        return 0.12 * calm * float(x), 0.06 * calm * float(y), 2.5 * calm * float(roll)


def _paint(frame: ImageBGR, actor: Actor, share: float, shake: _Shake) -> None:
    """Lays the person over `frame`, in place."""
    done = min(1.0, share / _ARRIVED)
    # Size grows as one over the distance, and people slow down before they stand.
    distance = 1 / actor.from_eye_px + (1 / actor.to_eye_px - 1 / actor.from_eye_px) * math.sin(done * math.pi / 2)
    eye_px = 1 / distance
    shift_x, shift_y, roll = shake.at(share)
    x = actor.x * WIDTH_PX + shift_x * eye_px
    y = (0.56 - 0.18 * min(1.0, eye_px / 66.0)) * HEIGHT_PX + shift_y * eye_px
    colour, alpha, eyes = _scaled(actor.portrait, eye_px / actor.portrait.eye_distance_px, roll)
    left, top = x - eyes[0], y - eyes[1]
    _lay(frame, *_nudged(colour, alpha, left % 1, top % 1), (math.floor(left), math.floor(top)))


def _scaled(portrait: Portrait, scale: float, roll_deg: float) -> tuple[ImageBGR, Alpha, tuple[float, float]]:
    """Colour, alpha and the place of the eyes, at the size and slant in which they are seen."""
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    colour = cv2.resize(portrait.image_bgr, None, fx=scale, fy=scale, interpolation=method).astype(np.uint8)
    size = (colour.shape[1], colour.shape[0])
    alpha = cv2.resize(portrait.alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    eyes = (portrait.eyes_xy[0] * scale, portrait.eyes_xy[1] * scale)
    slant = cv2.getRotationMatrix2D(eyes, roll_deg, 1.0)
    return *_moved(colour, alpha, np.asarray(slant, np.float64)), eyes


def _nudged(colour: ImageBGR, alpha: Alpha, right: float, down: float) -> tuple[ImageBGR, Alpha]:
    """Moved by part of a pixel: an approach in whole pixels would stutter."""
    shift = np.array([[1, 0, right], [0, 1, down]], np.float64)
    return _moved(colour, alpha, shift)


def _moved(colour: ImageBGR, alpha: Alpha, transform: NDArray[np.float64]) -> tuple[ImageBGR, Alpha]:
    size = (colour.shape[1], colour.shape[0])
    seen = cv2.warpAffine(colour, transform, size).astype(np.uint8)
    return seen, cv2.warpAffine(alpha, transform, size).astype(np.float32)


def _lay(frame: ImageBGR, colour: NDArray[np.generic], alpha: NDArray[np.generic], at: tuple[int, int]) -> None:
    """Lays `colour` over `frame` with its top left corner `at`, where they overlap; in place."""
    left, top = max(0, at[0]), max(0, at[1])
    right = min(frame.shape[1], at[0] + colour.shape[1])
    bottom = min(frame.shape[0], at[1] + colour.shape[0])
    if right <= left or bottom <= top:
        return
    part = slice(top - at[1], bottom - at[1]), slice(left - at[0], right - at[0])
    cover = np.asarray(alpha[part], np.float32)[..., None]
    under = frame[top:bottom, left:right]
    frame[top:bottom, left:right] = (under + cover * (colour[part].astype(np.float32) - under)).astype(np.uint8)


def _capture(
    picture: ImageBGR, blur: Blur | None, share: float, grain: NDArray[np.int16], rng: np.random.Generator
) -> bytes:
    """What lens, sensor and encoder make of the scene: a JPEG file."""
    if blur is not None and share < blur.until:
        picture = _smear(picture, blur)
    y, x = rng.integers(0, grain.shape[0] - HEIGHT_PX), rng.integers(0, grain.shape[1] - WIDTH_PX)
    noisy = cv2.add(picture, grain[y : y + HEIGHT_PX, x : x + WIDTH_PX], dtype=cv2.CV_8U)
    _, data = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes()


def _smear(picture: ImageBGR, blur: Blur) -> ImageBGR:
    if blur.motion_px >= 1:
        kernel = np.full((1, round(blur.motion_px)), 1 / round(blur.motion_px), np.float32)
        picture = cv2.filter2D(picture, -1, kernel).astype(np.uint8)
    if blur.sigma_px > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), blur.sigma_px).astype(np.uint8)
    return picture


def _grain(rng: np.random.Generator) -> NDArray[np.int16]:
    """Sensor noise, larger than a frame: each frame shows another part of it."""
    shape = (HEIGHT_PX + 64, WIDTH_PX + 64)
    grey = rng.standard_normal((*shape, 1), dtype=np.float32)
    coloured = rng.standard_normal((*shape, 3), dtype=np.float32)
    return np.round(1.3 * grey + 0.8 * coloured).astype(np.int16)


def _hall(rng: np.random.Generator) -> ImageBGR:
    """A neutral hall out of focus: a wall that darkens downwards, with soft lamps."""
    y = np.linspace(0, 1, HEIGHT_PX, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, WIDTH_PX, dtype=np.float32)[None, :]
    level = 186 - 46 * y - 22 * x * x
    for _ in range(3):
        centre, width = rng.uniform(-0.9, 0.9), rng.uniform(0.05, 0.12)
        level = level + 14 * np.exp(-(((x - centre) / width) ** 2) - ((y - 0.1) / 0.35) ** 2)
    return np.clip(level[..., None] * _COOL, 0, 255).astype(np.uint8)


def _flaps() -> NDArray[np.float32]:
    """The gate's flaps before the traveller, out of focus: (h, WIDTH_PX, 4), BGR and alpha."""
    y = np.linspace(_FLAPS_Y - 0.06, 1, round((1.06 - _FLAPS_Y) * HEIGHT_PX), dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, WIDTH_PX, dtype=np.float32)[None, :]
    cover = 1 / (1 + np.exp(-(y - _FLAPS_Y - 0.02 * np.abs(x)) * 90))
    slit = 1 - 0.55 * np.exp(-((x / 0.006) ** 2))
    level = (74 - 26 * (y - _FLAPS_Y) / (1 - _FLAPS_Y)) * slit
    return np.concatenate([level[..., None] * _COOL, 0.97 * cover[..., None]], axis=2).astype(np.float32)
