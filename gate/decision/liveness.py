"""Whether what stands before the camera is taken for a living traveller: one rule over two cues.

They are the gate's own sensor (depth, near infrared), whose score comes with the frame, and the engine's model, which
sees one colour picture. A cue that speaks against the traveller counts even where the other one speaks for them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Self

from pydantic import BaseModel, ConfigDict, Field


class LivenessMode(enum.StrEnum):
    """What a profile asks for: nothing; that the cues are written down; or that nobody passes without them."""

    OFF = "off"
    OBSERVE = "observe"
    REQUIRED = "required"


class LivenessNeeds(enum.StrEnum):
    """Which cues must be there. `ANY`: one of the two, whichever there is."""

    ANY = "any"
    SENSOR = "sensor"
    MODEL = "model"
    BOTH = "both"


class Live(enum.StrEnum):
    """What a frame says of the traveller. `UNAVAILABLE`: a cue that is needed is not there, so nothing is known."""

    NOT_ASKED = "not_asked"
    LIVE = "live"
    NOT_LIVE = "not_live"
    UNAVAILABLE = "unavailable"


class LivenessLimits(BaseModel):
    """What a profile says of liveness (`[profiles.NAME.liveness]`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: LivenessMode = LivenessMode.OFF
    needs: LivenessNeeds = Field(LivenessNeeds.ANY, description="which cues must be there: any, sensor, model or both")
    min_sensor: float = Field(0.5, gt=0, le=1, description="the gate's own sensor; from this score on it is live")
    min_model: float = Field(0.5, gt=0, le=1, description="the engine's model; from this score on it is live")

    @property
    def asks_model(self) -> bool:
        """Whether the engine's model is worth running."""
        return self.mode is not LivenessMode.OFF and self.needs is not LivenessNeeds.SENSOR


def judge_liveness(limits: LivenessLimits, sensor: float | None, model: float | None) -> Live:
    """What one frame says.

    Args:
        limits: of the profile.
        sensor: score of the gate's own sensor, [0, 1]; None when the frame brought none.
        model: score of the engine's model, [0, 1]; None when none is loaded.
    """
    if limits.mode is LivenessMode.OFF:
        return Live.NOT_ASKED
    # Not a number is not live: it is no score, and `not >=` says so where `<` would let it pass.
    refuted = (sensor is not None and not sensor >= limits.min_sensor) or (
        model is not None and not model >= limits.min_model
    )
    if refuted:
        return Live.NOT_LIVE
    return Live.LIVE if _complete(limits.needs, sensor is not None, model is not None) else Live.UNAVAILABLE


def may_open(limits: LivenessLimits, live: Live) -> bool:
    """Whether the lane may open for a traveller of whom the frames say `live`."""
    return limits.mode is not LivenessMode.REQUIRED or live is Live.LIVE


@dataclass(frozen=True, slots=True)
class LivenessSeen:
    """What the frames of a passage have said of the traveller; most of those that said anything decide."""

    live: int = 0
    not_live: int = 0
    unavailable: int = 0

    def add(self, live: Live) -> Self:
        """With one more frame."""
        if live is Live.NOT_ASKED:
            return self
        return replace(self, **{live.value: getattr(self, live.value) + 1})

    @property
    def together(self) -> Live:
        """A tie speaks against the traveller: whoever holds up a picture has as many tries as there are looks."""
        if self.live or self.not_live:
            return Live.LIVE if self.live > self.not_live else Live.NOT_LIVE
        return Live.UNAVAILABLE if self.unavailable else Live.NOT_ASKED


def _complete(needs: LivenessNeeds, sensor: bool, model: bool) -> bool:
    match needs:
        case LivenessNeeds.SENSOR:
            return sensor
        case LivenessNeeds.MODEL:
            return model
        case LivenessNeeds.BOTH:
            return sensor and model
        case LivenessNeeds.ANY:
            return sensor or model
