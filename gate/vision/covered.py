"""A reference that expects a mask: the face as it is and, with a small weight, as it looks below a plain cloth.

A mask moves what an embedder makes of a face, for everybody to much the same side but not by the same amount. A
reference that is moved a little to that side is nearer to its traveller's masked face, and hardly farther from the
bare one. Measured in docs/decisions/0007-a-reference-expects-a-mask.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.align import ALIGNED_SIZE_PX
from gate.vision.probe import Embedding, ImageBGR

SHARE = 0.2
"""Weight of the covered face, the bare one weighs 1. Twice as much helps masked faces further and costs bare ones more
than half a point of TPIR; half as much costs next to nothing and helps half as much."""

# The edge of a mask on the ArcFace template, px: over the bridge of the nose, down the cheeks, below the chin.
_OUTLINE = np.array(
    [(13, 57), (34, 63), (56, 58), (78, 63), (99, 57), (97, 78), (90, 98), (74, 112), (38, 112), (22, 98), (15, 78)],
    np.float32,
)
_CLOTH_BGR = np.array([200, 180, 150], np.float32)
"""In the light in which a face's eye region has a mean of 140."""
_FACE_MEAN = 140.0
_EYES = (slice(40, 62), slice(30, 82))
_FALL = 0.25
"""How much darker the cloth is at the cheeks than at the nose."""
_FRACTION_BITS = 4


def cover(aligned_bgr: ImageBGR) -> ImageBGR:
    """The aligned face (112, 112, 3) behind a plain cloth as bright as the light on its eyes; always the same one."""
    light = float(aligned_bgr[_EYES].mean()) / _FACE_MEAN
    cloth = np.clip(_CLOTH_BGR * light, 0, 255) * _SHADE
    covered: ImageBGR = np.clip(aligned_bgr * (1 - _WHERE) + cloth * _WHERE, 0, 255).astype(np.uint8)
    return covered


def reference(bare: Embedding, covered: Embedding) -> Embedding:
    """What a gallery keeps (D,), L2-normalised, of the embeddings of a bare face and of the same face covered."""
    together = bare + np.float32(SHARE) * covered
    kept: Embedding = together / np.linalg.norm(together)
    return kept


def _where() -> NDArray[np.float32]:
    mask = np.zeros((ALIGNED_SIZE_PX, ALIGNED_SIZE_PX), np.uint8)
    corners = np.round(_OUTLINE * 2**_FRACTION_BITS).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _FRACTION_BITS)
    return (cv2.GaussianBlur(mask, (0, 0), 0.8) / np.float32(255))[:, :, None].astype(np.float32)


def _shade() -> NDArray[np.float32]:
    across = (np.arange(ALIGNED_SIZE_PX, dtype=np.float32) - ALIGNED_SIZE_PX / 2) / 45
    return np.asarray((1 - _FALL * across**2)[None, :, None], np.float32)


_WHERE, _SHADE = _where(), _shade()
