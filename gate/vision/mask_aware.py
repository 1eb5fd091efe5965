"""An embedder that sees masks: embedding, mask state and where it looked, in one run.

Two kinds of model are of this shape: our own embedder, and an ArcFace-type network with our head inside.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, ModelPackError
from gate.vision.align import ALIGNED_SIZE_PX
from gate.vision.detector import InputScaling
from gate.vision.embedder import AlignedBatch, check_aligned, to_batch_blob, unit_rows
from gate.vision.head import PREFIX
from gate.vision.mask import MaskThresholds, as_probabilities
from gate.vision.probe import Embedding, ImageBGR, MaskState
from gate.vision.session import OrtSession

_SAID = ("mask", "attention", "recognisability")


class View(NamedTuple):
    """What a mask-aware model sees in aligned faces.

    `embedding` (B, D) L2-normalised; `mask` (B, 2) probabilities that a mask is worn, and that it is worn under the
    nose; `attention` (B, 7, 7) over the cells of the crop, 16 px each, summing to 1;
    `recognisability` (B,) in [0, 1], 1 from a model that does not judge it.
    """

    embedding: Embedding
    mask: NDArray[np.float32]
    attention: NDArray[np.float32]
    recognisability: NDArray[np.float32]


class MaskAwareEmbedder:
    """`Embedder` and `MaskModel` in one run of one model. Threads may share it.

    Args:
        session: input (N, 3, 112, 112); outputs in this order: embedding (N, D), mask (N, 2), attention (N, 7, 7), and,
            when the model judges that, recognisability (N,). A joined model's (`gate.vision.head.join`) may begin with
            ``head/``.
        scaling: of the input.
        thresholds: on the two mask probabilities.

    Raises:
        ModelPackError: MODEL_INVALID.
    """

    def __init__(self, session: OrtSession, scaling: InputScaling, thresholds: MaskThresholds | None = None) -> None:
        names = tuple(spec.name.removeprefix(PREFIX) for spec in session.outputs)
        if names[1:] not in (_SAID[:2], _SAID):
            raise ModelPackError(
                Code.MODEL_INVALID,
                f"{session.name}: expected outputs embedding, {', '.join(_SAID)} (the last may lack), found {names}",
            )
        dimensions = session.outputs[0].shape[-1]
        if not isinstance(dimensions, int):
            raise ModelPackError(
                Code.MODEL_INVALID, f"{session.name}: expected embeddings (N, D), found {session.outputs[0].shape}"
            )
        self._session = session
        self._scaling = scaling
        self._dimensions = dimensions
        self._thresholds = thresholds or MaskThresholds()

    @property
    def dimensions(self) -> int:
        """See `Embedder.dimensions`."""
        return self._dimensions

    def view(self, aligned_bgr: AlignedBatch) -> View:
        """Everything the model says of aligned faces (B, 112, 112, 3) uint8, B may be 0.

        Raises:
            ValueError: another shape or type.
            EngineFault: INFERENCE_FAILED, also for numbers that are no embeddings or no probabilities.
        """
        check_aligned(aligned_bgr)
        if len(aligned_bgr) == 0:
            shapes = ((0, self._dimensions), (0, 2), (0, 7, 7), (0,))
            return View(*(np.empty(shape, np.float32) for shape in shapes))
        said = self._session.run_batch(to_batch_blob(aligned_bgr, self._scaling))
        outputs = [output.astype(np.float32, copy=False) for output in said]
        raw, mask, attention = outputs[:3]
        name = self._session.name
        recognisability = as_probabilities(outputs[3], name) if len(outputs) > 3 else np.ones(len(raw), np.float32)
        return View(unit_rows(raw, name), as_probabilities(mask, name), attention, recognisability)

    def embed(self, aligned_bgr: AlignedBatch) -> Embedding:
        """See `Embedder.embed`."""
        return self.view(aligned_bgr).embedding

    def embed_with_mask(self, aligned_bgr: ImageBGR) -> tuple[Embedding, MaskState]:
        """Embedding (D,) and mask state of one face (112, 112, 3), in one run."""
        view = self.view(aligned_bgr[None])
        return view.embedding[0], self._thresholds.state(*view.mask[0].tolist())

    def state(self, aligned_bgr: ImageBGR) -> MaskState:
        """See `MaskModel.state`."""
        return self.embed_with_mask(aligned_bgr)[1]

    def warm(self) -> None:
        """See `Embedder.warm`."""
        self._session.warm((1, 3, ALIGNED_SIZE_PX, ALIGNED_SIZE_PX))
