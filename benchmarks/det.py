"""Detection error trade-off plots, drawn with OpenCV: false non-match over false match rate, both on a normal scale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.fvc import Curve

_SIDE_PX, _MARGIN_PX = 640, 80
_TICKS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_COLOURS = ((40, 130, 40), (40, 40, 200), (200, 120, 30), (150, 40, 150), (30, 150, 200), (90, 90, 90))
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_NORMAL = NormalDist()


def plot(curves: Mapping[str, Curve], title: str, path: Path) -> None:
    """Writes a PNG with one line a curve; rates of 0, which that scale has no place for, lie on its edge."""
    canvas = np.full((_SIDE_PX, _SIDE_PX, 3), 255, np.uint8)
    _grid(canvas)
    for index, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        points = np.stack([_place(curve.fmr[0]), _SIDE_PX - _place(curve.fnmr[0])], axis=1)
        cv2.polylines(canvas, [points.round().astype(np.int32)], False, colour, 2, cv2.LINE_AA)
        _write(canvas, name, (_SIDE_PX - 300, _MARGIN_PX + 24 + 20 * index), colour, 0.45)
    _write(canvas, title, (_MARGIN_PX, 40), (0, 0, 0), 0.6)
    _write(
        canvas, "false match rate, %; vertical: false non-match rate, %", (_MARGIN_PX, _SIDE_PX - 24), (0, 0, 0), 0.45
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", canvas)[1].tobytes())


def _grid(canvas: NDArray[np.uint8]) -> None:
    low, high = _MARGIN_PX, _SIDE_PX - _MARGIN_PX
    for tick in _TICKS:
        at = round(float(_place(np.array([tick]))[0]))
        cv2.line(canvas, (at, low), (at, high), (225, 225, 225), 1)
        cv2.line(canvas, (low, _SIDE_PX - at), (high, _SIDE_PX - at), (225, 225, 225), 1)
        _write(canvas, f"{100 * tick:g}", (at - 12, high + 20), (0, 0, 0), 0.38)
        _write(canvas, f"{100 * tick:g}", (low - 40, _SIDE_PX - at + 4), (0, 0, 0), 0.38)


def _place(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels from the left, or from below."""
    low, high = _NORMAL.inv_cdf(_TICKS[0]), _NORMAL.inv_cdf(_TICKS[-1])
    scaled = np.array([_NORMAL.inv_cdf(min(max(float(rate), _TICKS[0]), _TICKS[-1])) for rate in rates])
    return np.asarray(_MARGIN_PX + (scaled - low) / (high - low) * (_SIDE_PX - 2 * _MARGIN_PX), np.float64)


def _write(
    canvas: NDArray[np.uint8], text: str, at: tuple[int, int], colour: tuple[int, int, int], scale: float
) -> None:
    cv2.putText(canvas, text, at, _FONT, scale, colour, 1, cv2.LINE_AA)
