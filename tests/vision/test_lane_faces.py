"""Guards our own detector's decoding, and that its shipped file finds faces with nothing but this repository."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.detector import Candidates
from gate.vision.frame import DecodeLimits, decode_photo
from gate.vision.lane_faces import LaneFacesDetector, agree, decode, doubtful
from gate.vision.load import load_detector
from gate.vision.pack import load_pack, read_verified
from gate.vision.registry import load_registry, registry_folder
from gate.vision.session import OrtSession, Provider
from tests.vision.tiny import tiny_model

NAME = "lane-faces"


def own_detector(detect_size_px: int = 480) -> LaneFacesDetector:
    """The shipped file, found without any third-party folder."""
    entry = load_registry().detectors.get(NAME)
    if entry is None:
        pytest.skip(f"the registry has no detector {NAME} yet: its training goes on")
    model = read_verified(NAME, entry, registry_folder(), ())
    detector = load_detector(model, provider=Provider.CPU, threads=1, detect_size_px=detect_size_px)
    assert isinstance(detector, LaneFacesDetector)
    return detector


def raw_predictions(width: int, height: int) -> NDArray[np.float32]:
    """A network's answer that there is nobody."""
    cells = sum((width // stride) * (height // stride) for stride in (8, 16, 32))
    raw = np.zeros((1, 15, cells), np.float32)
    raw[:, 0] = -9
    return raw


@pytest.mark.parametrize(
    ("first", "stride", "column", "row"), [(0, 8, 2, 1), (12 * 4, 16, 3, 1), (12 * 4 + 6 * 2, 32, 2, 0)]
)
def test_each_grid_is_read_from_the_middle_of_its_cells(first: int, stride: int, column: int, row: int) -> None:
    """A canvas of 96 x 32: rows and columns swapped, or grids in another order, would put faces elsewhere."""
    raw = raw_predictions(96, 32)
    raw[0, :, first + row * (96 // stride) + column] = [0, *np.log([1, 2, 3, 4]), *([0.5, -0.5] * 5)]
    found = decode(raw, (96, 32), 0.4)
    x, y, unit = (column + 0.5) * stride, (row + 0.5) * stride, 2 * stride
    np.testing.assert_allclose(found.boxes_xyxy, [[x - unit, y - 2 * unit, x + 3 * unit, y + 4 * unit]], rtol=1e-5)
    np.testing.assert_allclose(found.landmarks, [[[x + unit / 2, y - unit / 2]] * 5], rtol=1e-5)
    np.testing.assert_allclose(found.scores, [0.5], rtol=1e-5)


def test_the_threshold_is_on_the_score_not_on_its_logit() -> None:
    raw = raw_predictions(64, 32)
    raw[0, 0, 5] = np.log(0.69 / 0.31)
    assert decode(raw, (64, 32), 0.7).scores.size == 0
    assert decode(raw, (64, 32), 0.68).scores.size == 1


def test_the_cells_of_one_face_place_it_together() -> None:
    """The best cell alone was almost twice as far off; and two people must not be mixed."""
    boxes = np.array([[0, 0, 20, 20], [2, 0, 22, 20], [100, 0, 120, 20], [0, 2, 20, 22]], np.float32)
    landmarks = np.repeat(boxes[:, None, :2], 5, axis=1)
    heard = Candidates(boxes, landmarks, np.array([0.8, 0.4, 0.7, 0.4], np.float32))
    faces = agree(heard, 0.5)
    np.testing.assert_allclose(faces.boxes_xyxy, [[0.5, 0.5, 20.5, 20.5], [100, 0, 120, 20]])
    np.testing.assert_allclose(faces.landmarks[:, 0], [[0.5, 0.5], [100, 0]])
    np.testing.assert_allclose(faces.scores, [0.8, 0.7])
    assert agree(heard, 0.9).scores.size == 0


def test_nobody_heard_is_nobody() -> None:
    nobody = decode(raw_predictions(64, 32), (64, 32), 0.2)
    assert agree(nobody, 0.4).boxes_xyxy.shape == (0, 4)


def test_an_absurd_distance_stays_a_number() -> None:
    raw = raw_predictions(64, 32)
    raw[0, :5, 0] = 500
    assert np.isfinite(decode(raw, (64, 32), 0.5).boxes_xyxy).all()


def test_scores_that_are_not_numbers_are_a_fault() -> None:
    """NaN reaches no threshold: a broken model would pass for an empty picture."""
    raw = raw_predictions(64, 32)
    raw[0, 0, 3] = np.nan
    with pytest.raises(EngineFault):
        decode(raw, (64, 32), 0.5)


def test_an_answer_for_another_canvas_is_a_fault() -> None:
    """Read with the wrong width, every face would be somewhere else."""
    with pytest.raises(EngineFault, match="cells"):
        decode(raw_predictions(64, 32), (96, 32), 0.5)


def test_a_model_of_another_family_is_refused() -> None:
    with pytest.raises(ModelPackError) as caught:
        LaneFacesDetector(OrtSession(tiny_model(), name="tiny"), None, detect_size_px=320, threshold=0.5)
    assert caught.value.code is Code.MODEL_INVALID


def test_the_card_names_the_files_that_are_there() -> None:
    if NAME not in load_registry().detectors:
        pytest.skip(f"the registry has no detector {NAME} yet: its training goes on")
    folder = registry_folder() / "packs" / NAME
    files = [(folder / name).read_bytes() for name in ("model.onnx", "refine.onnx")]
    card = (folder / "card.md").read_text("utf-8")
    for data in files:
        assert hashlib.sha256(data).hexdigest() in card
    assert sum(map(len, files)) <= 1_500_000


def test_a_second_look_that_was_altered_is_refused(tmp_path: Path) -> None:
    """The file that has the last word on what is a face is verified like every other."""
    folder = tmp_path / "packs" / NAME
    shutil.copytree(registry_folder() / "packs" / NAME, folder)
    entry = load_registry().detectors[NAME]
    verified = read_verified(NAME, entry, tmp_path, ())
    assert verified.refiner is not None
    assert verified.refiner.name == f"{NAME}-refiner"
    with (folder / "refine.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelPackError) as caught:
        read_verified(NAME, entry, tmp_path, ())
    assert caught.value.code is Code.MODEL_ALTERED
    (folder / "refine.onnx").unlink()
    with pytest.raises(ModelPackError) as caught:
        read_verified(NAME, entry, tmp_path, ())
    assert caught.value.code is Code.MODEL_MISSING


def test_a_pack_with_this_detector_lists_both_looks() -> None:
    """Doctor, journal and passages that are decided again go by this list of hashes."""
    refiner = load_registry().detectors[NAME].refiner
    assert refiner is not None
    assert load_pack("egate-s").models["refiner"].entry.sha256 == refiner.sha256


@pytest.mark.parametrize("longest_px", [320, 480, 640])
def test_faces_are_found_at_every_size_of_the_canvas(longest_px: int, six_people_jpeg: bytes) -> None:
    """The first look alone misses one of the six on a small canvas, and sees one too many on a large one."""
    assert len(own_detector(longest_px).detect(decode_photo(six_people_jpeg, DecodeLimits()))) == 6


@pytest.mark.parametrize(("eyes_px", "within"), [(36, 0.15), (80, 0.15), (200, 0.15), (330, 0.2)])
def test_one_face_at_gate_distances(eyes_px: int, within: float, astronaut_bgr: NDArray[np.uint8]) -> None:
    """1280 x 720, from a few steps away to right before the camera."""
    scale = eyes_px / 44
    part = cv2.resize(astronaut_bgr[20:220, 124:324], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:720]
    picture = np.full((720, 1280, 3), 90, np.uint8)
    picture[: part.shape[0], 200 : 200 + part.shape[1]] = part[:, :1080]
    best = max(own_detector().detect(picture), key=lambda face: face.confidence)
    assert best.eye_distance_px == pytest.approx(eyes_px, rel=within)


def test_nobody_in_an_empty_hall() -> None:
    detector = own_detector()
    assert detector.detect(np.zeros((720, 1280, 3), np.uint8)) == ()
    noise = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    assert detector.detect(noise) == ()


def test_what_was_found_by_another_second_look_is_not_taken_for_this_ones() -> None:
    """Training keeps found faces under this name; with the first look's hash alone it would go on with the old ones."""
    detector = load_pack("egate-s").detector
    assert detector.refiner is not None
    assert detector.entry.sha256[:8] in detector.short_id
    assert detector.refiner.entry.sha256[:8] in detector.short_id


def test_a_face_that_the_picture_cuts_off_keeps_its_whole_box(astronaut_bgr: NDArray[np.uint8]) -> None:
    """The first look ends its boxes where the picture ends, and tracks would jump at every step out of the frame."""
    picture = astronaut_bgr[:, :252]
    whole, cut = (max(own_detector().detect(p), key=lambda f: f.confidence) for p in (astronaut_bgr, picture))
    assert whole.box_xyxy[2] > 260
    np.testing.assert_allclose(cut.box_xyxy, whole.box_xyxy, atol=0.12 * (whole.box_xyxy[2] - whole.box_xyxy[0]))


def test_a_face_that_was_moved_far_or_is_unsure_is_looked_at_again() -> None:
    """Looked at again without need, every frame would take longer; never, half faces would pass for whole ones."""
    boxes = np.array([[0, 0, 100, 120]] * 3, np.float32)
    rough = np.zeros((3, 5, 2), np.float32)
    found = rough + np.array([0, 10, 0], np.float32)[:, None, None]
    seen = Candidates(boxes, found, np.array([0.999, 0.999, 0.7], np.float32))
    assert doubtful(rough, seen).tolist() == [False, True, True]


def test_the_same_face_is_told_once(astronaut_bgr: NDArray[np.uint8]) -> None:
    """Several proposals of one face end at the same place after the second look."""
    assert len(own_detector().detect(astronaut_bgr[0:260, 80:380])) == 1
