"""Made-up fingers: for demonstrations and tests where no print of a real one may be.

A finger is grown as in Cappelli, Erol, Maio and Maltoni, "Synthetic Fingerprint-image Generation" (ICPR 2000): ridges
arise from noise that is filtered again and again along a field of directions, which a loop and a delta determine
(Sherlock and Monro, 1993). Minutiae come where the ridges happen to meet. What it does not have is everything that
makes real prints hard: it says nothing about error rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.fingerprint.template import GreyImage

Field = NDArray[np.float32]

_SIDE_PX = 400
_PERIOD_PX = 9.0
"""Ridge to ridge: 0.46 mm at 500 dpi."""

_DIRECTIONS = 24
_ROUNDS = 14
_KERNEL_PX = 25


@dataclass(frozen=True, slots=True)
class Touch:
    """How a finger meets the sensor.

    Attributes:
        turn_deg: counter-clockwise.
        shift_px: right and down.
        width_px, height_px: of the contact.
        noise: standard deviation, grey levels.
        pressure: around 0; positive makes ridges broader, as pressing does.
        stretch: of the skin, px.
        seed: of noise and stretch.
    """

    turn_deg: float = 0.0
    shift_px: tuple[float, float] = (0.0, 0.0)
    width_px: int = 230
    height_px: int = 300
    noise: float = 12.0
    pressure: float = 0.0
    stretch: float = 3.0
    seed: int = 0

    @classmethod
    def some(cls, seed: int) -> Touch:
        """One of many ways to lay the same finger down."""
        random = np.random.default_rng(seed)
        return cls(
            turn_deg=float(random.uniform(-12, 12)),
            shift_px=(float(random.uniform(-18, 18)), float(random.uniform(-18, 18))),
            width_px=int(random.integers(215, 250)),
            height_px=int(random.integers(280, 320)),
            noise=float(random.uniform(8, 18)),
            pressure=float(random.uniform(-0.15, 0.15)),
            seed=seed,
        )


@cache
def finger(seed: int) -> Field:
    """The ridges of one finger, (400, 400) in [-1, 1], 1 on a ridge; the same for the same seed."""
    random = np.random.default_rng(seed)
    direction = _directions(random)
    chosen = np.round(direction / np.pi * _DIRECTIONS).astype(np.intp) % _DIRECTIONS
    skin = random.normal(0, 1, (_SIDE_PX, _SIDE_PX)).astype(np.float32)
    rows, columns = np.indices(chosen.shape)
    for _ in range(_ROUNDS):
        along = np.stack([cv2.filter2D(skin, -1, kernel, borderType=cv2.BORDER_REFLECT) for kernel in _kernels()])
        skin = np.tanh(3 * along[chosen, rows, columns]).astype(np.float32)
    return skin


def impression(seed: int, touch: Touch | None = None) -> GreyImage:
    """A print of the finger as a sensor of 500 dpi delivers it: (400, 400) uint8, ridges dark."""
    touch = touch or Touch()
    random = np.random.default_rng((touch.seed, seed))
    middle = _SIDE_PX / 2
    turn = cv2.getRotationMatrix2D((middle, middle), touch.turn_deg, 1.0)
    turn[:, 2] += np.array(touch.shift_px)
    x, y = (_smooth(random) * touch.stretch + axis for axis in np.indices((_SIDE_PX, _SIDE_PX), np.float32)[::-1])
    back = cv2.invertAffineTransform(turn)
    at_x = (back[0, 0] * x + back[0, 1] * y + back[0, 2]).astype(np.float32)
    at_y = (back[1, 0] * x + back[1, 1] * y + back[1, 2]).astype(np.float32)
    ridges = cv2.remap(finger(seed), at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    ink = 1 / (1 + np.exp(-4 * (ridges + touch.pressure + 0.3 * _smooth(random))))
    grey = 255 - 190 * ink * _contact(touch, random)
    grey = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.8) + random.normal(0, touch.noise, grey.shape)
    return np.asarray(np.clip(grey, 0, 255), np.uint8)


def _directions(random: np.random.Generator) -> Field:
    """Along the ridges, [0, π): a loop above, a delta below to one side."""
    y, x = np.indices((_SIDE_PX, _SIDE_PX), np.float32)
    middle = _SIDE_PX / 2
    side = 1.0 if random.random() < 0.5 else -1.0
    loop = middle + random.uniform(-15, 15), middle - random.uniform(10, 40)
    delta = middle + side * random.uniform(70, 110), middle + random.uniform(90, 130)
    angle = (np.arctan2(loop[1] - y, x - loop[0]) - np.arctan2(delta[1] - y, x - delta[0])) / 2
    direction = np.mod(angle + np.pi / 2 + 0.15 * _smooth(random), np.pi)
    return np.asarray(direction, np.float32)


@cache
def _kernels() -> tuple[Field, ...]:
    """One filter a direction, that passes ridges along it: a cosine across, under a bell."""
    reach = _KERNEL_PX // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    kernels = []
    for step in range(_DIRECTIONS):
        angle = step * np.pi / _DIRECTIONS
        across = x * np.sin(angle) + y * np.cos(angle)
        bell = np.exp(-(x**2 + y**2) / (2 * (0.45 * _PERIOD_PX) ** 2))
        kernel = np.cos(2 * np.pi * across / _PERIOD_PX) * bell
        kernel -= bell * (kernel.sum() / bell.sum())
        kernels.append((kernel / np.abs(kernel).sum()).astype(np.float32))
    return tuple(kernels)


def _smooth(random: np.random.Generator) -> Field:
    """A slowly varying field of mean 0 and standard deviation 1."""
    coarse = random.normal(0, 1, (6, 6)).astype(np.float32)
    field = cv2.resize(coarse, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def _contact(touch: Touch, random: np.random.Generator) -> Field:
    y, x = np.indices((_SIDE_PX, _SIDE_PX), np.float32) - _SIDE_PX / 2
    x, y = x - touch.shift_px[0] / 2, y - touch.shift_px[1] / 2
    edge = (x / (touch.width_px / 2)) ** 2 + (y / (touch.height_px / 2)) ** 2 + 0.08 * _smooth(random)
    return np.asarray(0.5 * (1 - np.tanh(12.5 * (edge - 1))), np.float32)
