"""Pictures without a face, for the detector to learn where there is none: painted halls, textures, clothes, text.

Everything returns BGR uint8 (side, side, 3) and is deterministic by the generator passed in.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module, util

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.detector_sources import Photo

Picture = NDArray[np.uint8]

# scikit-image's bundled pictures that show nobody; the astronaut and the cameraman are left for tests.
_TEXTURES = (
    "brick", "cat", "checkerboard", "clock", "coffee", "coins", "colorwheel", "grass", "gravel", "horse",
    "hubble_deep_field", "immunohistochemistry", "logo", "microaneurysms", "moon", "page", "retina", "rocket", "text",
)  # fmt: skip
# A window of a photograph smaller than this shows nothing.
_MIN_WINDOW_PX = 48
_WINDOW_TRIES = 12


@cache
def textures() -> tuple[Picture, ...]:
    """scikit-image's pictures without a person, BGR; none where it is not installed."""
    if util.find_spec("skimage") is None:  # a bare machine with a GPU: painted backgrounds stand in
        return ()
    data = import_module("skimage.data")
    found: list[Picture] = []
    for name in _TEXTURES:
        picture = np.asarray(getattr(data, name)())
        picture = picture.astype(np.uint8) * (255 if picture.dtype == bool else 1)
        if picture.ndim == 2:
            picture = np.repeat(picture[:, :, None], 3, axis=2)
        found.append(np.ascontiguousarray(picture[:, :, 2::-1]))
    return tuple(found)


def background(photos: list[tuple[Photo, Picture]], side: int, rng: np.random.Generator) -> Picture:
    """One picture without a face."""
    draw = rng.random()
    if draw < 0.35:
        window = surroundings(photos, rng)
        if window is not None:
            return _fit(window, side, rng)
    if draw < 0.5:
        picture = photos[int(rng.integers(len(photos)))][1]
        # Blurred until no face is left in it: a hall out of focus.
        shrunk = cv2.resize(picture, (7, 7), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
    if draw < 0.65 and textures():
        picture = textures()[int(rng.integers(len(textures())))]
        return _fit(_window(picture, rng.uniform(0.2, 1.0), rng), side, rng)
    return paint(side, rng)


def surroundings(photos: list[tuple[Photo, Picture]], rng: np.random.Generator) -> Picture | None:
    """A window of a photograph beside every face that the teacher so much as suspects; None if luck has it."""
    photo, picture = photos[int(rng.integers(len(photos)))]
    height, width = picture.shape[:2]
    for _ in range(_WINDOW_TRIES):
        window_h, window_w = (int(rng.uniform(0.2, 0.8) * n) for n in (height, width))
        if min(window_h, window_w) < _MIN_WINDOW_PX:
            continue
        top, left = int(rng.integers(height - window_h + 1)), int(rng.integers(width - window_w + 1))
        x1, y1, x2, y2 = photo.boxes.T
        beside: NDArray[np.bool_] = (x2 < left) | (x1 > left + window_w) | (y2 < top) | (y1 > top + window_h)
        if bool(beside.all()):
            window: Picture = picture[top : top + window_h, left : left + window_w]
            return window
    return None


def paint(side: int, rng: np.random.Generator) -> Picture:
    """A painted hall: light that falls off, bands and tiles, lamps and windows, shapes, lettering, grain."""
    first, second = _colour(rng), _colour(rng)
    ramp = np.linspace(0, 1, side, dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    across = np.abs(np.float32(np.cos(angle)) * ramp[None, :] + np.float32(np.sin(angle)) * ramp[:, None])
    canvas: Picture = (first + (second - first) * np.clip(across, 0, 1)[..., None]).astype(np.uint8)
    for step in (_stripes, _tiles, _shapes, _shapes, _windows, _lettering, _blobs):
        if rng.random() < 0.4:
            step(canvas, rng)
    if rng.random() < 0.4:
        coarse = rng.normal(0, rng.uniform(4, 30), (side // int(rng.integers(1, 9)),) * 2).astype(np.float32)
        grain = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR)
        canvas = np.asarray(np.clip(canvas + grain[..., None], 0, 255), np.uint8)
    return canvas


def _colour(rng: np.random.Generator) -> NDArray[np.float32]:
    grey = rng.uniform(5, 250)
    return np.asarray(np.clip(grey + rng.normal(0, rng.choice([5, 30, 80]), 3), 0, 255), np.float32)


def _ink(rng: np.random.Generator) -> tuple[float, float, float]:
    blue, green, red = (float(value) for value in _colour(rng))
    if rng.random() < 0.25:  # skin, of which hands and arms are made
        level = rng.uniform(0.35, 1.0)
        blue, green, red = (level * value for value in (rng.uniform(120, 190), rng.uniform(150, 205), 240.0))
    return blue, green, red


def _stripes(canvas: Picture, rng: np.random.Generator) -> None:
    period, phase = rng.uniform(4, 60), rng.uniform(0, 6.3)
    angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    rows, columns = np.mgrid[: canvas.shape[0], : canvas.shape[1]].astype(np.float32)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    wave = np.sin(along * (2 * np.pi / period) + phase) > rng.uniform(-0.7, 0.7)
    canvas[wave] = (0.5 * canvas[wave] + 0.5 * np.array(_ink(rng))).astype(np.uint8)


def _tiles(canvas: Picture, rng: np.random.Generator) -> None:
    pitch, ink = int(rng.integers(8, 70)), _ink(rng)
    offset = int(rng.integers(pitch))
    dots = rng.random() < 0.4
    for y in range(offset, canvas.shape[0], pitch):
        if not dots:
            cv2.line(canvas, (0, y), (canvas.shape[1], y + int(rng.integers(-3, 4))), ink, 1)
            cv2.line(canvas, (y, 0), (y, canvas.shape[0]), ink, 1)
            continue
        for x in range(offset, canvas.shape[1], pitch):
            cv2.circle(canvas, (x, y), max(1, pitch // 5), ink, -1)


def _shapes(canvas: Picture, rng: np.random.Generator) -> None:
    side = canvas.shape[0]
    for _ in range(int(rng.integers(2, 12))):
        x, y = (int(value) for value in rng.integers(0, side, 2))
        reach = rng.uniform(0.02, 0.3) * side
        draw = rng.random()
        if draw < 0.4:
            axes = (int(1 + reach), int(1 + reach * rng.uniform(0.3, 1.6)))
            cv2.ellipse(canvas, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, _ink(rng), -1, cv2.LINE_AA)
        elif draw < 0.75:
            corners = np.array([x, y]) + rng.normal(0, reach, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(canvas, [corners.astype(np.int32)], _ink(rng), cv2.LINE_AA)
        else:
            end = (int(x + rng.normal(0, 3 * reach)), int(y + rng.normal(0, 3 * reach)))
            cv2.line(canvas, (x, y), end, _ink(rng), int(rng.integers(1, 14)), cv2.LINE_AA)


def _windows(canvas: Picture, rng: np.random.Generator) -> None:
    side, bright = canvas.shape[0], float(rng.uniform(180, 255))
    width, height = (int(rng.uniform(0.06, 0.4) * side) for _ in range(2))
    gap = int(rng.integers(4, 30))
    for x in range(int(rng.integers(0, width + 1)), side, width + gap):
        top = int(rng.uniform(0, 0.4) * side)
        cv2.rectangle(canvas, (x, top), (x + width, top + height), (bright, bright, bright), -1)


def _lettering(canvas: Picture, rng: np.random.Generator) -> None:
    side = canvas.shape[0]
    for _ in range(int(rng.integers(1, 6))):
        letters = "".join(chr(int(code)) for code in rng.integers(40, 123, int(rng.integers(1, 10))))
        at = (int(rng.integers(-20, side)), int(rng.integers(0, side)))
        font, size = int(rng.integers(0, 8)), float(rng.uniform(0.4, 4))
        cv2.putText(canvas, letters, at, font, size, _ink(rng), int(rng.integers(1, 8)), cv2.LINE_AA)


def _blobs(canvas: Picture, rng: np.random.Generator) -> None:
    """Skin and cloth without features: ovals with soft shade, some with two or three dark spots in the wrong places."""
    side = canvas.shape[0]
    for _ in range(int(rng.integers(1, 5))):
        x, y = (int(value) for value in rng.integers(0, side, 2))
        width = int(rng.uniform(0.03, 0.25) * side) + 2
        height = int(width * rng.uniform(0.7, 1.6))
        cv2.ellipse(canvas, (x, y), (width, height), float(rng.normal(0, 20)), 0, 360, _ink(rng), -1, cv2.LINE_AA)
        for _ in range(int(rng.integers(0, 3))):
            spot = (int(x + rng.normal(0, width / 2)), int(y + rng.normal(0, height / 2)))
            cv2.circle(canvas, spot, max(1, int(width * rng.uniform(0.05, 0.2))), _ink(rng), -1, cv2.LINE_AA)


def _window(picture: Picture, share: float, rng: np.random.Generator) -> Picture:
    height, width = (max(8, int(share * n)) for n in picture.shape[:2])
    top = int(rng.integers(picture.shape[0] - height + 1))
    left = int(rng.integers(picture.shape[1] - width + 1))
    return picture[top : top + height, left : left + width]


def _fit(picture: Picture, side: int, rng: np.random.Generator) -> Picture:
    """Stretched to a square, sometimes on its side or upside down."""
    turned = np.ascontiguousarray(np.rot90(picture, int(rng.choice([0, 0, 0, 1, 2, 3]))))
    if rng.random() < 0.5:
        turned = np.ascontiguousarray(turned[:, ::-1])
    shrinking = max(turned.shape[:2]) > side
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(turned, (side, side), interpolation=method), np.uint8)
