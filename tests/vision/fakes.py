"""Stand-ins that keep the protocols of vision without a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.vision.align import arcface_template
from gate.vision.embedder import AlignedBatch, check_aligned
from gate.vision.liveness import Box
from gate.vision.probe import Embedding, Face, ImageBGR


class FakeEmbedder:
    """Projects the crop, reduced to 8 x 8, by a fixed matrix: the same picture, the same vector."""

    def __init__(self, dimensions: int = 32) -> None:
        self._matrix = np.random.default_rng(9).normal(size=(8 * 8 * 3, dimensions)).astype(np.float32)

    @property
    def dimensions(self) -> int:
        return self._matrix.shape[1]

    def embed(self, aligned_bgr: AlignedBatch) -> Embedding:
        check_aligned(aligned_bgr)
        cells = aligned_bgr.reshape(-1, 8, 14, 8, 14, 3).mean(axis=(2, 4), dtype=np.float32)
        vectors: NDArray[np.float32] = (cells.reshape(-1, 8 * 8 * 3) - 127.4) @ self._matrix
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def warm(self) -> None:
        pass


class FakeDetector:
    """Finds faces where it was told, as (x, y, eye distance)."""

    detect_size_px = 640

    def __init__(self, *places: tuple[float, float, float]) -> None:
        self._places = places

    def detect(self, image_bgr: ImageBGR) -> tuple[Face, ...]:
        del image_bgr
        return tuple(fake_face(*place) for place in self._places)

    def warm(self) -> None:
        pass


def fake_face(x: float, y: float, eye_distance_px: float) -> Face:
    """A frontal face of the template's shape."""
    scale = eye_distance_px / 35.24
    landmarks = (arcface_template() - 56) * scale + np.array((x, y), np.float32)
    half = 40 * scale
    return Face((x - half, y - half, x + half, y + half), landmarks.astype(np.float32), 0.9)


class FakeLiveness:
    """Takes bright faces for living ones: the mean of the picture within the box."""

    def __init__(self) -> None:
        self.asked = 0

    def score(self, image_bgr: ImageBGR, box_xyxy: Box) -> float:
        if not np.isfinite(box_xyxy).all():
            raise ValueError(f"expected a box of finite numbers, found {box_xyxy}")
        self.asked += 1
        height, width = image_bgr.shape[:2]
        left, top, right, bottom = np.clip(box_xyxy, 0, (width, height, width, height)).astype(int)
        inside = image_bgr[top : max(bottom, top + 1), left : max(right, left + 1)]
        return float(inside.mean() / 255) if inside.size else 0.0

    def warm(self) -> None:
        pass
