"""A person of paper: a cut-out that can be set anywhere in a picture, at any size, smeared by its own motion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.synth.geometry import Field, Image


class CutOut(Protocol):
    """A person without the background: head, shoulders and clothes."""

    @property
    def image_bgr(self) -> Image:
        """(H, W, 3) uint8."""
        ...

    @property
    def alpha(self) -> Field:
        """(H, W) float32, 1 where the person is."""
        ...

    @property
    def landmarks(self) -> NDArray[np.float32]:
        """Five points (5, 2), pixels of the picture."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a figure is seen.

    Attributes:
        x, y: the middle between the eyes, pixels.
        eye_px: between the eyes, pixels.
        roll_deg: slant, positive clockwise.
        motion_px: way during the exposure, x and y, pixels.
        light: factor on the colours.
    """

    x: float
    y: float
    eye_px: float
    roll_deg: float = 0.0
    motion_px: tuple[float, float] = (0.0, 0.0)
    light: float = 1.0


class Figure:
    """A cut-out with legs to stand on, kept in several sizes: to shrink a large one in one step would alias.

    Args:
        cut_out: upright, as wide at its lower edge as the clothes are.
    """

    def __init__(self, cut_out: CutOut) -> None:
        eyes = np.asarray(cut_out.landmarks[:2], np.float64)
        self._eye_px = float(np.hypot(*(eyes[1] - eyes[0])))
        self._landmarks = np.asarray(cut_out.landmarks, np.float64)
        self._levels = [_standing(cut_out, self._eye_px, float(eyes[:, 1].mean()))]
        while min(self._levels[-1].shape[:2]) > _SMALLEST_PX:
            height, width = self._levels[-1].shape[:2]
            half = cv2.resize(self._levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            self._levels.append(half.astype(np.float32))

    def landmarks(self, place: Place) -> NDArray[np.float64]:
        """The five points (5, 2), pixels of the picture."""
        return self.moved(self._landmarks, place)

    def moved(self, points: NDArray[np.float64], place: Place) -> NDArray[np.float64]:
        """Points (N, 2) of the cut-out, where the picture shows them."""
        transform = self._transform(place)
        return np.asarray(points @ transform[:, :2].T + transform[:, 2], np.float64)

    def draw(self, picture: Image, place: Place) -> tuple[slice, slice, Field]:
        """Lays the figure over the picture, in place; the part of the picture it covers, and how much of it."""
        transform = self._transform(place)
        scale = place.eye_px / self._eye_px
        level = int(np.clip(math.floor(math.log2(1 / scale)), 0, len(self._levels) - 1)) if scale < 1 else 0
        source = self._levels[level]
        # The centre of a pixel of a smaller level lies between those of the larger.
        shrink = self._levels[0].shape[1] / source.shape[1]
        transform = transform @ np.array([[shrink, 0, (shrink - 1) / 2], [0, shrink, (shrink - 1) / 2], [0, 0, 1]])
        rows, columns = _covered(transform, source.shape[:2], picture.shape[:2])
        size = (columns.stop - columns.start, rows.stop - rows.start)
        if min(size) <= 0:
            return rows, columns, np.zeros((max(0, size[1]), max(0, size[0])), np.float32)
        transform[:, 2] -= (columns.start, rows.start)
        seen = _smeared(cv2.warpAffine(source, transform, size).astype(np.float32), place.motion_px)
        cover = seen[..., 3]
        under = picture[rows, columns].astype(np.float32)
        over = under * (1 - cover[..., None]) + seen[..., :3] * np.float32(place.light)
        picture[rows, columns] = np.clip(over + 0.5, 0, 255).astype(np.uint8)
        return rows, columns, cover

    def _transform(self, place: Place) -> NDArray[np.float64]:
        """From the cut-out to the picture, (2, 3)."""
        x, y = self._landmarks[:2].mean(axis=0)
        scale, turn = place.eye_px / self._eye_px, math.radians(place.roll_deg)
        a, b = scale * math.cos(turn), scale * math.sin(turn)
        return np.array([[a, -b, place.x - a * x + b * y], [b, a, place.y - b * x - a * y]])


_SMALLEST_PX = 64
_EYES_TO_FLOOR = 25.5
"""Eye distances from the eyes to the floor: 1.6 m of an adult."""

_LEGS_FROM = 15.0
"""Eye distances from the eyes to where the clothes part."""


def _standing(cut_out: CutOut, eye_px: float, eyes_y: float) -> NDArray[np.float32]:
    """The figure down to its feet, (H, W, 4), colours times alpha, and alpha."""
    image, alpha = cut_out.image_bgr.astype(np.float32), cut_out.alpha.astype(np.float32)
    missing = max(0, round(eyes_y + _EYES_TO_FLOOR * eye_px) - image.shape[0])
    rows = np.arange(image.shape[0], image.shape[0] + missing, dtype=np.float32)[:, None]
    columns = np.arange(image.shape[1], dtype=np.float32)[None, :]
    along = (rows - eyes_y) / eye_px - _LEGS_FROM
    aside = np.abs(columns - image.shape[1] / 2) / eye_px
    # Trousers: two columns with a gap that opens downwards, a little narrower than the coat.
    legs = np.clip((3.1 - 0.08 * along - aside) * 8, 0, 1) * np.clip((aside - 0.05 * np.maximum(along, 0)) * 8, 0, 1)
    coat = np.where(along < 0, 1.0, legs).astype(np.float32)
    below = np.repeat(image[-1:], missing, axis=0) * (0.62 - 0.012 * np.maximum(along, 0))[..., None]
    image = np.concatenate((image, below))
    alpha = np.concatenate((alpha, np.repeat(alpha[-1:], missing, axis=0) * coat))
    return np.concatenate((image * alpha[..., None], alpha[..., None]), axis=2).astype(np.float32)


def _covered(transform: NDArray[np.float64], source: tuple[int, ...], picture: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the picture that the source reaches."""
    corners = np.array([[0, 0], [source[1], 0], [0, source[0]], [source[1], source[0]]], np.float64)
    moved = corners @ transform[:, :2].T + transform[:, 2]
    left, top = (max(0, math.floor(value) - 12) for value in moved.min(axis=0))
    right, bottom = (math.ceil(value) + 12 for value in moved.max(axis=0))
    right, bottom = min(picture[1], right), min(picture[0], bottom)
    return slice(top, max(top, bottom)), slice(left, max(left, right))


def _smeared(seen: NDArray[np.float32], motion_px: tuple[float, float]) -> NDArray[np.float32]:
    length = math.hypot(*motion_px)
    if length < 1:
        return seen
    reach = math.ceil(length / 2)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    end = np.array(motion_px) / 2 * 16
    middle = np.array([reach, reach]) * 16
    begin, finish = (tuple(int(v) for v in np.round(middle + sign * end)) for sign in (-1, 1))
    cv2.line(kernel, begin, finish, 1.0, 1, cv2.LINE_8, 4)
    return cv2.filter2D(seen, -1, kernel / kernel.sum(), borderType=cv2.BORDER_CONSTANT).astype(np.float32)
