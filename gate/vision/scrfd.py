"""SCRFD: boxes and landmarks as distances from the cells of three grids, two anchors a cell."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gate.errors import Code, ModelPackError
from gate.vision.detector import Candidates, Floats, above
from gate.vision.session import OrtSession, Tensor

STRIDES_PX = (8, 16, 32)
ANCHORS_PER_CELL = 2
# Scores, boxes and landmarks for each stride, in this order.
_CHANNELS = (1, 1, 1, 4, 4, 4, 10, 10, 10)


# Left and top are to the left of and above the corner that their distance is from.
_OUTWARDS = np.array([-1, -1, 1, 1], np.float32)


class ScrfdHead:
    """Reads the nine outputs of a SCRFD network with landmarks; a leading batch axis of 1 may be there or not."""

    def check(self, session: OrtSession) -> None:
        """See `gate.vision.detector.Head`."""
        found = tuple(output.shape[-1] if output.shape else None for output in session.outputs)
        # A symbolic last axis says nothing; only a stated one can be wrong.
        fits = len(found) == len(_CHANNELS) and all(
            not isinstance(have, int) or have == want for have, want in zip(found, _CHANNELS, strict=True)
        )
        if not fits:
            raise ModelPackError(
                Code.MODEL_INVALID,
                f"{session.name}: SCRFD with landmarks has outputs of last axis {_CHANNELS}, found {found}",
            )

    def decode(self, outputs: list[Tensor], canvas_wh: tuple[int, int], threshold: float) -> Candidates:
        """See `gate.vision.detector.Head`. Only cells above the threshold are decoded."""
        boxes, landmarks, scores = [], [], []
        for level, stride in enumerate(STRIDES_PX):
            level_scores = outputs[level].reshape(-1)
            chosen = above(level_scores, threshold)
            if not chosen.size:
                continue
            corners = _corners_twice(canvas_wh[0] // stride, canvas_wh[1] // stride, stride)[chosen]
            distance = outputs[level + 3].reshape(-1, 4)[chosen] * stride
            offset = outputs[level + 6].reshape(-1, 5, 2)[chosen] * stride
            boxes.append(corners + distance * _OUTWARDS)
            landmarks.append(corners[:, None, :2] + offset)
            scores.append(level_scores[chosen])
        return Candidates(_joined(boxes, 4), _joined(landmarks, 5, 2), _joined(scores))


@lru_cache(maxsize=12)  # three levels of a few sizes of canvas: a camera sends one
def _corners_twice(columns: int, rows: int, stride: int) -> Floats:
    """Top left corner of every anchor's cell, row by row, as (x, y, x, y), canvas pixels; (anchors, 4)."""
    y, x = np.mgrid[0:rows, 0:columns] * stride
    cells = np.stack((x, y, x, y), axis=-1).reshape(-1, 4)
    return np.repeat(cells, ANCHORS_PER_CELL, axis=0).astype(np.float32)


def _joined(parts: list[Tensor], *shape: int) -> Floats:
    """One array of the levels that see something; empty, each row of `shape`, where none does."""
    if not parts:
        return np.empty((0, *shape), np.float32)
    return np.concatenate(parts).astype(np.float32, copy=False)
