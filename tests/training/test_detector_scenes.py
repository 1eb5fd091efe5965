"""Guards what the detector is told: a label that is off teaches it to be off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tqdm", reason="training needs its extra: pip install .[train]")
pytest.importorskip("onnx")

from models.training.crops import TEMPLATE
from models.training.detector_scenes import SIDE_PX, Material, Stage, another_person, fit, scene, similarity
from models.training.detector_sources import CropFaces, Photo, boxes_from_landmarks, for_training, whole

BOX = np.array([14, 10, 98, 116], np.float32)


@pytest.fixture(scope="module")
def material() -> Material:
    """Grey noise for people; what is where is all that matters here."""
    rng = np.random.default_rng(0)
    crops = rng.integers(60, 200, (6, 112, 112, 3), dtype=np.uint8)
    faces = CropFaces(np.tile(BOX, (6, 1)), np.tile(TEMPLATE, (6, 1, 1)), np.ones(6, np.float32), np.ones(6, np.bool_))
    picture = rng.integers(0, 255, (300, 240, 3), dtype=np.uint8)
    photo = Photo(Path("none"), BOX[None] + 60, TEMPLATE[None] + 60, np.array([0.9], np.float32))
    return Material((crops, crops), faces, np.arange(6), [(photo, picture)])


def place(stage: Stage, scale: float = 1.0, *, mirrored: bool = False, at: tuple[float, float] = (160, 160)) -> None:
    matrix = similarity(np.array([56.0, 62.0]), np.array(at), scale, 0.0, mirrored=mirrored)
    stage.add(BOX, TEMPLATE, True, matrix)


def empty() -> Stage:
    return Stage(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))


def test_a_scene_is_the_same_each_time_and_its_faces_are_on_it(material: Material) -> None:
    count = 0
    for seed in range(40):
        picture, labels = scene(material, np.random.default_rng(seed))
        again, _ = scene(material, np.random.default_rng(seed))
        assert np.array_equal(picture, again)
        assert picture.shape == (SIDE_PX, SIDE_PX, 3)
        assert picture.dtype == np.uint8
        assert len(labels.boxes) == len(labels.landmarks) == len(labels.sure)
        if len(labels.boxes):
            assert labels.boxes.min() >= 0
            assert labels.boxes.max() <= SIDE_PX
            assert (labels.boxes[:, 2:] > labels.boxes[:, :2]).all()
        count += int(labels.sure.sum())
    assert count > 40


def test_a_mirrored_face_keeps_its_left_eye_on_the_left() -> None:
    stage = empty()
    place(stage, mirrored=True)
    points = stage.labels().landmarks[0]
    assert points[0, 0] < points[1, 0]
    assert points[3, 0] < points[4, 0]
    np.testing.assert_allclose(points[0], (160 - (TEMPLATE[1, 0] - 56), 160 + TEMPLATE[1, 1] - 62), atol=1e-3)


def test_what_is_covered_need_not_be_found() -> None:
    stage = empty()
    place(stage)
    stage.cover(0, 0, SIDE_PX, 170)
    assert stage.labels().sure.tolist() == [False]
    stage.cover(0, 0, SIDE_PX, SIDE_PX)
    assert len(stage.labels().sure) == 0


def test_a_face_half_outside_is_uncertain_and_its_box_ends_at_the_edge() -> None:
    stage = empty()
    place(stage, at=(0, 160))
    place(stage, at=(20, 160))
    labels = stage.labels()
    assert labels.sure.tolist() == [False, True]
    assert labels.boxes[:, 0].tolist() == [0, 0]


def test_faces_too_small_to_ask_for() -> None:
    stage = empty()
    for scale in (0.05, 0.15, 0.3):
        place(stage, scale)
    assert stage.labels().sure.tolist() == [False, True]


def test_another_persons_face_stands_where_the_first_one_stood(material: Material) -> None:
    photo, picture = material.photos[0]
    changed = np.abs(another_person(photo, picture, material, np.random.default_rng(1)).astype(int) - picture).max(
        axis=2
    )
    rows, columns = np.nonzero(changed)
    centre = photo.boxes[0].reshape(2, 2).mean(axis=0)
    np.testing.assert_allclose((np.median(columns), np.median(rows)), centre, atol=8)
    assert changed[:40].max() == 0


def test_a_similarity_is_found_again() -> None:
    matrix = similarity(np.array([3.0, 4.0]), np.array([50.0, 60.0]), 1.7, 20.0, mirrored=False)
    moved = TEMPLATE @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(fit(TEMPLATE, moved.astype(np.float32)), matrix, atol=1e-4)


def test_boxes_follow_the_landmarks() -> None:
    """Crops end at the chin; their boxes are learned from whole photographs."""
    rng = np.random.default_rng(0)
    photos = []
    for _ in range(60):
        points = (TEMPLATE + rng.normal(0, 2, TEMPLATE.shape)).astype(np.float32)
        width = 2.4 * (points[1, 0] - points[0, 0])
        box = np.array([[56 - width / 2, 10, 56 + width / 2, 118]], np.float32)
        photos.append(Photo(Path("none"), 3 * box, 3 * points[None], np.array([0.9], np.float32)))
    boxes = boxes_from_landmarks(TEMPLATE[None], photos)
    np.testing.assert_allclose(boxes[0], (56 - 42.3, 10, 56 + 42.3, 118), atol=4)


def test_a_crop_with_the_photographs_edge_in_it_is_not_whole() -> None:
    crops: NDArray[np.uint8] = np.full((2, 112, 112, 3), 120, np.uint8)
    crops[1, :30] = 0
    assert whole(crops).tolist() == [True, False]


def test_near_duplicates_stay_on_one_side() -> None:
    """Photographs in a row of `real-masks` are often of one scene: learned from and judged on, they would flatter."""
    sides = {for_training(f"0006_{number:04d}.jpg") for number in range(120, 130)}
    assert len(sides) == 1
    learned = [for_training(f"{scene:04d}_{10 * ten:04d}.jpg") for scene in range(20) for ten in range(20)]
    assert 0.4 < np.mean(learned) < 0.6
