"""Our own detector (`models/training/detector_train.py`): one prediction a cell, then a second look at each face.

The first network says where faces may be, and takes the canvas's own pixels: to make floats of them took a third of its
time, for memory touched once. The second looks at each of these places by itself (`gate/vision/refine.py`), and again
where in doubt; it has the last word on what is a face and where its points are.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.detector import Candidates, Floats, above, letterbox, suppress, to_faces
from gate.vision.probe import Face, ImageBGR
from gate.vision.refine import FaceRefiner
from gate.vision.session import OrtSession, Tensor

STRIDES_PX = (8, 16, 32)
# Score (a logit), logarithms of the distances to the box's sides, landmarks; distances in units of two strides.
_CHANNELS = 1 + 4 + 10
_UNIT_STRIDES = 2.0
# Cells that see a face less clearly than the threshold asks still help to place it: those from this share of it on.
_HEARD = 0.5
_SAME_FACE_IOU = 0.5
# What the first look proposes to the second: from this score on, and so many at most, the best.
_PROPOSED = 0.25
_AT_MOST = 16
LIKELY = 0.2
"""What the second look scores less is no face, unless a lower threshold is asked for."""
# What it scores less than this, or moves by more than this share of its box's width, is looked at again.
_SURE = 0.98
_MUCH_MOVED = 0.035
# The two looks err differently on heads that nod: a tenth of the first one's points takes 2 degrees off the worst pitch
# and adds less than 0.1 % of the eye distance to the mean error.
_KEPT = 0.1
# Beyond this a logarithm is no distance on any canvas, and its exponential no number.
_MAX_LOG = 6.0


class LaneFacesDetector:
    """The detector with its decoding.

    Args:
        session: with an input (1, 3, H, W) uint8 BGR, H and W symbolic, and one output (1, 15, cells).
        refiner: the second look; without one, the first is believed.
        detect_size_px: longest side of the canvas on which the network looks.
        threshold: faces below this score are dropped; the score is that of the last look.

    Raises:
        ModelPackError: MODEL_INVALID when the model has other outputs.
    """

    def __init__(
        self, session: OrtSession, refiner: FaceRefiner | None, *, detect_size_px: int, threshold: float
    ) -> None:
        _check(session)
        self._session = session
        self._refiner = refiner
        self.detect_size_px = detect_size_px
        self._threshold = threshold

    def detect(self, image_bgr: ImageBGR) -> tuple[Face, ...]:
        """See `gate.vision.detector.Detector.detect`."""
        if self._refiner is None:
            return to_faces(*self._propose(image_bgr, self._threshold))
        proposed, scale = self._propose(image_bgr, _PROPOSED)
        rough = np.divide(proposed.landmarks[:_AT_MOST], scale, dtype=np.float32)
        seen = steadied(rough, self._refiner.look(image_bgr, rough))
        likely = suppress(seen.boxes_xyxy, seen.scores)
        likely = likely[seen.scores[likely] >= min(LIKELY, self._threshold)]
        rough, seen = rough[likely], chosen(seen, likely)
        # From the window that a large correction gives, what is there is clearer.
        unsettled = doubtful(rough, seen)
        again = self._refiner.look(image_bgr, seen.landmarks[unsettled])
        again = steadied(seen.landmarks[unsettled], again)
        seen = together(chosen(seen, ~unsettled), again)
        return to_faces(chosen(seen, seen.scores >= self._threshold), (1.0, 1.0))

    def _propose(self, image_bgr: ImageBGR, threshold: float) -> tuple[Candidates, tuple[float, float]]:
        """What the first network sees, in canvas pixels, best first; and the canvas's scale."""
        canvas, scale = letterbox(image_bgr, self.detect_size_px)
        pixels = np.empty((1, 3, *canvas.shape[:2]), np.uint8)
        cv2.split(canvas, list(pixels[0]))
        outputs = self._session.run({self._session.inputs[0].name: pixels})
        heard = decode(outputs[0], (canvas.shape[1], canvas.shape[0]), _HEARD * threshold)
        return agree(heard, threshold), scale

    def warm(self) -> None:
        """See `gate.vision.detector.Detector.warm`; a picture of 16:9, the shape that cameras send."""
        picture = np.zeros((self.detect_size_px * 9 // 16, self.detect_size_px, 3), np.uint8)
        for _ in range(2):
            self.detect(picture)
        if self._refiner is not None:
            self._refiner.warm()


def decode(raw: Tensor, canvas_wh: tuple[int, int], threshold: float) -> Candidates:
    """Candidates whose score is at least `threshold`, in canvas pixels; only these are decoded.

    Args:
        raw: (1, 15, cells): the three grids one after the other, each row by row.
        canvas_wh: of the canvas, multiples of 32.
        threshold: on the score, (0, 1).

    Raises:
        EngineFault: INFERENCE_FAILED when a score is not a number, or the cells are not those of the canvas.
    """
    values = raw.reshape(_CHANNELS, -1)
    ends = np.cumsum([(canvas_wh[0] // stride) * (canvas_wh[1] // stride) for stride in STRIDES_PX])
    if ends[-1] != values.shape[1]:
        raise EngineFault(
            Code.INFERENCE_FAILED,
            f"a canvas of {canvas_wh} has {ends[-1]} cells, the detector answered {values.shape[1]}",
        )
    chosen = above(values[0], float(np.log(threshold / (1 - threshold))))
    level = np.searchsorted(ends, chosen, side="right")
    stride = np.array(STRIDES_PX, np.float32)[level]
    cell = chosen - np.concatenate(([0], ends))[level]
    row, column = np.divmod(cell, (canvas_wh[0] / stride).astype(np.int64))
    middle: Floats = ((np.stack((column, row), axis=1) + 0.5) * stride[:, None]).astype(np.float32)
    said, unit = values[:, chosen].T, (_UNIT_STRIDES * stride)[:, None]
    distance = np.exp(said[:, 1:5].clip(-_MAX_LOG, _MAX_LOG)) * unit
    landmarks = middle[:, None, :] + (said[:, 5:] * unit).reshape(-1, 5, 2)
    boxes = np.concatenate((middle - distance[:, :2], middle + distance[:, 2:]), axis=1)
    scores = 1 / (1 + np.exp(-said[:, 0]))
    return Candidates(
        boxes.astype(np.float32, copy=False),
        landmarks.astype(np.float32, copy=False),
        scores.astype(np.float32, copy=False),
    )


def agree(heard: Candidates, threshold: float) -> Candidates:
    """One candidate a face: its box and landmarks are the mean over all cells that see it, weighted by their scores.

    Each cell errs on its own, so their mean is nearer to the truth than the best of them.

    Args:
        heard: candidates, doubles among them.
        threshold: that the best score of a face must reach.
    """
    best = suppress(heard.boxes_xyxy, heard.scores)
    best = best[heard.scores[best] >= threshold]
    weights = heard.scores * (overlap(heard.boxes_xyxy[best], heard.boxes_xyxy) >= _SAME_FACE_IOU)
    weights /= weights.sum(axis=1, keepdims=True)
    landmarks = np.einsum("fc,cpd->fpd", weights, heard.landmarks)
    return Candidates(weights @ heard.boxes_xyxy, landmarks, heard.scores[best])


def chosen(candidates: Candidates, which: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
    """Some of them."""
    return Candidates(candidates.boxes_xyxy[which], candidates.landmarks[which], candidates.scores[which])


def together(a: Candidates, b: Candidates) -> Candidates:
    """Both, one behind the other."""
    return Candidates(
        np.concatenate([a.boxes_xyxy, b.boxes_xyxy]),
        np.concatenate([a.landmarks, b.landmarks]),
        np.concatenate([a.scores, b.scores]),
    )


def steadied(rough: Floats, seen: Candidates) -> Candidates:
    """The candidates (N,) with a little of the rough points (N, 5, 2) left in theirs."""
    return Candidates(seen.boxes_xyxy, seen.landmarks + np.float32(_KEPT) * (rough - seen.landmarks), seen.scores)


def doubtful(rough: Floats, seen: Candidates) -> NDArray[np.bool_]:
    """Which candidates (N,) deserve another look: moved far from their rough points (N, 5, 2), or of a weak score."""
    shift = np.abs(seen.landmarks - rough).mean(axis=(1, 2))
    widths = seen.boxes_xyxy[:, 2] - seen.boxes_xyxy[:, 0]
    return np.asarray((shift > _MUCH_MOVED * widths) | (seen.scores < _SURE), np.bool_)


def overlap(a: Floats, b: Floats) -> Floats:
    """Intersection over union (n, m) of boxes (n, 4) and (m, 4)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area_a, area_b = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b))
    return np.asarray(shared / np.maximum(area_a[:, None] + area_b - shared, 1e-6), np.float32)


def _check(session: OrtSession) -> None:
    found = [output.shape[1] if len(output.shape) == 3 else None for output in session.outputs]
    if found != [_CHANNELS]:
        raise ModelPackError(
            Code.MODEL_INVALID,
            f"{session.name}: this detector has one output (1, {_CHANNELS}, cells), found "
            f"{[output.shape for output in session.outputs]}",
        )
