"""MiniFASNet: small networks that look at a face with more or less of what is around it, and are averaged.

The networks are those of minivision-ai/Silent-Face-Anti-Spoofing (Apache-2.0). Each was trained on crops of one scale
of the face box; a picture's or a screen's edge shows in the wider one, print and pixels in the narrower.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.liveness import Box
from gate.vision.probe import ImageBGR
from gate.vision.session import OrtSession

CROP_SIZE_PX = 80

_CLASSES = 3
# The others are attacks: 0 by print, 2 by replay, as far as its authors say.
_LIVE = 1


@dataclass(frozen=True, slots=True)
class ScaledNetwork:
    """One network, and how many times as large as the face box its crop is."""

    session: OrtSession
    scale: float


class MiniFasNet:
    """`Liveness` by one or more MiniFASNet networks: the mean of their probabilities.

    Args:
        networks: each with one input (N, 3, 80, 80), BGR as 0..255, and one output (N, 3), logits.

    Raises:
        ModelPackError: MODEL_INVALID.
    """

    def __init__(self, networks: Sequence[ScaledNetwork]) -> None:
        for network in networks:
            _check_shapes(network.session)
        self._networks = tuple(networks)

    def score(self, image_bgr: ImageBGR, box_xyxy: Box) -> float:
        """See `Liveness.score`.

        Raises:
            ValueError: the box is not finite.
        """
        return math.fsum(_live(network, image_bgr, box_xyxy) for network in self._networks) / len(self._networks)

    def warm(self) -> None:
        """See `Liveness.warm`."""
        for network in self._networks:
            network.session.warm((1, _CLASSES, CROP_SIZE_PX, CROP_SIZE_PX))


def surroundings(image_bgr: ImageBGR, box_xyxy: Box, scale: float) -> ImageBGR:
    """The face with what is around it, (80, 80, 3) uint8 BGR.

    The box is enlarged about its centre, by less than `scale` where the picture is too small for it, and then moved
    into the picture: the networks have never seen a black border. The crop is not made square first, and is resized by
    plain bilinear interpolation: both as in their training.

    Args:
        image_bgr: (H, W, 3) uint8.
        box_xyxy: of the face.
        scale: of the crop, in sides of the box.

    Raises:
        ValueError: the box is not finite.
    """
    if not all(map(math.isfinite, box_xyxy)):
        raise ValueError(f"expected a box of finite numbers, found {box_xyxy}")
    left, top, right, bottom = box_xyxy
    last_row, last_column = image_bgr.shape[0] - 1, image_bgr.shape[1] - 1
    width, height = max(1.0, right - left), max(1.0, bottom - top)
    fitting = min(scale, last_column / width, last_row / height)
    first_x, last_x = _within((left + right) / 2, width * fitting, last_column)
    first_y, last_y = _within((top + bottom) / 2, height * fitting, last_row)
    crop = cv2.resize(image_bgr[first_y : last_y + 1, first_x : last_x + 1], (CROP_SIZE_PX, CROP_SIZE_PX))
    return crop.astype(np.uint8, copy=False)


def _within(centre: float, length: float, last: int) -> tuple[int, int]:
    """First and last pixel of a stretch about `centre`, moved so that it lies in 0..last."""
    first = min(max(0.0, centre - length / 2), max(0.0, last - length))
    # The hair's breadth keeps the last pixel where first + length falls just short of a whole number by rounding.
    return int(first), min(last, int(first + length + 1e-6))


def _live(network: ScaledNetwork, image_bgr: ImageBGR, box_xyxy: Box) -> float:
    crop = surroundings(image_bgr, box_xyxy, network.scale)
    session = network.session
    blob = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)
    logits = session.run({session.inputs[0].name: blob})[0].astype(np.float64)
    if logits.shape != (1, _CLASSES) or not np.isfinite(logits).all():
        raise EngineFault(
            Code.INFERENCE_FAILED, f"{session.name}: expected {_CLASSES} finite logits, found {logits.tolist()}"
        )
    return float(_softmax(logits[0])[_LIVE])


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    shares: NDArray[np.float64] = powers / powers.sum()
    return shares


def _check_shapes(session: OrtSession) -> None:
    inputs, outputs = [spec.shape[1:] for spec in session.inputs], [spec.shape[1:] for spec in session.outputs]
    if inputs != [(3, CROP_SIZE_PX, CROP_SIZE_PX)] or outputs != [(_CLASSES,)]:
        raise ModelPackError(
            Code.MODEL_INVALID,
            f"{session.name}: expected one input (N, 3, {CROP_SIZE_PX}, {CROP_SIZE_PX}) and one output "
            f"(N, {_CLASSES}), found {[spec.shape for spec in session.inputs]} and "
            f"{[spec.shape for spec in session.outputs]}",
        )
