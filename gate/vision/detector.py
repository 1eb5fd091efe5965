"""Finding faces: the protocol, and what detectors of the anchor kind share.

A detector's *head* knows one family of networks (SCRFD, YuNet): how its input is scaled and how its output
tensors become candidates. Letter-boxing, suppression of doubles and scaling back are the same for all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, EngineFault
from gate.vision.probe import Face, ImageBGR
from gate.vision.session import OrtSession, Tensor

Floats = NDArray[np.float32]

# Every head here reduces by 32 at its coarsest, so the canvas must be whole cells of that.
CANVAS_STEP_PX = 32
# Two boxes that overlap more than this are one face; InsightFace uses the same.
NMS_IOU = 0.4


class Detector(Protocol):
    """Finds faces in a picture. Threads may share it."""

    @property
    def detect_size_px(self) -> int:
        """On how many pixels of a picture's longer side it looks; what is larger is shrunk to that."""
        ...

    def detect(self, image_bgr: ImageBGR) -> tuple[Face, ...]:
        """Faces with five landmarks, largest box first, in pixels of the picture given.

        Args:
            image_bgr: (H, W, 3) uint8.

        Raises:
            EngineFault: the model failed; never an empty answer instead.
        """
        ...

    def warm(self) -> None:
        """Run once on an empty picture, so that the first passage does not pay for it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Detections before suppression, in canvas pixels.

    Attributes:
        boxes_xyxy: (N, 4).
        landmarks: (N, 5, 2).
        scores: (N,), [0, 1].
    """

    boxes_xyxy: Floats
    landmarks: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class InputScaling:
    """How pixels become a network's input: (x - mean) / std, in RGB or BGR order."""

    mean: float
    std: float
    rgb: bool


class Head(Protocol):
    """One family of detector networks."""

    def check(self, session: OrtSession) -> None:
        """Refuse a model without this family's outputs: ModelPackError MODEL_INVALID."""
        ...

    def decode(self, outputs: list[Tensor], canvas_wh: tuple[int, int], threshold: float) -> Candidates:
        """Candidates whose score is at least `threshold`."""
        ...


class OnnxDetector:
    """A detector network with its head.

    Args:
        session: with an input (1, 3, H, W), H and W symbolic.
        head: of the network's family.
        scaling: of the input.
        detect_size_px: longest side of the canvas on which the network looks.
        threshold: candidates below this score are dropped.
    """

    def __init__(
        self, session: OrtSession, head: Head, scaling: InputScaling, *, detect_size_px: int, threshold: float
    ) -> None:
        head.check(session)
        self._session = session
        self._head = head
        self._scaling = scaling
        self.detect_size_px = detect_size_px
        self._threshold = threshold

    def detect(self, image_bgr: ImageBGR) -> tuple[Face, ...]:
        """See `Detector.detect`."""
        canvas, scale = letterbox(image_bgr, self.detect_size_px)
        outputs = self._session.run({self._session.inputs[0].name: to_blob(canvas, self._scaling)})
        height, width = canvas.shape[:2]
        return to_faces(self._head.decode(outputs, (width, height), self._threshold), scale)

    def warm(self) -> None:
        """See `Detector.warm`; a picture of 16:9, the shape that cameras send."""
        picture = np.zeros((self.detect_size_px * 9 // 16, self.detect_size_px, 3), np.uint8)
        for _ in range(2):
            self.detect(picture)


def above(scores: Floats, threshold: float) -> NDArray[np.intp]:
    """Indices of the scores (N,) that reach the threshold.

    Raises:
        EngineFault: INFERENCE_FAILED when a score is not a number. It reaches no threshold, so a broken model
            would pass for an empty picture.
    """
    if np.isnan(scores.sum()):
        raise EngineFault(Code.INFERENCE_FAILED, "the detector's scores are not numbers")
    return np.flatnonzero(scores >= threshold)


def letterbox(image_bgr: ImageBGR, longest_px: int) -> tuple[ImageBGR, tuple[float, float]]:
    """The picture in the top left of a black canvas, and its scale in x and y (canvas / picture).

    The canvas follows the picture's own shape in steps of 32 pixels: a wide picture on a square canvas would
    spend half the network's time on black.
    """
    height, width = image_bgr.shape[:2]
    scale = longest_px / max(height, width)
    inner_w, inner_h = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = np.empty((_whole_steps(inner_h), _whole_steps(inner_w), 3), np.uint8)
    canvas[inner_h:] = 0
    canvas[:, inner_w:] = 0
    # Bilinear skips pixels when it shrinks by more than two, and small faces fall apart first. Exact halves before it
    # lose none, and take a seventh of the time of area averaging in one odd step.
    while inner_w * 2 <= image_bgr.shape[1]:
        image_bgr = _halved(image_bgr)
    cv2.resize(image_bgr, (inner_w, inner_h), dst=canvas[:inner_h, :inner_w], interpolation=cv2.INTER_LINEAR)
    return canvas, (inner_w / width, inner_h / height)


def _halved(image_bgr: ImageBGR) -> ImageBGR:
    height, width = image_bgr.shape[:2]
    even = image_bgr[: max(2, height & ~1), : width & ~1]
    return cv2.resize(even, (width // 2, max(1, height // 2)), interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )


def _whole_steps(side_px: int) -> int:
    return -(-side_px // CANVAS_STEP_PX) * CANVAS_STEP_PX


def to_blob(canvas_bgr: ImageBGR, scaling: InputScaling) -> Floats:
    """The network's input (1, 3, H, W) float32.

    Plane by plane: OpenCV's own function for this turns the whole picture into floats first, which takes twice as long.
    """
    height, width = canvas_bgr.shape[:2]
    factor = 1.0 / scaling.std
    blob = np.empty((1, 3, height, width), np.float32)
    planes = cv2.split(canvas_bgr)
    for place, plane in zip(blob[0], reversed(planes) if scaling.rgb else planes, strict=True):
        cv2.addWeighted(plane, factor, plane, 0, -scaling.mean * factor, dst=place, dtype=cv2.CV_32F)
    return blob


def to_faces(candidates: Candidates, scale_xy: tuple[float, float]) -> tuple[Face, ...]:
    """Faces in picture pixels, doubles suppressed, largest box first.

    Raises:
        EngineFault: INFERENCE_FAILED when a place is not a number.
    """
    keep = suppress(candidates.boxes_xyxy, candidates.scores)
    factor = np.array(scale_xy, np.float32)
    landmarks = candidates.landmarks[keep] / factor
    corners = candidates.boxes_xyxy[keep].reshape(-1, 2, 2) / factor
    # A sum is finite only where every part of it is.
    if not math.isfinite(float(corners.sum() + landmarks.sum())):
        raise EngineFault(Code.INFERENCE_FAILED, "the detector's boxes or landmarks are not finite")
    faces = [
        Face((left, top, right, bottom), points, min(score, 1.0))
        for (left, top, right, bottom), points, score in zip(
            corners.reshape(-1, 4).tolist(), landmarks, candidates.scores[keep].tolist(), strict=True
        )
    ]
    return tuple(sorted(faces, key=_area, reverse=True))


def _area(face: Face) -> float:
    left, top, right, bottom = face.box_xyxy
    return (right - left) * (bottom - top)


def suppress(boxes_xyxy: Floats, scores: Floats, iou: float = NMS_IOU) -> NDArray[np.intp]:
    """Indices of the boxes that no better box overlaps by more than `iou`, best score first."""
    order = np.argsort(-scores, kind="stable")
    left, top, right, bottom = boxes_xyxy.T
    area = (right - left) * (bottom - top)
    kept: list[np.intp] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        width = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest])
        height = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        union = area[best] + area[rest] - shared
        order = rest[shared <= iou * union]
    return np.array(kept, np.intp)
