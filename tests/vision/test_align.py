"""The crop must be the one the embedders were trained on, whatever the face's place, size and slant."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.transform import SimilarityTransform

from gate.vision.align import (
    align,
    apply_similarity,
    arcface_template,
    estimate_similarity,
    invert_similarity,
    reduction,
)

SCALES = st.floats(0.05, 40)
ANGLES = st.floats(-np.pi, np.pi)
SHIFTS = st.floats(-4000, 4000)
NOISE = st.lists(st.floats(-5, 5), min_size=10, max_size=10)


def transform(scale: float, angle: float, x: float, y: float) -> NDArray[np.float64]:
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, x], [sine, cosine, y]])


@given(SCALES, ANGLES, SHIFTS, SHIFTS)
def test_a_similarity_is_recovered_exactly(scale: float, angle: float, x: float, y: float) -> None:
    truth = transform(scale, angle, x, y)
    source = arcface_template().astype(np.float64)
    moved = source @ truth[:, :2].T + truth[:, 2]
    found = estimate_similarity(source.astype(np.float32), moved)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, truth, rtol=1e-5, atol=1e-5 * max(1, scale))


@given(SCALES, ANGLES, SHIFTS, SHIFTS, NOISE)
def test_agrees_with_umeyama_on_real_landmarks(
    scale: float, angle: float, x: float, y: float, noise: list[float]
) -> None:
    """No similarity fits a real face exactly; then the least-squares one is wanted, not merely a good one."""
    template = arcface_template().astype(np.float64)
    source = (template + np.reshape(noise, (5, 2))) @ transform(scale, angle, x, y)[:, :2].T + (x, y)
    reference = SimilarityTransform.from_estimate(source, template)
    found = estimate_similarity(source, template)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, reference.params[:2], rtol=1e-6, atol=1e-6)


@given(SCALES, ANGLES, SHIFTS, SHIFTS)
def test_the_way_back_leads_back(scale: float, angle: float, x: float, y: float) -> None:
    forth = transform(scale, angle, x, y)
    points = arcface_template()
    back = apply_similarity(invert_similarity(forth), apply_similarity(forth, points))
    np.testing.assert_allclose(back, points, atol=0.02)


def test_faces_are_never_mirrored() -> None:
    """A mirrored face is another face: eyes that changed places must turn the crop, not flip it."""
    swapped = arcface_template()[[1, 0, 2, 4, 3]]
    found = estimate_similarity(swapped, arcface_template())
    assert np.linalg.det(found[:, :2]) > 0


def test_coinciding_landmarks_are_refused() -> None:
    try:
        estimate_similarity(np.full((5, 2), 7, np.float32), arcface_template())
    except ValueError as error:
        assert "one point" in str(error)
    else:
        raise AssertionError("expected a ValueError")


def dotted(landmarks: NDArray[np.float32], size: int, radius: int) -> NDArray[np.uint8]:
    picture = np.zeros((size, size, 3), np.uint8)
    for x, y in landmarks:
        cv2.circle(picture, (round(float(x) * 16), round(float(y) * 16)), radius * 16, (255,) * 3, -1, cv2.LINE_AA, 4)
    return picture


def centroids(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    _, _, _, centres = cv2.connectedComponentsWithStats((crop[:, :, 0] > 100).astype(np.uint8))
    return np.array(sorted(centres[1:].tolist(), key=lambda p: (p[1] // 12, p[0])), np.float32)


def test_the_crop_shows_the_landmarks_where_the_template_wants_them() -> None:
    """Small faces are enlarged, large ones first reduced; a shift of half a pixel in either would show here."""
    for eye_distance in (20, 36, 90, 160, 330, 700):
        scale = eye_distance / 35.24
        truth = transform(scale, 0.15, 0, 0)
        moved = apply_similarity(truth, arcface_template() - 56)
        size = int(scale * 160) + 40
        landmarks = moved + size / 2
        crop = align(dotted(landmarks, size, max(1, round(3 * scale))), landmarks)
        assert crop.shape == (112, 112, 3)
        # Order by rows: eyes, nose, mouth corners.
        np.testing.assert_allclose(centroids(crop), arcface_template(), atol=0.45)


def test_a_large_face_is_averaged_and_not_sampled() -> None:
    """Every eighth pixel of a fine pattern is noise; its mean is grey."""
    checkers = (np.indices((1200, 1200)).sum(axis=0) % 2 * 255).astype(np.uint8)
    picture = np.repeat(checkers[:, :, None], 3, axis=2)
    crop = align(picture, (arcface_template() - 56) * 8 + 600)
    assert abs(float(crop.mean()) - 127.5) < 2
    assert float(crop.std()) < 4


def test_a_face_at_the_border_is_black_outside() -> None:
    picture = np.full((300, 300, 3), 200, np.uint8)
    for scale in (1.0, 6.0):
        crop = align(picture, arcface_template() * scale - 56 * scale)
        assert crop[:50, :50].max() == 0
        assert crop[-1, -1].min() > 150 or scale > 5


@given(st.floats(71, 300), st.floats(-0.5, 0.5))
def test_a_crop_of_the_half_picture_is_that_of_the_whole_one(eye_distance_px: float, angle: float) -> None:
    """Otherwise a passage near the camera would compare another face than one farther away."""
    y, x = np.mgrid[0:720, 0:960]
    smooth = np.stack([127 + 120 * np.sin(x / a + y / b) for a, b in ((29, 41), (37, 23), (51, 33))], axis=2)
    image = smooth.astype(np.uint8)
    half = cv2.resize(image, (480, 360), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    place = transform(eye_distance_px / 35.24, angle, 400.0, 250.0)
    landmarks = apply_similarity(place, arcface_template() - 56)
    assert reduction(landmarks) >= 2
    difference = align(half, landmarks, reduced=2).astype(int) - align(image, landmarks)
    assert np.abs(difference).mean() < 1
    assert np.abs(difference).max() <= 6
