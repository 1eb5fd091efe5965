"""Whether a face wears a mask, from the aligned crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.align import ALIGNED_SIZE_PX
from gate.vision.detector import InputScaling
from gate.vision.embedder import check_aligned, to_batch_blob
from gate.vision.probe import ImageBGR, MaskState
from gate.vision.session import OrtSession, Tensor

# A sum of softmax outputs in float32 (or in a GPU's TF32) may pass 1 by this much and still be a probability.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class MaskThresholds:
    """From which probability on a mask counts as worn, and a worn one as under the nose."""

    worn: float = 0.5
    under_nose: float = 0.5

    def state(self, worn: float, under_nose: float) -> MaskState:
        """What two probabilities say."""
        if worn < self.worn:
            return MaskState.NONE
        return MaskState.UNDER_NOSE if under_nose >= self.under_nose else MaskState.WORN


class MaskModel(Protocol):
    """Tells the mask state of an aligned face. Threads may share it."""

    def state(self, aligned_bgr: ImageBGR) -> MaskState:
        """The mask state of one face, (112, 112, 3) uint8 BGR.

        Raises:
            EngineFault: INFERENCE_FAILED.
        """
        ...

    def warm(self) -> None:
        """Run once on an empty crop."""
        ...


class OnnxMaskModel:
    """A network with two probabilities: a mask is worn, and it is worn under the nose.

    The outputs are one tensor (N, 2) or two tensors of N, in this order.

    Args:
        session: with one input (N, 3, 112, 112).
        scaling: of the input.
        thresholds: on the two probabilities.

    Raises:
        ModelPackError: MODEL_INVALID.
    """

    def __init__(self, session: OrtSession, scaling: InputScaling, thresholds: MaskThresholds | None = None) -> None:
        if [spec.shape[1:] for spec in session.inputs] != [(3, ALIGNED_SIZE_PX, ALIGNED_SIZE_PX)]:
            raise ModelPackError(
                Code.MODEL_INVALID,
                f"{session.name}: expected one input (N, 3, {ALIGNED_SIZE_PX}, {ALIGNED_SIZE_PX}), "
                f"found {[spec.shape for spec in session.inputs]}",
            )
        if len(session.outputs) > 2:
            raise ModelPackError(
                Code.MODEL_INVALID, f"{session.name}: expected one or two outputs, found {len(session.outputs)}"
            )
        self._session = session
        self._scaling = scaling
        self._thresholds = thresholds or MaskThresholds()

    def state(self, aligned_bgr: ImageBGR) -> MaskState:
        """See `MaskModel.state`."""
        return self._thresholds.state(*self.probabilities(aligned_bgr))

    def probabilities(self, aligned_bgr: ImageBGR) -> tuple[float, float]:
        """P(mask worn) and P(mask under the nose) of one face.

        Raises:
            EngineFault: INFERENCE_FAILED, also when the model answers with other than two probabilities.
        """
        batch = aligned_bgr[None]
        check_aligned(batch)
        outputs = self._session.run({self._session.inputs[0].name: to_batch_blob(batch, self._scaling)})
        return _two_probabilities(outputs, self._session.name)

    def warm(self) -> None:
        """See `MaskModel.warm`."""
        self._session.warm((1, 3, ALIGNED_SIZE_PX, ALIGNED_SIZE_PX))


def _two_probabilities(outputs: list[Tensor], name: str) -> tuple[float, float]:
    values = np.concatenate([output.reshape(-1) for output in outputs])
    if values.shape != (2,):
        raise EngineFault(Code.INFERENCE_FAILED, f"{name}: expected two probabilities, found {values}")
    worn, under_nose = as_probabilities(values, name)
    return float(worn), float(under_nose)


def as_probabilities(values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """The same numbers, within [0, 1].

    Raises:
        EngineFault: INFERENCE_FAILED when they are no probabilities.
    """
    # Not a number fails both comparisons.
    if not np.all((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)):
        raise EngineFault(Code.INFERENCE_FAILED, f"{name}: expected probabilities, found {values}")
    return np.clip(values, 0, 1)
