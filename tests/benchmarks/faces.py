"""A made-up data set: coloured squares for people, and a pipeline that knows them by their colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from gate.errors import Code, EngineFault
from gate.vision.frame import Frame
from gate.vision.probe import Face, ImageBGR, MaskState, Probe, Quality, Sighting

DIMENSIONS = 64
_SIDE_PX = 64
_LANDMARKS = np.array([[22, 24], [42, 24], [32, 34], [25, 44], [39, 44]], np.float32)
NOBODY = 255
"""The blue of a picture in which nobody is found."""


def picture(person: int, shot: int = 0) -> ImageBGR:
    """Somebody: their number in blue, which photograph it is in green, in the corner that no mask reaches."""
    image = np.full((_SIDE_PX, _SIDE_PX, 3), 120, np.uint8)
    image[:8, :8] = (person, shot, 0)
    return image


def save(folder: Path, name: str, people: Sequence[int], shots: int) -> Path:
    """``folder/name/pNNN/N.png`` for every person."""
    for person in people:
        home = folder / name / f"p{person:03}"
        home.mkdir(parents=True, exist_ok=True)
        for shot in range(shots):
            cv2.imwrite(str(home / f"{shot}.png"), picture(person, shot))
    return folder / name


class FakeVision:
    """Knows people by the corner of the picture; a masked one is a little further from themselves.

    Args:
        noise: how much photographs of one person differ.
    """

    pack_id = "fake-1"

    def __init__(self, noise: float = 0.3) -> None:
        self._noise = noise

    def look(self, frame: Frame) -> Sighting:
        image = np.frombuffer(frame.data, np.uint8).reshape(frame.height_px, frame.width_px, 3)
        quality = Quality(20.0, 1.0, 120.0, 40.0, 0.0, 0.0, 0.0, 1.0, 0.9)
        face = Face((12.0, 12.0, 52.0, 52.0), _LANDMARKS, 0.9)
        if image[0, 0, 0] == NOBODY:
            return Sighting(frame.width_px, frame.height_px, (), None, 0.0, None, None, {})
        return Sighting(frame.width_px, frame.height_px, (face,), face, 0.0, quality, image.copy(), {})

    def probe(self, sighting: Sighting) -> Probe:
        assert sighting.aligned is not None
        image = sighting.aligned
        person, shot = int(image[0, 0, 0]), int(image[0, 0, 1])
        masked = bool((image[40:50, 20:44] != 120).mean() > 0.2)
        own = np.random.default_rng(person).normal(size=DIMENSIONS)
        other = np.random.default_rng([person, shot, masked]).normal(size=DIMENSIONS)
        mixed = own + self._noise * (2 if masked else 1) * other
        embedding = (mixed / np.linalg.norm(mixed)).astype(np.float32)
        return Probe(embedding, MaskState.WORN if masked else MaskState.NONE, self.pack_id, {})

    def enrol_photo(self, data: bytes) -> tuple[Probe, Sighting]:
        raise NotImplementedError

    def warm(self) -> None:
        """Nothing to warm."""

    def reference(self, sighting: Sighting, probe: Probe) -> Probe:
        del sighting
        return probe


class BrokenVision(FakeVision):
    """Whose model fails."""

    def probe(self, sighting: Sighting) -> Probe:
        del sighting
        raise EngineFault(Code.INFERENCE_FAILED, "expected an embedding, found none")
