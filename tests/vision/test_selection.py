"""Who stands at the gate, and who stands too close behind."""

from __future__ import annotations

import numpy as np
import pytest

from gate.vision.align import arcface_template
from gate.vision.probe import Face
from gate.vision.selection import pick_traveller, rival_ratio


def face(eye_distance_px: float, x: float, y: float = 360) -> Face:
    scale = eye_distance_px / 35.24
    landmarks = (arcface_template() - 56) * scale + np.array((x, y), np.float32)
    half = 40 * scale
    return Face((x - half, y - 1.3 * half, x + half, y + 1.3 * half), landmarks.astype(np.float32), 0.9)


@pytest.mark.parametrize(
    ("near", "far", "reason"),
    [
        pytest.param(face(80, 640), face(40, 700), "the larger of two in the middle", id="larger"),
        pytest.param(face(60, 640), face(62, 1200), "of two alike, the one in the middle", id="central"),
        pytest.param(face(90, 900), face(30, 640), "a large face off centre, not a passer-by behind", id="passer-by"),
    ],
)
def test_the_traveller_is_large_and_central(near: Face, far: Face, reason: str) -> None:
    assert pick_traveller((far, near), 1280, 720) is near, reason
    assert pick_traveller((near, far), 1280, 720) is near, reason


def test_without_faces_there_is_nobody() -> None:
    assert pick_traveller((), 1280, 720) is None
    assert rival_ratio((), None) == 0


def test_the_rival_is_the_largest_other_face() -> None:
    traveller = face(80, 640)
    faces = (traveller, face(20, 200), face(40, 1000))
    assert rival_ratio(faces, traveller) == pytest.approx(0.5, abs=0.01)
    assert rival_ratio((traveller,), traveller) == 0


def test_a_rival_larger_than_the_traveller_counts_as_one() -> None:
    """Somebody nearer at the picture's edge must not push the ratio out of its range."""
    traveller = face(60, 640)
    assert rival_ratio((face(70, 1270), traveller), traveller) == 1
