"""Is the traveller seen well enough to compare, and if not, what should they do?"""

from __future__ import annotations

import math

from gate.decision.outcome import Guidance
from gate.decision.policy import QualityLimits
from gate.vision.probe import Quality, Sighting

_FULL_EYE_DISTANCE_PX = 90.0
"""Eye distance beyond which more pixels add nothing: the aligned crop has 35 px between the eyes, oversampled 2.5×."""


def judge(sighting: Sighting, limits: QualityLimits) -> Guidance | None:
    """What stands in the way of a comparison; None when nothing does.

    The order is the order in which a traveller can act: be alone, stand right, look right, then wait for a sharp frame.
    """
    quality = sighting.quality
    if quality is None or quality.confidence < limits.min_confidence:
        return Guidance.STEP_INTO_VIEW
    if sighting.rival_ratio > limits.max_rival_ratio:
        return Guidance.ONE_PERSON_ONLY
    if quality.inside < limits.min_inside:
        return Guidance.STEP_BACK
    if quality.eye_distance_px < limits.min_eye_distance_px:
        return Guidance.COME_CLOSER
    if quality.brightness < limits.min_brightness:
        return Guidance.TOO_DARK
    if quality.brightness > limits.max_brightness:
        return Guidance.TOO_BRIGHT
    if _turned_away(quality, limits):
        return Guidance.LOOK_AT_CAMERA
    if quality.sharpness < limits.min_sharpness:
        return Guidance.HOLD_STILL
    return None


def score(quality: Quality) -> float:
    """How much a frame promises, [0, 1]: resolution, sharpness and frontality, each of which can spoil it alone."""
    resolution = min(1.0, quality.eye_distance_px / _FULL_EYE_DISTANCE_PX)
    sharpness = min(1.0, quality.sharpness)
    frontality = max(0.0, math.cos(math.radians(quality.yaw_deg)) * math.cos(math.radians(quality.pitch_deg)))
    return math.sqrt(resolution) * math.sqrt(max(0.0, sharpness)) * frontality


def _turned_away(quality: Quality, limits: QualityLimits) -> bool:
    return (
        abs(quality.yaw_deg) > limits.max_yaw_deg
        or abs(quality.pitch_deg) > limits.max_pitch_deg
        or abs(quality.roll_deg) > limits.max_roll_deg
    )
