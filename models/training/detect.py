"""Faces and five landmarks by SCRFD-2.5g at 640 x 640, and alignment: all that training and evaluation need of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.training.crops import CROP_SIZE, TEMPLATE
from models.training.paths import shared_dir
from models.training.teacher import session

_SIDE = 640
_STRIDES = (8, 16, 32)
_ANCHORS = 2  # per cell


@dataclass(frozen=True, slots=True)
class Face:
    """`box` (4,) x1, y1, x2, y2 and `landmarks` (5, 2), both float32 pixels; `score` 0..1."""

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float

    @property
    def eye_distance_px(self) -> float:
        """Distance of the two eyes."""
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))


def read_bgr(path: Path) -> NDArray[np.uint8]:
    """A picture file as (H, W, 3) BGR.

    Raises:
        ValueError: it is no picture.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"cannot decode {path}")
    return np.asarray(picture, dtype=np.uint8)


@cache
def _detector() -> ort.InferenceSession:
    return session(shared_dir() / "models" / "scrfd_2.5g_kps.onnx")


def detect(bgr: NDArray[np.uint8], threshold: float = 0.5) -> list[Face]:
    """All faces in a picture (H, W, 3), best first."""
    scale = _SIDE / max(bgr.shape[:2])
    resized = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)[:_SIDE, :_SIDE]
    canvas = np.zeros((_SIDE, _SIDE, 3), dtype=np.uint8)
    canvas[: resized.shape[0], : resized.shape[1]] = resized
    blob = cv2.dnn.blobFromImage(canvas, 1 / 128.0, (_SIDE, _SIDE), (127.5, 127.5, 127.5), swapRB=True)
    outputs = [output[0] for output in _detector().run(None, {"images": blob})]
    boxes, points, scores = [], [], []
    for level, stride in enumerate(_STRIDES):
        score, box, keypoints = outputs[level][:, 0], outputs[level + 3] * stride, outputs[level + 6] * stride
        cells = _SIDE // stride
        grid = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), axis=-1).reshape(-1, 2)
        centre = np.repeat(grid * stride, _ANCHORS, axis=0).astype(np.float32)
        keep = score >= threshold
        boxes.append(np.hstack([centre - box[:, :2], centre + box[:, 2:]])[keep])
        points.append((centre[:, None] + keypoints.reshape(-1, 5, 2))[keep])
        scores.append(score[keep])
    box, landmarks, score = (np.concatenate(parts) for parts in (boxes, points, scores))
    if len(score) == 0:
        return []
    corners = [(float(x1), float(y1), float(x2 - x1), float(y2 - y1)) for x1, y1, x2, y2 in box]
    kept = np.asarray(cv2.dnn.NMSBoxes(corners, score.tolist(), threshold, 0.4)).ravel()
    return [
        Face((box[i] / scale).astype(np.float32), (landmarks[i] / scale).astype(np.float32), float(score[i]))
        for i in kept
    ]


def main_face(bgr: NDArray[np.uint8], threshold: float = 0.3) -> Face | None:
    """The face that a picture is of: large and near the middle."""
    height, width = bgr.shape[:2]
    middle = np.array([width, height]) / 2

    def prominence(face: Face) -> float:
        off = np.linalg.norm((face.box[:2] + face.box[2:]) / 2 - middle) / max(height, width)
        return float((face.box[2] - face.box[0]) / width - 1.5 * off)

    return max(detect(bgr, threshold), key=prominence, default=None)


def align(bgr: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The face as a crop (112, 112, 3) BGR: least-squares similarity (Umeyama) onto the template."""
    source, target = landmarks.astype(np.float64), TEMPLATE.astype(np.float64)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred = source - source_mean
    u, singular, vt = np.linalg.svd((target - target_mean).T @ centred)
    flip = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    scale = (singular * flip).sum() / (centred**2).sum()
    rotation = scale * (u * flip) @ vt
    matrix = np.hstack([rotation, (target_mean - rotation @ source_mean)[:, None]])
    return cv2.warpAffine(bgr, matrix, (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_LINEAR).astype(np.uint8)
