"""Where a mask-aware embedder looked at a face, as a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.align import ALIGNED_SIZE_PX, arcface_template
from gate.vision.probe import ImageBGR

Attention = NDArray[np.float32]
"""Map (7, 7) over the cells of the aligned crop, 16 pixels each, summing to 1."""

SCALE = 4
"""The picture's pixels for one of the crop."""

# Rows 1 to 3: 16 to 64 pixels of the crop, from the forehead to below the eyes.
_EYE_ROWS = slice(1, 4)
_WHITE = (255, 255, 255)


def on_eyes(attention: Attention) -> float:
    """Share of the attention that is on the rows of the eyes, [0, 1]."""
    return float(attention[_EYE_ROWS].sum())


def attention_picture(attention: Attention, aligned_bgr: ImageBGR | None = None) -> ImageBGR:
    """The map in colour, (448, 448, 3) BGR.

    Args:
        attention: of one face.
        aligned_bgr: the face (112, 112, 3) to lay it over; None marks the landmarks' places instead, and shows nobody.
    """
    side = ALIGNED_SIZE_PX * SCALE
    level = cv2.resize(attention / max(float(attention.max()), 1e-9), (side, side), interpolation=cv2.INTER_CUBIC)
    heat = cv2.applyColorMap((np.clip(level, 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    if aligned_bgr is not None:
        face = cv2.resize(aligned_bgr, (side, side), interpolation=cv2.INTER_CUBIC)
        return cv2.addWeighted(face, 0.55, heat, 0.45, 0).astype(np.uint8, copy=False)
    for x, y in np.round(arcface_template() * SCALE).astype(int).tolist():
        cv2.drawMarker(heat, (x, y), _WHITE, cv2.MARKER_CROSS, 24, 2, cv2.LINE_AA)
    return heat.astype(np.uint8, copy=False)
