"""Guards how detectors are measured against each other: what counts as found, as invented, and as equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tqdm", reason="training needs its packages: pip install .[train]")
pytest.importorskip("onnx")

from gate.vision.probe import Face
from models.training.detector_evaluate import Outcome, compare
from models.training.detector_teacher import Photograph


def points_at(x: float, y: float) -> NDArray[np.float32]:
    return np.array([[x + 10, y + 15], [x + 30, y + 15], [x + 20, y + 25], [x + 12, y + 33], [x + 28, y + 33]], "f4")


def face_at(x: float, y: float, score: float, off: float = 0.0) -> Face:
    return Face((x, y, x + 40, y + 48), points_at(x + off, y), score)


def outcome(score: list[float], false: list[float]) -> Outcome:
    eyes = np.full(len(score), 30, np.float32)
    return Outcome(eyes, np.array(score, "f4"), np.zeros(len(score), "f4"), np.array(false, "f4"), 10)


def test_found_invented_and_neither() -> None:
    """A face that the teacher half sees must count neither as missed nor, when found, as invented."""
    boxes = np.array([[0, 0, 40, 48], [100, 0, 140, 48], [200, 0, 240, 48]], np.float32)
    landmarks = np.stack([points_at(x, 0) for x in (0, 100, 200)])
    photo = Photograph(Path("made.jpg"), boxes, landmarks, np.array([0.9, 0.9, 0.35], np.float32))
    detections = (face_at(2, 0, 0.8, off=-1), face_at(201, 0, 0.7), face_at(300, 100, 0.6))
    rows, false = compare(photo, detections)
    np.testing.assert_allclose(rows[:, :2], [(20, 0.8), (20, 0.0)], atol=1e-6)
    assert rows[0, 2] == pytest.approx(1 / 20, rel=1e-5)
    assert np.isnan(rows[1, 2])
    np.testing.assert_allclose(false, [0.6])


def test_at_anothers_level() -> None:
    """At thresholds of their own, one that finds more and invents more is neither better nor worse than the other."""
    ours = outcome([0.99, 0.9, 0.8, 0.3], [0.95, 0.7, 0.2])
    other = outcome([0.9, 0.6, 0.2, 0.0], [0.55, 0.3])
    assert ours.rivalling(other, 0.5) == {"false_per_100": 10.0, "recall_percent": 75.0}


def test_at_anothers_level_where_it_cannot_be_reached_or_is_passed_everywhere() -> None:
    worse = outcome([0.9, 0.0, 0.0], [0.95])
    other = outcome([0.9, 0.6, 0.2], [0.55, 0.6])
    found = worse.rivalling(other, 0.5)
    assert found == {"false_per_100": None, "recall_percent": 33.33}
