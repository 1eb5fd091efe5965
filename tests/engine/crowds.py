"""Vision that sees several people, as the frame says: who, where, how large."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gate.vision.frame import Encoding, Frame
from gate.vision.pipeline import Vision
from gate.vision.probe import Face, MaskState, Picture, Probe, Sighting
from tests.engine.fakes import PACK, ScriptedVision, embedding

WIDTH, HEIGHT = 640, 360
_NOISE = np.random.default_rng(1).integers(60, 200, (HEIGHT, WIDTH, 3), np.uint8)


class Somebody(NamedTuple):
    """A face: between the eyes are two fifths of its size."""

    person: int
    x: float
    y: float = 180.0
    size: float = 110.0


def face_of(somebody: Somebody) -> Face:
    half = somebody.size / 2
    points = np.array([[-0.2, -0.15], [0.2, -0.15], [0, 0.06], [-0.16, 0.25], [0.16, 0.25]], np.float32)
    box = (somebody.x - half, somebody.y - half, somebody.x + half, somebody.y + half)
    place = np.array([somebody.x, somebody.y], np.float32)
    # Who it is travels in the confidence: the nearest thing to a pixel that this vision has.
    return Face(box, points * np.float32(somebody.size) + place, 0.9 + somebody.person / 1000)


def crowd_frame(sequence: int, people: Sequence[Somebody], camera_id: str = "", fps: float = 15.0) -> Frame:
    data = json.dumps(people).encode()
    return Frame(sequence, round(sequence / fps * 1e6), Encoding.JPEG, 0, 0, data, camera_id)


class CrowdVision(ScriptedVision):
    """Counts what it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded = 0

    def look(self, frame: Frame) -> Sighting:
        faces = tuple(face_of(Somebody(*each)) for each in json.loads(frame.data))
        return Sighting(WIDTH, HEIGHT, faces, None, 0.0, None, None, {"detect": 3.0}, picture=Picture.of(_NOISE))

    def probe(self, sighting: Sighting) -> Probe:
        assert sighting.traveller is not None
        self.embedded += 1
        person = round((sighting.traveller.confidence - 0.9) * 1000)
        return Probe(embedding(person), MaskState.NONE, PACK, {"embed": 2.0})


def _is_vision(vision: CrowdVision) -> Vision:
    return vision
