"""The peer: `insightface.app.FaceAnalysis` as its users call it, detection and recognition, on the same model files."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gate.vision.graph import with_symbolic_size
from gate.vision.pack import ModelPack
from gate.vision.probe import Embedding


class InsightFacePeer:
    """FaceAnalysis on a folder of links to a pack's files.

    Its sessions are as the library makes them: as many threads as there are cores.

    Args:
        pack: whose detector and embedder it loads.
        folder: empty, temporary.
        detect_size_px: width and height of the detector's canvas. Where the file has its size fixed, another one
            needs a copy with the size left open; the weights are the same.
    """

    def __init__(self, pack: ModelPack, folder: Path, detect_size_px: tuple[int, int]) -> None:
        # Its optional face-attribute packages warn at import; only who measures the peer should see that.
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
        from insightface.app import FaceAnalysis  # noqa: PLC0415 -- a second to import

        folder.mkdir(parents=True)
        (folder / "embedder.onnx").symlink_to(pack.embedder.path.resolve())
        detector = folder / "detector.onnx"
        if detect_size_px == (640, 640):
            detector.symlink_to(pack.detector.path.resolve())
        else:
            detector.write_bytes(with_symbolic_size(pack.detector.data))
        self._app: Any = FaceAnalysis(
            str(folder), allowed_modules=["detection", "recognition"], providers=["CPUExecutionProvider"]
        )
        self._app.prepare(ctx_id=-1, det_thresh=pack.detector.entry.threshold, det_size=detect_size_px)

    def embed(self, jpeg: bytes) -> Embedding | None:
        """The largest face's embedding (D,), normalised; None where it found nobody."""
        faces = self._app.get(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
        if not faces:
            return None
        largest = max(faces, key=lambda face: (face.bbox[2] - face.bbox[0]) * (face.bbox[3] - face.bbox[1]))
        return np.asarray(largest.normed_embedding, np.float32)

    def run(self, jpeg: bytes) -> float:
        """Milliseconds from the JPEG file to the embeddings.

        Raises:
            ValueError: it found nobody, so the time would be of less work.
        """
        start = time.perf_counter()
        faces = self._app.get(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
        took_ms = (time.perf_counter() - start) * 1000
        if not faces:
            raise ValueError("expected a face, found none")
        return took_ms
