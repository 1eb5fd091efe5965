"""An invented pack: a last layer that widens few numbers to more, and templates made by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.gallery.axes import Axes, Rows

WIDE, NARROW = 64, 23
"""Odd, so that the last code of a template stands for one number only."""


def last_layer() -> Rows:
    """Weights and bias (NARROW + 1, WIDE)."""
    return np.random.default_rng(5).normal(size=(NARROW + 1, WIDE)).astype(np.float32)


AXES = Axes.of(last_layer(), WIDE)


def faces(count: int, rng: np.random.Generator) -> Rows:
    """Templates (count, WIDE) of people who have nothing to do with each other."""
    layer = last_layer()
    return unit(rng.normal(size=(count, NARROW)) @ layer[:-1] + layer[-1])


def near(rows: Rows, away: float, rng: np.random.Generator) -> Rows:
    """Templates of the same pack, so far away from these."""
    return unit(rows + away * faces(len(rows), rng))


def unit(rows: NDArray[np.floating]) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
