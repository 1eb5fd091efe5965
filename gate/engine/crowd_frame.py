"""One frame of a watch: every face detected, each looked at more closely only where that is asked for."""

from __future__ import annotations

from gate.vision.crowd import alone
from gate.vision.frame import Frame
from gate.vision.pipeline import Vision
from gate.vision.probe import Embedding, Probe, Sighting


class CrowdFrame:
    """The faces of one frame, each looked at more closely once at most.

    Args:
        vision: the engine's.
        least_px: faces with less between the eyes are not followed.
        frame, seen: the frame, and what detection saw in it.
    """

    def __init__(self, vision: Vision, least_px: float, frame: Frame, seen: Sighting) -> None:
        self.frame = frame
        self.sequence = frame.sequence
        self.size_px = (seen.width_px, seen.height_px)
        self.faces = tuple(face for face in seen.faces if face.eye_distance_px >= least_px)
        self._vision = vision
        self._seen = seen
        self._sightings: dict[int, Sighting] = {}
        self._probes: dict[int, Probe] = {}

    def sighting(self, index: int) -> Sighting:
        """The frame as if it showed this face only."""
        if index not in self._sightings:
            self._sightings[index] = alone(self._seen, self.faces[index])
        return self._sightings[index]

    def probe(self, index: int) -> Probe:
        """The face, ready for comparison."""
        if index not in self._probes:
            self._probes[index] = self._vision.probe(self.sighting(index))
        return self._probes[index]

    def embedding(self, index: int) -> Embedding | None:
        """What the face looks like; None where too many were asked for already, or it is seen too poorly."""
        if not self.tells_who(index) or (index not in self._probes and len(self._probes) >= _DOUBTS_PER_FRAME):
            return None
        return self.probe(index).embedding

    def tells_who(self, index: int) -> bool:
        """Whether the face is seen well enough to tell people in one place apart: less than a decision takes."""
        if self.faces[index].eye_distance_px < _TELLS_WHO_PX:
            return False
        quality = self.sighting(index).quality
        return quality is not None and quality.sharpness >= _TELLS_WHO_SHARPNESS


_DOUBTS_PER_FRAME = 4
"""Faces that may be embedded to tell who is who, a frame: beyond that their motion decides."""

_TELLS_WHO_PX, _TELLS_WHO_SHARPNESS = 24.0, 0.3
"""Eye distance and sharpness below which an embedding resembles nobody's, its own person's least of all."""
