"""The second look at a face: is it one, and where exactly are its points and its box.

A detector of one stage says everything from a few pixels a face, so its points are rough and its weak candidates are
worthless. Here each candidate is brought upright into a small window by its own points, in the picture's own pixels,
and a second, small network looks at all windows of a picture at once (`models/training/refine_train.py`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.align import (
    Transform,
    arcface_template,
    estimate_similarity,
    warp,
)
from gate.vision.detector import Candidates, Floats
from gate.vision.probe import ImageBGR, Landmarks
from gate.vision.session import OrtSession, Tensor

WINDOW_PX = 64
# The ArcFace crop at half size with a little more around it: hair and chin tell a face from what only looks like one.
_REDUCED, _MARGIN_PX = 0.5, 4.0
# What the network says of a window: score (a logit), the box's sides, six places (the box's middle and five points).
CHANNELS = 1 + 2 + 12
_SIDES, _PLACES = slice(1, 3), slice(3, CHANNELS)
# Places are told as how far they are from where they belong, in units of this many window pixels; sides as logarithms
# of how many times as long as usual they are.
UNIT_PX = 4.0
_MAX_LOG = 2.0
# Where a face's box lies in its window, and how long its sides are, on average over the faces learned from.
USUAL_MIDDLE_PX = (32.0, 35.5)
USUAL_SIDES_PX = (42.0, 55.0)


def window_template() -> Landmarks:
    """Where the five points of a face belong in its window, (5, 2) pixels."""
    return arcface_template() * np.float32(_REDUCED) + np.float32(_MARGIN_PX)


def to_window(landmarks: Landmarks) -> Transform:
    """From the picture's pixels to the window's, (2, 3), by a face's points (5, 2).

    Raises:
        ValueError: all points coincide.
    """
    return estimate_similarity(landmarks, window_template())


class FaceRefiner:
    """Looks at candidates once more. Threads may share it.

    Args:
        session: with an input (N, 3, 64, 64) uint8 BGR and one output (N, 15).

    Raises:
        ModelPackError: MODEL_INVALID when the model has other inputs or outputs.
    """

    def __init__(self, session: OrtSession) -> None:
        _check(session)
        self._session = session

    def look(self, image_bgr: ImageBGR, landmarks: Floats) -> Candidates:
        """What is really there: one candidate for each of the rough ones, in their order, in the picture's pixels.

        Args:
            image_bgr: (H, W, 3) uint8.
            landmarks: rough points (N, 5, 2), pixels of the picture; none are answered with none.

        Raises:
            EngineFault: INFERENCE_FAILED when points, or what the network says of them, are not numbers.
        """
        if not len(landmarks):
            return Candidates(np.empty((0, 4), np.float32), landmarks, np.empty(0, np.float32))
        if not math.isfinite(float(landmarks.sum())):
            raise EngineFault(Code.INFERENCE_FAILED, "the detector's landmarks are not finite")
        transforms = np.stack([_upright(points) for points in landmarks])
        windows = np.stack([warp(image_bgr, transform, WINDOW_PX) for transform in transforms])
        said = self._session.run_batch(np.ascontiguousarray(windows.transpose(0, 3, 1, 2)))[0]
        if not math.isfinite(float(said.sum())):
            raise EngineFault(Code.INFERENCE_FAILED, f"{self._session.name}: what it says of a face is not finite")
        return read(said, transforms)

    def warm(self) -> None:
        """Look at nothing, one face and several, so that the first passage does not pay for it."""
        for faces in (1, 4):
            blank = np.zeros((faces, 3, WINDOW_PX, WINDOW_PX), np.uint8)
            self._session.run_batch(blank)


def read(said: Tensor, transforms: NDArray[np.float64]) -> Candidates:
    """Candidates in the picture's pixels.

    Args:
        said: (N, 15), the network's output.
        transforms: (N, 2, 3), similarities from the picture to each window.
    """
    belong = np.concatenate([np.array([USUAL_MIDDLE_PX]), window_template()])
    spots = belong + UNIT_PX * said[:, _PLACES].reshape(-1, 6, 2)
    # A similarity is one complex factor and one complex shift.
    factor, shift = (transforms[:, 0, k] + 1j * transforms[:, 1, k] for k in (0, 2))
    back = (spots[..., 0] + 1j * spots[..., 1] - shift[:, None]) / factor[:, None]
    places = np.stack([back.real, back.imag], axis=2)
    # The box stays upright in the picture, however the window is turned.
    sides = np.array(USUAL_SIDES_PX) * np.exp(said[:, _SIDES].clip(-_MAX_LOG, _MAX_LOG)) / np.abs(factor)[:, None]
    boxes = np.concatenate([places[:, 0] - sides / 2, places[:, 0] + sides / 2], axis=1)
    scores = 1 / (1 + np.exp(-said[:, 0].astype(np.float64)))
    return Candidates(boxes.astype(np.float32), places[:, 1:].astype(np.float32), scores.astype(np.float32))


def _upright(points: Landmarks) -> Transform:
    try:
        return to_window(points)
    except ValueError:  # all five at one place: nothing to turn upright, and surely no face
        x, y = points[0].tolist()
        return np.array([[1, 0, WINDOW_PX / 2 - x], [0, 1, WINDOW_PX / 2 - y]], np.float64)


def _check(session: OrtSession) -> None:
    inputs, outputs = [spec.shape[1:] for spec in session.inputs], [spec.shape[1:] for spec in session.outputs]
    if inputs != [(3, WINDOW_PX, WINDOW_PX)] or outputs != [(CHANNELS,)]:
        raise ModelPackError(
            Code.MODEL_INVALID,
            f"{session.name}: the second look has one input (N, 3, {WINDOW_PX}, {WINDOW_PX}) and one output "
            f"(N, {CHANNELS}), found {[spec.shape for spec in session.inputs]} and "
            f"{[spec.shape for spec in session.outputs]}",
        )
