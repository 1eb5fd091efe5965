"""YuNet: one anchor-free prediction a cell, decoded as OpenCV's FaceDetectorYN does."""

from __future__ import annotations

import numpy as np

from gate.errors import Code, ModelPackError
from gate.vision.detector import Candidates, above
from gate.vision.session import OrtSession, Tensor

STRIDES_PX = (8, 16, 32)
_KINDS = ("cls", "obj", "bbox", "kps")
_OUTPUTS = tuple(f"{kind}_{stride}" for kind in _KINDS for stride in STRIDES_PX)


class YunetHead:
    """Reads the twelve outputs of a YuNet network, in the order of its file: cls, obj, bbox, kps by stride."""

    def check(self, session: OrtSession) -> None:
        """See `gate.vision.detector.Head`."""
        found = tuple(output.name for output in session.outputs)
        if found != _OUTPUTS:
            raise ModelPackError(Code.MODEL_INVALID, f"{session.name}: YuNet has outputs {_OUTPUTS}, found {found}")

    def decode(self, outputs: list[Tensor], canvas_wh: tuple[int, int], threshold: float) -> Candidates:
        """See `gate.vision.detector.Head`. Only cells above the threshold are decoded."""
        boxes, landmarks, scores = [], [], []
        for level, stride in enumerate(STRIDES_PX):
            product = outputs[level].reshape(-1).clip(0, 1) * outputs[level + 3].reshape(-1).clip(0, 1)
            chosen = above(product, threshold * threshold)
            columns = canvas_wh[0] // stride
            corner = np.stack((chosen % columns, chosen // columns), axis=1).astype(np.float32)
            box = outputs[level + 6].reshape(-1, 4)[chosen]
            centre = corner + box[:, :2]
            half = np.exp(box[:, 2:]) / 2
            boxes.append(np.concatenate((centre - half, centre + half), axis=1) * stride)
            landmarks.append((corner[:, None, :] + outputs[level + 9].reshape(-1, 5, 2)[chosen]) * stride)
            scores.append(np.sqrt(product[chosen]))
        return Candidates(
            np.concatenate(boxes).astype(np.float32, copy=False),
            np.concatenate(landmarks).astype(np.float32, copy=False),
            np.concatenate(scores).astype(np.float32, copy=False),
        )
