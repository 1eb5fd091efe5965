"""An engine with everything real but the models: pictures are decoded, faces are colours.

A picture of one colour shows the person whose number is a sixteenth of its blue value; a black one shows nobody.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np

from gate.decision.policy import Policy
from gate.engine.engine import Engine
from gate.errors import Code, EnrolmentError
from gate.gallery.traveller import TravelDocument, Traveller
from gate.settings import FrameSettings, LaneSettings, ServerSettings, Settings
from gate.vision.frame import DecodeLimits, Frame, decode, decode_photo
from gate.vision.probe import Face, ImageBGR, MaskState, Probe, Sighting
from tests.decision.makers import CALIBRATION, GOOD

FLIGHT = "CX0830/2026-11-22"
PEOPLE = 16

# One colour is one picture, sent again and again.
PLAYED = FrameSettings(identical="allow")


class ColourVision:
    """Sees people by colour. `look_s`: how long a look takes; `release`: a look waits for it when set."""

    pack_id = "test-pack"

    def __init__(self, look_s: float = 0.0, warm_s: float = 0.0) -> None:
        self.look_s = look_s
        self.warm_s = warm_s
        self.broken: Exception | None = None
        self.looked_at: list[int] = []
        self.held: threading.Event | None = None
        self.looking = threading.Event()

    def warm(self) -> None:
        time.sleep(self.warm_s)

    def look(self, frame: Frame) -> Sighting:
        self.looking.set()
        if self.held is not None:
            self.held.wait(10)
        time.sleep(self.look_s)
        self.looked_at.append(frame.sequence)
        if self.broken is not None:
            raise self.broken
        return self._sight(decode(frame, DecodeLimits()))

    def probe(self, sighting: Sighting) -> Probe:
        assert sighting.aligned is not None
        embedding = np.zeros(PEOPLE, np.float32)
        embedding[int(sighting.aligned[0, 0, 0]) // 16] = 1
        return Probe(embedding, MaskState.NONE, self.pack_id, {"embed": 1.0})

    def reference(self, sighting: Sighting, probe: Probe) -> Probe:
        del sighting
        return probe

    def with_liveness(self, sighting: Sighting) -> Sighting:
        return sighting

    def enrol_photo(self, data: bytes) -> tuple[Probe, Sighting]:
        sighting = self._sight(decode_photo(data, DecodeLimits()))
        if sighting.traveller is None:
            raise EnrolmentError(Code.PHOTO_NO_FACE, "No face was found.")
        return self.probe(sighting), sighting

    def _sight(self, image: ImageBGR) -> Sighting:
        height, width = image.shape[:2]
        if image.max() < 8:
            return Sighting(width, height, (), None, 0.0, None, None, {"detect": 1.0})
        points = np.array([[40, 40], [120, 40], [80, 80], [50, 120], [110, 120]], np.float32)
        face = Face((0, 0, 160, 160), points, 0.9)
        return Sighting(width, height, (face,), face, 0.0, GOOD, image[:112, :112], {"decode": 1.0, "detect": 2.0})


def picture(person: int | None, width: int = 160, height: int = 160) -> ImageBGR:
    """(H, W, 3) BGR of one colour; None shows nobody."""
    image = np.zeros((height, width, 3), np.uint8)
    if person is not None:
        image[:] = (person * 16 + 8, 128, 128)
    return image


def jpeg(person: int | None, width: int = 160, height: int = 160) -> bytes:
    done, data = cv2.imencode(".jpg", picture(person, width, height))
    assert done
    return data.tobytes()


def traveller(person: int, flight: str = FLIGHT, **changes: Any) -> Traveller:
    fields = {
        "reference": f"traveller-{person}",
        "flight": flight,
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
        "documents": (TravelDocument(f"X{person:07d}", "UTO"),),
    }
    return Traveller(**(fields | changes))


def engine(
    vision: ColourVision,
    *,
    budget_s: float = 3.0,
    expected: tuple[int, ...] = (1, 2, 3),
    frames: FrameSettings = PLAYED,
) -> Engine:
    settings = Settings(
        server=ServerSettings(address="127.0.0.1:0", drain_s=0.5, keepalive_s=5, reflection=True),
        lanes={name: LaneSettings() for name in ("lane-1", "lane-2", "lane-3")},
        profiles={"pedestrian": Policy(budget_s=budget_s)},
        frames=frames,
    )
    made = Engine(settings, vision, CALIBRATION)
    for person in expected:
        made.enrol(traveller(person), jpeg(person))
    return made
