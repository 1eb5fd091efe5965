"""What light, lens, sensor and codec do to a picture. Each takes BGR uint8 (H, W, 3) and returns a new array alike.

Random parameters come from `rng` within the strength asked for, so the same generator state gives the same picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.synth.geometry import Image


def _to_uint8(values: NDArray[np.float32]) -> Image:
    return np.asarray(np.clip(values + np.float32(0.5), 0, 255), dtype=np.uint8)


def defocus(image_bgr: Image, sigma_px: float, rng: np.random.Generator) -> Image:
    """Out of focus: a Gaussian of up to `sigma_px` (half to all of it)."""
    sigma = sigma_px * rng.uniform(0.5, 1.0)
    if sigma < 0.05:
        return image_bgr.copy()
    return cv2.GaussianBlur(image_bgr, (0, 0), sigma).astype(np.uint8)


def motion_blur(image_bgr: Image, length_px: float, rng: np.random.Generator) -> Image:
    """Moved during exposure, in a random direction, over half to all of `length_px`."""
    length = length_px * rng.uniform(0.5, 1.0)
    if length < 1.0:
        return image_bgr.copy()
    size = 2 * int(np.ceil(length / 2)) + 1
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((size, size), dtype=np.float32)
    middle = size // 2
    for step in np.linspace(-length / 2, length / 2, 4 * size):
        x, y = middle + step * np.cos(angle), middle + step * np.sin(angle)
        kernel[round(y), round(x)] += 1
    return cv2.filter2D(image_bgr, -1, kernel / kernel.sum()).astype(np.uint8)


def gain(image_bgr: Image, stops: float, rng: np.random.Generator) -> Image:
    """Exposure off by up to ± `stops`, clipped like a sensor, and white balance off by a few percent."""
    factor = np.float32(2.0 ** rng.uniform(-stops, stops))
    balance = rng.uniform(0.94, 1.06, 3).astype(np.float32)
    return _to_uint8(image_bgr.astype(np.float32) * factor * balance)


def gamma(image_bgr: Image, spread: float, rng: np.random.Generator) -> Image:
    """A tone curve with exponent exp(± `spread`)."""
    exponent = float(np.exp(rng.uniform(-spread, spread)))
    table = _to_uint8((255.0 * np.linspace(0, 1, 256) ** exponent).astype(np.float32))
    return np.asarray(cv2.LUT(image_bgr, table), dtype=np.uint8)


def side_light(image_bgr: Image, strength: float, rng: np.random.Generator) -> Image:
    """A lamp from one side: brightness falls off linearly in a random direction by up to `strength` (0..1)."""
    height, width = image_bgr.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    ramp_x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * np.float32(np.cos(angle))
    ramp_y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    field = 1.0 + np.float32(strength * rng.uniform(0.4, 1.0)) * (ramp_x + ramp_y)
    return _to_uint8(image_bgr.astype(np.float32) * np.clip(field, 0.05, 2.0)[..., None])


def backlight(image_bgr: Image, strength: float, rng: np.random.Generator) -> Image:
    """A bright hall behind: a dark middle, veiling glare at the borders, by up to `strength` (0..1)."""
    height, width = image_bgr.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    border = np.clip(x * x + y * y, 0, 1)[..., None]
    amount = np.float32(strength * rng.uniform(0.4, 1.0))
    dark = image_bgr.astype(np.float32) * (1 - np.float32(0.75) * amount)
    return _to_uint8(dark + amount * border * np.float32(rng.uniform(90, 200)) + 18 * amount)


def sensor_noise(image_bgr: Image, sigma: float, rng: np.random.Generator) -> Image:
    """Grain: Gaussian noise of up to `sigma` grey levels, partly coloured, stronger in the light (shot noise)."""
    level = np.float32(sigma * rng.uniform(0.3, 1.0))
    grey = rng.standard_normal((*image_bgr.shape[:2], 1), dtype=np.float32)
    coloured = rng.standard_normal(image_bgr.shape, dtype=np.float32)
    values = image_bgr.astype(np.float32)
    scale = level * (0.6 + 0.4 * values / 128)
    return _to_uint8((values + scale * (0.8 * grey + 0.6 * coloured)).astype(np.float32))


def jpeg(image_bgr: Image, quality: int, rng: np.random.Generator) -> Image:
    """Compressed as JPEG at `quality` (1..100) or somewhat better, and decoded again."""
    chosen = int(np.clip(quality + rng.integers(0, 25), 1, 100))
    _, data = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, chosen])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def downscale(image_bgr: Image, factor: float, rng: np.random.Generator) -> Image:
    """Seen from further away: shrunk by up to `factor` (>= 1) and enlarged back to its size."""
    chosen = 1.0 + (max(factor, 1.0) - 1.0) * rng.uniform(0.3, 1.0)
    height, width = image_bgr.shape[:2]
    small = (max(1, round(width / chosen)), max(1, round(height / chosen)))
    shrunk = cv2.resize(image_bgr, small, interpolation=cv2.INTER_AREA)
    method = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return cv2.resize(shrunk, (width, height), interpolation=method).astype(np.uint8)
