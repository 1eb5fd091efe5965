"""How a face moves through the picture: a Kalman filter of constant velocity over its place and its size.

Place in pixels, size as a logarithm: somebody who walks towards the camera grows by a share of their size. Noise is
stated in face sizes, so that one set of numbers holds near and far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gate.vision.probe import Face

Vector = NDArray[np.float64]

_PLACE_NOISE, _SIZE_NOISE = 0.07, 0.09
"""How far a detector's box is off, in face sizes and in the logarithm of the size (standard deviations)."""

_PLACE_SPEED, _SIZE_SPEED = 3.0, 0.6
"""How fast an unknown face may move, a second: half a metre sideways, or three quarters of a metre nearer from 1.5."""

_PLACE_JERK, _SIZE_JERK = 3.0, 0.5
"""How fast that changes, a second: people swing, stop and turn aside (square root of the spectral density)."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Where a face is, and how sure that is. Three axes that know nothing of each other: x, y, logarithm of the size.

    Attributes:
        at_s: when, monotonic.
        value: (3,): centre x and y, pixels, and the natural logarithm of the size, pixels.
        rate: (3,), the same a second.
        covariance: (3, 2, 2), of value and rate, an axis each.
    """

    at_s: float
    value: Vector
    rate: Vector
    covariance: Vector

    @classmethod
    def first(cls, face: Face, at_s: float) -> Self:
        """Of a face seen once: where it goes is not known."""
        value = measured(face)
        covariance = np.zeros((3, 2, 2))
        covariance[:, 0, 0] = _measurement_noise(value)
        covariance[:, 1, 1] = _in_pixels(value, _PLACE_SPEED, _SIZE_SPEED) ** 2
        return cls(at_s, value, np.zeros(3), covariance)

    @property
    def size_px(self) -> float:
        """Square root of the box's area."""
        return float(np.exp(self.value[2]))

    def after(self, at_s: float) -> Self:
        """Where it will be at `at_s`, if it goes on as it did."""
        elapsed_s = max(0.0, at_s - self.at_s)
        step = np.array([[1.0, elapsed_s], [0.0, 1.0]])
        spread = np.array([[elapsed_s**3 / 3, elapsed_s**2 / 2], [elapsed_s**2 / 2, elapsed_s]])
        density = _in_pixels(self.value, _PLACE_JERK, _SIZE_JERK) ** 2
        covariance = step @ self.covariance @ step.T + density[:, None, None] * spread
        # A face that grew while it was seen does not grow for ever.
        value = self.value + self.rate * np.array([elapsed_s, elapsed_s, min(elapsed_s, 1.0)])
        return type(self)(at_s, value, self.rate, covariance)

    def corrected(self, face: Face) -> Self:
        """With a face that was seen at `at_s`."""
        surprise = measured(face) - self.value
        gain = self.covariance[:, :, 0] / (self.covariance[:, 0, 0] + _measurement_noise(self.value))[:, None]
        value, rate = (np.stack((self.value, self.rate)) + gain.T * surprise).copy()
        covariance = self.covariance - gain[:, :, None] * self.covariance[:, None, 0, :]
        return type(self)(self.at_s, value, rate, covariance)

    def distance(self, face: Face) -> float:
        """How far off the face is: the squared Mahalanobis distance, chi-squared of three degrees."""
        variance = self.covariance[:, 0, 0] + _measurement_noise(self.value)
        return float(np.sum((measured(face) - self.value) ** 2 / variance))

    @property
    def vagueness(self) -> float:
        """How little is known of the place, at least 0: what a likelihood takes off for saying that it may be anywhere.

        Without it, somebody long out of sight, who may be anywhere, would lay claim to every face on their way.
        """
        return float(np.sum(np.log1p(self.covariance[:, 0, 0] / _measurement_noise(self.value))))


def measured(face: Face) -> Vector:
    """Centre and logarithm of the size of a face's box, (3,). An empty box counts as one of a pixel."""
    left, top, right, bottom = face.box_xyxy
    area = max(1.0, right - left) * max(1.0, bottom - top)
    return np.array([(left + right) / 2, (top + bottom) / 2, 0.5 * np.log(area)])


def _measurement_noise(value: Vector) -> Vector:
    return _in_pixels(value, _PLACE_NOISE, _SIZE_NOISE) ** 2


def _in_pixels(value: Vector, of_size: float, of_logarithm: float) -> Vector:
    place_px = of_size * float(np.exp(value[2]))
    return np.array([place_px, place_px, of_logarithm])
