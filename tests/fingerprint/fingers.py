"""Invented fingers, and what sensors make of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gate.fingerprint.template import FingerTemplate

_CANVAS_PX = 2000
"""Wide enough that a finger may be turned and moved without leaving it."""


def template(
    x: np.ndarray, y: np.ndarray, angle: np.ndarray, quality: np.ndarray | None = None, extractor: str = "test"
) -> FingerTemplate:
    """Minutiae on the wide canvas; angles may be any."""
    n = len(x)
    return FingerTemplate.at_500_dpi(
        x,
        y,
        angle,
        np.ones(n, np.uint8),
        np.full(n, 80, np.uint8) if quality is None else quality,
        width_px=_CANVAS_PX,
        height_px=_CANVAS_PX,
        resolution_dpi=500,
        extractor=extractor,
    )


def finger(seed: int, minutiae: int = 35) -> FingerTemplate:
    """A finger in the middle of the canvas; no two minutiae nearer than a ridge's width."""
    rng = np.random.default_rng(seed)
    places: list[np.ndarray] = []
    while len(places) < minutiae:
        place = rng.uniform((-130, -170), (130, 170))
        if all(np.hypot(*(place - other)) > 9 for other in places):
            places.append(place)
    x, y = np.array(places).reshape(-1, 2).T + _CANVAS_PX / 2
    return template(x, y, rng.uniform(0, 2 * np.pi, minutiae), rng.integers(40, 101, minutiae).astype(np.uint8))


def moved(one: FingerTemplate, rotation_rad: float = 0.0, shift_px: tuple[float, float] = (0.0, 0.0)) -> FingerTemplate:
    """The finger turned counter-clockwise round the canvas's middle, as seen, then shifted."""
    at = (one.x_px - _CANVAS_PX / 2) - 1j * (one.y_px - _CANVAS_PX / 2)
    at = at * np.exp(1j * rotation_rad)
    x, y = at.real + _CANVAS_PX / 2 + shift_px[0], -at.imag + _CANVAS_PX / 2 + shift_px[1]
    return template(x, y, one.angle_rad + rotation_rad, one.quality, one.extractor)


def shuffled(one: FingerTemplate, seed: int) -> FingerTemplate:
    """The same minutiae in another order."""
    order = np.random.default_rng(seed).permutation(len(one))
    fields = ("x_px", "y_px", "angle_rad", "kind", "quality")
    return replace(one, **{name: getattr(one, name)[order] for name in fields})


def another_impression(
    one: FingerTemplate,
    seed: int,
    jitter_px: float = 2.5,
    jitter_rad: float = 0.12,
    lost: float = 0.2,
    stretch: float = 0,
) -> FingerTemplate:
    """The finger pressed again: minutiae displaced, some lost, as many invented, skin stretched by a smooth field."""
    rng = np.random.default_rng(seed)
    kept = rng.random(len(one)) >= lost
    x, y = one.x_px[kept].astype(float), one.y_px[kept].astype(float)
    middle = _CANVAS_PX / 2
    x = x + stretch * (y - middle) ** 2 / 100 + rng.normal(0, jitter_px, len(x))
    y = y + stretch * (x - middle) + rng.normal(0, jitter_px, len(y))
    angle = one.angle_rad[kept] + rng.normal(0, jitter_rad, len(x))
    added = int(np.count_nonzero(~kept))
    x = np.append(x, rng.uniform(-130, 130, added) + middle)
    y = np.append(y, rng.uniform(-170, 170, added) + middle)
    return template(x, y, np.append(angle, rng.uniform(0, 2 * np.pi, added)), extractor=one.extractor)
