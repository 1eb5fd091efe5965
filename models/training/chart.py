"""Plain line charts with OpenCV, for reports that need no plotting library."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT, _MARGIN = 480, 360, 50
_COLOURS = ((40, 130, 40), (40, 40, 200), (200, 120, 30), (150, 40, 150))
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def chart(
    lines: Mapping[str, NDArray[np.floating]], title: str, below: str, limits: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    """Lines (n, 2) by name in one chart (360, 480, 3) BGR; `limits` are x from, x to, y from, y to."""
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    x1, x2, y1, y2 = limits
    inner_w, inner_h = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    for share in np.linspace(0, 1, 6):
        x, y = int(_MARGIN + share * inner_w), int(_HEIGHT - _MARGIN - share * inner_h)
        cv2.line(canvas, (x, _MARGIN), (x, _HEIGHT - _MARGIN), (225, 225, 225), 1)
        cv2.line(canvas, (_MARGIN, y), (_WIDTH - _MARGIN, y), (225, 225, 225), 1)
        cv2.putText(
            canvas, f"{x1 + share * (x2 - x1):g}", (x - 8, _HEIGHT - 32), _FONT, 0.38, (0, 0, 0), 1, cv2.LINE_AA
        )
        cv2.putText(canvas, f"{y1 + share * (y2 - y1):g}", (8, y + 4), _FONT, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    for index, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        scaled = (np.asarray(line, np.float64) - (x1, y1)) / (x2 - x1, y2 - y1)
        points = (_MARGIN, _HEIGHT - _MARGIN) + scaled.clip(-0.02, 1.02) * (inner_w, -inner_h)
        cv2.polylines(canvas, [points.round().astype(np.int32)], False, colour, 2, cv2.LINE_AA)
        cv2.putText(canvas, name, (_WIDTH - 170, 75 + 18 * index), _FONT, 0.45, colour, 1, cv2.LINE_AA)
    cv2.putText(canvas, title, (_MARGIN, 30), _FONT, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(canvas, below, (_MARGIN, _HEIGHT - 10), _FONT, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas
