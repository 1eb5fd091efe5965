"""Each number must move with what it is named for, and with nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gate.vision.align import arcface_template
from gate.vision.detector import OnnxDetector
from gate.vision.pipeline import VisionPipeline
from gate.vision.probe import Face, Quality
from gate.vision.quality import inside_share, measure, pose_deg, sharpness
from tests.vision.conftest import make_detector, quality_of


def head(yaw_deg: float = 0, pitch_deg: float = 0, roll_deg: float = 0) -> NDArray[np.float32]:
    """Landmarks of a model head under orthographic projection: yaw to the right, pitch up, roll clockwise."""
    # x right, y down, z towards the camera, in eye distances; the nose 0.555 of the way down, 0.5 in front.
    points = np.array(
        [(-0.5, 0, 0), (0.5, 0, 0), (0, 0.555 * 1.155, 0.5), (-0.41, 1.155, 0), (0.41, 1.155, 0)], np.float64
    )
    y, p, r = (math.radians(value) for value in (yaw_deg, pitch_deg, roll_deg))
    turn = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    nod = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
    slant = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    turned: NDArray[np.float64] = points @ (slant @ turn @ nod).T
    return (turned[:, :2] * 60 + 300).astype(np.float32)


@pytest.mark.parametrize("angle", [-40, -25, -10, 0, 10, 25, 40])
def test_each_angle_of_a_model_head_is_read_back(angle: float) -> None:
    for axis, name in enumerate(("yaw_deg", "pitch_deg", "roll_deg")):
        found = pose_deg(head(**{name: angle}))
        assert found[axis] == pytest.approx(angle, abs=2), name
        others = [value for other, value in enumerate(found) if other != axis]
        np.testing.assert_allclose(others, 0, atol=2.5)


@given(st.floats(-35, 35), st.floats(-20, 20), st.floats(-30, 30))
def test_a_mirrored_face_turns_the_other_way(yaw: float, pitch: float, roll: float) -> None:
    landmarks = head(yaw, pitch, roll)
    mirrored = (landmarks * (-1, 1) + (600, 0))[[1, 0, 2, 4, 3]].astype(np.float32)
    straight, turned = pose_deg(landmarks), pose_deg(mirrored)
    np.testing.assert_allclose(turned, (-straight[0], straight[1], -straight[2]), atol=0.05)


def test_a_real_face_mirrored_and_turned(detector: OnnxDetector, astronaut_bgr: NDArray[np.uint8]) -> None:
    mirrored = np.ascontiguousarray(astronaut_bgr[:, ::-1])
    yaw, _, roll = pose_deg(largest(detector, astronaut_bgr).landmarks)
    back_yaw, _, back_roll = pose_deg(largest(detector, mirrored).landmarks)
    assert back_yaw == pytest.approx(-yaw, abs=8)
    assert back_roll == pytest.approx(-roll, abs=5)


def test_a_real_face_slanted(shared: Path, astronaut_bgr: NDArray[np.uint8]) -> None:
    """On SCRFD only: YuNet draws the eyes of a slanted face half way back to level."""
    detector = make_detector("scrfd-500m", shared)
    roll = pose_deg(largest(detector, astronaut_bgr).landmarks)[2]
    turn = cv2.getRotationMatrix2D((226, 100), -20, 1)  # OpenCV counts anticlockwise
    slanted = cv2.warpAffine(astronaut_bgr, turn, (512, 512)).astype(np.uint8)
    assert pose_deg(largest(detector, slanted).landmarks)[2] - roll == pytest.approx(20, abs=5)


def largest(detector: OnnxDetector, picture: NDArray[np.uint8]) -> Face:
    return max(detector.detect(picture), key=lambda face: face.confidence)


def test_blur_lowers_sharpness_step_by_step(pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8]) -> None:
    values = [sharp(pipeline, cv2.GaussianBlur(astronaut_bgr, (0, 0), sigma)) for sigma in (0.3, 1, 2, 3, 5)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.7
    assert values[-1] < 0.25


def test_sensor_noise_does_not_pass_for_sharpness(pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8]) -> None:
    """Noise has finer edges than any face: a defocused camera in poor light would open the gate on a smear."""
    smeared = cv2.GaussianBlur(astronaut_bgr, (0, 0), 5).astype(np.float32)
    noise = np.random.default_rng(1).normal(0, 4, smeared.shape)
    assert sharp(pipeline, (smeared + noise).clip(0, 255)) < sharp(pipeline, smeared) + 0.1


def test_motion_blur_lowers_sharpness(pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8]) -> None:
    """A traveller who walks is smeared in one direction only."""
    kernel = np.full((1, 13), 1 / 13, np.float32)
    assert sharp(pipeline, cv2.filter2D(astronaut_bgr, -1, kernel)) < 0.6 * sharp(pipeline, astronaut_bgr)


@pytest.mark.parametrize("gain", [0.4, 0.7])
def test_contrast_does_not_pass_for_blur(
    pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8], gain: float
) -> None:
    """Under the variance of the Laplacian alone, a face in soft light would be told to hold still."""
    pale = (astronaut_bgr * gain + 100 * (1 - gain)).astype(np.uint8)
    assert sharp(pipeline, pale) == pytest.approx(sharp(pipeline, astronaut_bgr), rel=0.2)


def sharp(pipeline: VisionPipeline, picture: NDArray[np.generic]) -> float:
    return quality_of(pipeline, picture.astype(np.uint8)).sharpness


def test_a_flat_crop_has_no_sharpness() -> None:
    """Sensor noise on a grey wall has energy and no contrast; it must not divide up to a crisp face."""
    noise = np.random.default_rng(1).normal(128, 1, (80, 72)).astype(np.float32)
    assert sharpness(np.full((80, 72), 128, np.float32)) == 0
    assert sharpness(noise) < 2


def test_brightness_and_contrast_are_those_of_the_face() -> None:
    crop = np.zeros((112, 112, 3), np.uint8)
    crop[24:104, 20:92] = 100
    crop[24:64, 20:92] = 140
    found = measure_crop(crop)
    assert found.brightness == pytest.approx(120)
    assert found.contrast == pytest.approx(20)


def measure_crop(crop: NDArray[np.uint8]) -> Quality:
    return measure(Face((0, 0, 112, 112), arcface_template(), 0.9), crop, 112, 112)


def test_size_and_place_are_passed_on() -> None:
    found = measure_crop(np.zeros((112, 112, 3), np.uint8))
    assert found.eye_distance_px == pytest.approx(35.24, abs=0.01)
    assert (found.inside, found.confidence) == (1, 0.9)


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ((10, 10, 20, 20), 1),
        ((-10, 0, 10, 10), 0.5),
        ((90, 90, 110, 110), 0.25),
        ((200, 0, 300, 10), 0),
        ((5, 5, 5, 9), 0),
    ],
)
def test_share_of_a_box_inside_the_picture(box: tuple[float, float, float, float], share: float) -> None:
    assert inside_share(box, 100, 100) == pytest.approx(share)
