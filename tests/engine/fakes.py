"""A clock that is set, and vision that sees what the frame says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np

from gate.errors import Code, EngineFault, FrameError
from gate.vision.frame import Encoding, Frame
from gate.vision.probe import Face, MaskState, Probe, Quality, Sighting
from tests.decision.makers import GOOD

PACK = "test-pack"


class SetClock:
    """Stands still until told to go on."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    def utc(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)


def embedding(person: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.random.default_rng(person).normal(size=64).astype(np.float32)
    return vector / np.linalg.norm(vector)


def face(person: int, likeness: float = 1.0, other: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A face of that similarity with `person`; what it has of its own differs with `other`."""
    own, across = embedding(person), embedding(1_000_000 + other)
    across = across - own * float(own @ across)
    return likeness * own + np.sqrt(1 - likeness**2).astype(np.float32) * across / np.linalg.norm(across)


def frame(person: int | None, sequence: int = 1, **sees: object) -> Frame:
    """A frame that shows `person` (None: nobody).

    `sees` may hold fields of `Quality`, `rival`, `fails`, `mask`, and `likeness` and `other` (see `face`).
    """
    return Frame(sequence, sequence, Encoding.JPEG, 0, 0, json.dumps({"person": person, **sees}).encode())


SIGNATURE = b"\xff\xd8\xff"


def photo(person: int | None, **sees: object) -> bytes:
    """What `frame` shows, in the dress of a JPEG file: photographs are known by their signature."""
    return SIGNATURE + frame(person, **sees).data


class ScriptedVision:
    """Reads from the frame's bytes what there is to see; the stages and their errors are those of the real one."""

    pack_id = PACK

    def __init__(self) -> None:
        self.warmed = False

    def look(self, frame: Frame) -> Sighting:
        return self._sight(frame.data)

    def probe(self, sighting: Sighting) -> Probe:
        assert sighting.traveller is not None
        seen = sighting.traveller
        likeness, other, mask = seen.landmarks.reshape(-1)[:3].tolist()
        shown = face(int(seen.box_xyxy[0]), likeness, int(other)) if likeness < 1 else embedding(int(seen.box_xyxy[0]))
        return Probe(shown, list(MaskState)[int(mask)], PACK, {"embed": 2.0})

    def reference(self, sighting: Sighting, probe: Probe) -> Probe:
        del sighting
        return probe

    def with_liveness(self, sighting: Sighting) -> Sighting:
        return sighting

    def enrol_photo(self, data: bytes) -> tuple[Probe, Sighting]:
        sighting = self._sight(data)
        return self.probe(sighting), sighting

    def warm(self) -> None:
        self.warmed = True

    def _sight(self, data: bytes) -> Sighting:
        seen = json.loads(data.removeprefix(SIGNATURE))
        if seen.get("fails") == "frame":
            raise FrameError(Code.FRAME_TRUNCATED, "the picture ends too early")
        if seen.get("fails") == "model":
            raise EngineFault(Code.INFERENCE_FAILED, "the model broke")
        timings = {"decode": 1.0, "detect": 3.0}
        if seen["person"] is None:
            return Sighting(1280, 720, (), None, 0.0, None, None, timings)
        quality = Quality(**{name: seen.get(name, getattr(GOOD, name)) for name in Quality.__slots__})
        # What there is to see travels in box and landmarks: the nearest things to pixels that this vision has.
        points = np.zeros((5, 2), np.float32)
        mask = list(MaskState).index(MaskState(seen.get("mask", "none")))
        points.reshape(-1)[:3] = seen.get("likeness", 1.0), seen.get("other", 0), mask
        face = Face((seen["person"], 0, 100, 100), points, 0.9)
        return Sighting(1280, 720, (face,), face, seen.get("rival", 0.0), quality, None, timings)
