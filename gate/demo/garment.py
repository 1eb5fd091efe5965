"""Plain clothes drawn under a head: what a photograph's edge cut off, and no neighbour's arm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.vision.probe import ImageBGR

_COLOURS_BGR = ((92, 66, 44), (74, 74, 78), (60, 86, 74), (58, 48, 104), (112, 104, 92), (46, 78, 118), (96, 84, 40))

_SHOULDER = 1.85
"""Half the width of the shoulders, in half face heights."""


def draw_garment(
    image_bgr: ImageBGR,
    head: NDArray[np.float32],
    centre_xy: tuple[float, float],
    half_wh: tuple[float, float],
    which: int = 0,
) -> tuple[ImageBGR, NDArray[np.float32]]:
    """The head on drawn shoulders: (picture, alpha).

    Args:
        image_bgr: (H, W, 3) uint8, upright, with the head.
        head: (H, W) float32, where head and neck are.
        centre_xy: of the face.
        half_wh: half its width and height, pixels.
        which: of the colours.
    """
    height, width = head.shape
    unit = half_wh[1]
    x = (np.arange(width, dtype=np.float32)[None, :] - centre_xy[0]) / unit
    y = (np.arange(height, dtype=np.float32)[:, None] - centre_xy[1]) / unit
    body, shade = _body(x, y, unit)
    colour = np.array(_COLOURS_BGR[which % len(_COLOURS_BGR)], np.float32) * shade[..., None]
    # Below the chin whatever is not head is cloth, also under the soft edge: the photograph must not shine through.
    cover = np.maximum(body, (1 - head) * (y > 0.9))[..., None]
    picture = image_bgr * (1 - cover) + colour * cover
    alpha = np.maximum(np.where(y > 0.98, 0, 1) * head, body) if head.any() else body
    neck = np.minimum(head, _neck(x, y))
    return np.clip(picture, 0, 255).astype(np.uint8), np.maximum(alpha, neck).astype(np.float32)


def _body(x: NDArray[np.float32], y: NDArray[np.float32], unit: float) -> tuple[NDArray[np.float32], ...]:
    """Where the garment is, and how the light falls on it; x and y in half face heights from the face's centre."""
    reach = np.abs(x) / _SHOULDER
    # From the collar the shoulders slope down, then round off into the arms.
    top = 1.12 + 0.5 * np.minimum(reach, 1) ** 1.5 + 0.9 * np.clip(reach - 0.82, 0, 1) ** 2 * 8
    collar = 1.42 - 0.36 * np.clip(np.abs(x) / 0.62, 0, 1) ** 2
    top = np.where(np.abs(x) < 0.62, np.maximum(top, collar), top)
    arms = _SHOULDER * (1.0 + 0.05 * np.clip(y - 2, 0, 3))
    soft = 1.2 / unit
    body = _step((y - top) / soft) * _step((arms - np.abs(x)) / soft)
    folds = 0.035 * np.sin(5 * x + 1.3 * np.sin(2.2 * y)) + 0.02 * np.sin(13 * x + 3 * y)
    shade = 1.18 - 0.42 * reach**2 - 0.10 * np.clip(y - 1.4, 0, 3) + folds
    rim = 0.22 * np.exp(-(((y - top) / 0.07) ** 2)) * (np.abs(x) < 0.66)
    return body.astype(np.float32), np.clip(shade - rim, 0.25, 1.4).astype(np.float32)


def _neck(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Down to where the collar covers it."""
    return (_step((0.75 - np.abs(x)) * 30) * (y < 1.55)).astype(np.float32)


def _step(value: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -20, 20))), np.float32)
