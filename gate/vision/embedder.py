"""An aligned face into a vector whose angle to another says how alike two faces are."""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.align import ALIGNED_SIZE_PX
from gate.vision.detector import InputScaling
from gate.vision.probe import Embedding
from gate.vision.session import OrtSession

_LEAST_NORM = 1e-6

AlignedBatch = NDArray[np.uint8]
"""Aligned faces (B, 112, 112, 3), BGR, 0..255."""


class Embedder(Protocol):
    """Turns aligned faces into unit vectors. Threads may share it."""

    @property
    def dimensions(self) -> int:
        """D, length of an embedding."""
        ...

    def embed(self, aligned_bgr: AlignedBatch) -> Embedding:
        """Embeddings (B, D) float32, each L2-normalised; the order and number of the faces are kept.

        Args:
            aligned_bgr: (B, 112, 112, 3) uint8, B may be 0.

        Raises:
            ValueError: another shape or type.
            EngineFault: INFERENCE_FAILED, also when the model answers with numbers that have no direction.
        """
        ...

    def warm(self) -> None:
        """Run once on an empty crop, so that the first passage does not pay for it."""
        ...


def check_aligned(aligned_bgr: AlignedBatch) -> None:
    """Refuse anything but (B, 112, 112, 3) uint8 with a ValueError."""
    wanted = (ALIGNED_SIZE_PX, ALIGNED_SIZE_PX, 3)
    if aligned_bgr.ndim != 4 or aligned_bgr.shape[1:] != wanted or aligned_bgr.dtype != np.uint8:
        raise ValueError(f"expected uint8 (B, {wanted}), found {aligned_bgr.dtype} {aligned_bgr.shape}")


def to_batch_blob(aligned_bgr: AlignedBatch, scaling: InputScaling) -> NDArray[np.float32]:
    """Aligned faces as a network's input, (B, 3, 112, 112) float32."""
    mean = (scaling.mean, scaling.mean, scaling.mean)
    blob = cv2.dnn.blobFromImages(list(aligned_bgr), 1.0 / scaling.std, mean=mean, swapRB=scaling.rgb)
    return blob.astype(np.float32, copy=False)


class ArcFaceEmbedder:
    """An embedder of the ArcFace kind: one input (N, 3, 112, 112), one output (N, D), not yet normalised.

    Raises:
        ModelPackError: MODEL_INVALID when the model has other inputs or outputs.
    """

    def __init__(self, session: OrtSession, scaling: InputScaling) -> None:
        wanted = (3, ALIGNED_SIZE_PX, ALIGNED_SIZE_PX)
        inputs = [spec.shape[1:] for spec in session.inputs]
        outputs = [spec.shape for spec in session.outputs]
        if inputs != [wanted] or len(outputs) != 1 or len(outputs[0]) != 2 or not isinstance(outputs[0][1], int):
            raise ModelPackError(
                Code.MODEL_INVALID,
                f"{session.name}: expected one input (N, 3, {ALIGNED_SIZE_PX}, {ALIGNED_SIZE_PX}) and one output "
                f"(N, D), found {[spec.shape for spec in session.inputs]} and {outputs}",
            )
        self._session = session
        self._scaling = scaling
        self._dimensions = outputs[0][1]

    @property
    def dimensions(self) -> int:
        """See `Embedder.dimensions`."""
        return self._dimensions

    def embed(self, aligned_bgr: AlignedBatch) -> Embedding:
        """See `Embedder.embed`."""
        check_aligned(aligned_bgr)
        if len(aligned_bgr) == 0:
            return np.empty((0, self._dimensions), np.float32)
        (raw,) = self._session.run_batch(to_batch_blob(aligned_bgr, self._scaling))
        return unit_rows(raw.astype(np.float32, copy=False), self._session.name)

    def warm(self) -> None:
        """See `Embedder.warm`."""
        self._session.warm((1, 3, ALIGNED_SIZE_PX, ALIGNED_SIZE_PX))


def unit_rows(raw: NDArray[np.float32], name: str) -> Embedding:
    """Rows (B, D) divided by their L2 norm.

    Raises:
        EngineFault: INFERENCE_FAILED for a row of zeros or with a number that is not finite. Such a row would
            resemble nobody, and a broken model would pass for "no match".
    """
    norms = [math.sqrt(row @ row) for row in raw]  # a third of the time that numpy's own norm takes for one row
    if not all(_LEAST_NORM <= norm < math.inf for norm in norms):  # not a number is neither
        raise EngineFault(Code.INFERENCE_FAILED, f"{name}: expected embeddings of finite length > 0, found {norms}")
    unit: Embedding = raw / np.array(norms, np.float32)[:, None]
    return unit
