"""Which cell has to say what, and how wrong it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.training.detector_network import STRIDES_PX, cell_middles, to_boxes, to_landmarks
from models.training.detector_scenes import Labels

# A face of this size (0.88 of its box's longer side, in pixels) is for this stride. They overlap, so that no size falls
# between two grids; of two answers the better one survives.
_SIZES_PX = {8: (0.0, 60.0), 16: (44.0, 190.0), 32: (120.0, float("inf"))}
# This near to its range a grid is neither asked for the face nor told that there is none.
_TOLERANCE = 1.5
_NONE, _ANY = -1, -2


@dataclass(frozen=True, slots=True)
class Targets:
    """For each picture and cell: `face` (n, cells), index into boxes and landmarks, -1 for none, -2 for no matter what.

    `boxes` (m, 4) and `landmarks` (m, 5, 2) of all faces of the batch, in pixels.
    """

    face: Tensor
    boxes: Tensor
    landmarks: Tensor

    def to(self, device: str) -> Targets:
        """The same on a device."""
        return Targets(self.face.to(device), self.boxes.to(device), self.landmarks.to(device))


def assign(labels: Labels, side: int) -> NDArray[np.int64]:
    """Face index for every cell of a square picture, (cells,); see `Targets.face`."""
    middles, strides = (tensor.numpy() for tensor in cell_middles(side, side))
    face = np.full(len(middles), _NONE, np.int64)
    if len(labels.sure) == 0:
        return face
    boxes = labels.boxes
    inside = (
        (middles[:, None, 0] > boxes[:, 0])
        & (middles[:, None, 1] > boxes[:, 1])
        & (middles[:, None, 0] < boxes[:, 2])
        & (middles[:, None, 1] < boxes[:, 3])
    )
    size = 0.88 * np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    low, high = np.array([_SIZES_PX[int(s)] for s in STRIDES_PX])[np.searchsorted(STRIDES_PX, strides)].T
    near = (size > low[:, None] / _TOLERANCE) & (size < high[:, None] * _TOLERANCE)
    asked = (size >= low[:, None]) & (size < high[:, None]) & labels.sure
    distance = np.linalg.norm(middles[:, None] - (boxes[:, :2] + boxes[:, 2:]) / 2, axis=2)
    reach = np.clip(0.22 * size, 0.75 * strides[:, None], 2 * strides[:, None])
    distance = np.where(asked & (distance < reach), distance, np.inf)
    face[(inside & near & ~asked).any(axis=1)] = _ANY
    nearest = distance.argmin(axis=1)
    positive = np.isfinite(distance.min(axis=1))
    face[positive] = nearest[positive]
    return face


def targets(labels: list[Labels], side: int) -> Targets:
    """Targets of a batch of square pictures."""
    first = np.cumsum([0, *(len(label.sure) for label in labels)])
    faces = [assign(label, side) for label in labels]
    numbered = [np.where(face >= 0, face + start, face) for face, start in zip(faces, first[:-1], strict=True)]
    return Targets(
        torch.from_numpy(np.stack(numbered)),
        torch.from_numpy(np.concatenate([label.boxes for label in labels])),
        torch.from_numpy(np.concatenate([label.landmarks for label in labels])),
    )


def losses(raw: Tensor, wanted: Targets, side: int) -> dict[str, Tensor]:
    """Weighted terms from raw predictions (n, CHANNELS, cells): score, box, landmarks."""
    middles, strides = (tensor.to(raw.device) for tensor in cell_middles(side, side))
    raw = raw.float().transpose(1, 2)
    picture, cell = torch.nonzero(wanted.face >= 0, as_tuple=True)
    face = wanted.face[picture, cell]
    said, middles, strides = raw[picture, cell], middles[cell], strides[cell]
    boxes, true_boxes = to_boxes(said[:, 1:5], middles, strides), wanted.boxes[face]
    overlap, giou = overlaps(boxes, true_boxes)
    count = max(len(face), 1)
    # The score says how good the box is, but a face at all is worth something from the start.
    quality = torch.zeros_like(raw[:, :, 0])
    quality[picture, cell] = overlap.detach().clamp(min=0.4)
    logits = raw[:, :, 0]
    gap = (quality - logits.sigmoid()).abs() ** 2 * (wanted.face != _ANY)
    score = functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    size = (true_boxes[:, 2:] - true_boxes[:, :2]).amax(dim=1)
    off = (to_landmarks(said[:, 5:], middles, strides) - wanted.landmarks[face]).abs().mean(dim=(1, 2))
    return {
        "score": (gap * score).sum() / count,
        "box": 1.5 * (1 - giou).sum() / count,
        "landmarks": 10 * (off / size).sum() / count,
    }


def overlaps(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and its generalised form, of boxes (m, 4) with boxes (m, 4)."""
    area_a, area_b = ((x[:, 2] - x[:, 0]).clamp(min=0) * (x[:, 3] - x[:, 1]).clamp(min=0) for x in (a, b))
    inner = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(dim=1)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(dim=1)
    union = area_a + area_b - inner
    iou = inner / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)
