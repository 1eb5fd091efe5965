"""Wrong advice keeps an honest traveller standing there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.decision.judgement import judge, score
from gate.decision.outcome import Guidance
from gate.decision.policy import QualityLimits
from gate.vision.probe import Quality
from tests.decision.makers import GOOD, looked

LIMITS = QualityLimits()


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({}, None),
        ({"confidence": 0.3}, Guidance.STEP_INTO_VIEW),
        ({"inside": 0.7}, Guidance.STEP_BACK),
        ({"eye_distance_px": 20}, Guidance.COME_CLOSER),
        ({"brightness": 20}, Guidance.TOO_DARK),
        ({"brightness": 245}, Guidance.TOO_BRIGHT),
        ({"yaw_deg": -50}, Guidance.LOOK_AT_CAMERA),
        ({"pitch_deg": 45}, Guidance.LOOK_AT_CAMERA),
        ({"roll_deg": -40}, Guidance.LOOK_AT_CAMERA),
        ({"sharpness": 0.02}, Guidance.HOLD_STILL),
    ],
)
def test_each_obstacle_has_its_advice(change: dict[str, float], advice: Guidance | None) -> None:
    assert judge(looked(replace(GOOD, **change)).sighting, LIMITS) is advice


def test_nobody_there() -> None:
    assert judge(looked(None).sighting, LIMITS) is Guidance.STEP_INTO_VIEW


def test_a_second_person_comes_before_everything_but_a_face() -> None:
    small_and_turned = replace(GOOD, eye_distance_px=20, yaw_deg=60)
    assert judge(looked(small_and_turned, rival_ratio=0.9).sighting, LIMITS) is Guidance.ONE_PERSON_ONLY


@given(st.floats(0, 500), st.floats(0, 5), st.floats(-90, 90), st.floats(-90, 90), st.floats(0, 100), st.floats(0, 1))
def test_the_score_is_a_share_and_never_falls_as_the_face_gets_better(
    eyes: float, sharpness: float, yaw: float, pitch: float, more_eyes: float, more_sharpness: float
) -> None:
    quality: Quality = replace(GOOD, eye_distance_px=eyes, sharpness=sharpness, yaw_deg=yaw, pitch_deg=pitch)
    assert 0 <= score(quality) <= 1
    better = replace(quality, eye_distance_px=eyes + more_eyes, sharpness=sharpness + more_sharpness)
    assert score(better) >= score(quality)
