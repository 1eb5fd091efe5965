"""Every detector must find the same faces in the same pixels, whatever the size it looks at them with."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.detector import Candidates, InputScaling, OnnxDetector, letterbox, suppress, to_faces
from gate.vision.frame import DecodeLimits, decode_photo
from gate.vision.load import load_detector
from gate.vision.pack import VerifiedModel
from gate.vision.probe import Face
from gate.vision.scrfd import ScrfdHead
from gate.vision.session import OrtSession, Provider
from gate.vision.yunet import YunetHead
from tests.vision.conftest import make_detector
from tests.vision.tiny import tiny_model

# Eyes, nose and mouth of scikit-image's astronaut, read off the enlarged picture, to about two pixels.
ASTRONAUT_XY = np.array([(204, 100), (248, 103), (224, 127), (205, 142), (243, 142)], np.float32)


def test_landmarks_stand_where_the_face_is(detector: OnnxDetector, astronaut_bgr: NDArray[np.uint8]) -> None:
    """Left and right eye swapped, or x and y, would still give a face of the right size."""
    faces = detector.detect(astronaut_bgr)
    best = max(faces, key=lambda face: face.confidence)
    np.testing.assert_allclose(best.landmarks, ASTRONAUT_XY, atol=6)
    left, top, right, bottom = best.box_xyxy
    assert left < best.landmarks[:, 0].min()
    assert best.landmarks[:, 0].max() < right
    assert top < best.landmarks[:, 1].min()
    assert best.landmarks[:, 1].max() < bottom
    assert 0.5 < best.confidence <= 1


def test_a_mirrored_face_keeps_the_order_of_the_picture(
    detector: OnnxDetector, astronaut_bgr: NDArray[np.uint8]
) -> None:
    """The left eye is the one further left in the picture, not the person's own left one."""
    face = detector.detect(np.ascontiguousarray(astronaut_bgr[:, ::-1]))[0]
    assert face.landmarks[0, 0] < face.landmarks[1, 0]
    assert face.landmarks[3, 0] < face.landmarks[4, 0]


def test_all_six_people_are_found_largest_first(detector: OnnxDetector, six_people_jpeg: bytes) -> None:
    faces = detector.detect(decode_photo(six_people_jpeg, DecodeLimits()))
    assert len(faces) == 6
    assert areas(faces) == sorted(areas(faces), reverse=True)


@pytest.mark.parametrize("size", [(720, 1280), (1280, 720), (481, 333), (64, 900)])
def test_pictures_of_every_shape_give_the_same_pixels(
    detector: OnnxDetector, astronaut_bgr: NDArray[np.uint8], size: tuple[int, int]
) -> None:
    """Padding, rounding and grids that are not square must not shift a landmark."""
    height, width = size
    picture = np.full((height, width, 3), 90, np.uint8)
    part = astronaut_bgr[40:240, 130:330][: min(200, height), : min(200, width)]
    if part.shape[0] < 200:
        assert detector.detect(picture) == ()
        return
    at_y, at_x = height - 210, width - 215
    picture[at_y : at_y + 200, at_x : at_x + 200] = part
    face = detector.detect(picture)[0]
    np.testing.assert_allclose(face.landmarks - (at_x - 130, at_y - 40), ASTRONAUT_XY, atol=8)


def test_yunet_agrees_with_opencv(shared: Path, astronaut_bgr: NDArray[np.uint8]) -> None:
    """OpenCV decodes the same file on its own; 512 x 512 needs no scaling, so nothing may differ."""
    path = shared / "models" / "yunet_n_dynamic.onnx"
    reference = cv2.FaceDetectorYN.create(str(path), "", (512, 512), 0.6).detect(astronaut_bgr)[1]
    found = make_detector("yunet-n", shared, 512).detect(astronaut_bgr)
    assert len(found) == len(reference) == 1
    np.testing.assert_allclose(found[0].landmarks, reference[0, 4:14].reshape(5, 2), atol=0.5)
    left, top, width, height = reference[0, :4]
    np.testing.assert_allclose(found[0].box_xyxy, (left, top, left + width, top + height), atol=0.5)


def test_scrfd_agrees_with_insightface(shared: Path, six_people_jpeg: bytes) -> None:
    """The library decodes the same file on its own, on its fixed canvas of 640 x 640."""
    from insightface.model_zoo import get_model

    picture = decode_photo(six_people_jpeg, DecodeLimits())[100:740, 320:960].copy()
    library = get_model(str(shared / "models" / "scrfd_500m_kps.onnx"), providers=["CPUExecutionProvider"])
    library.prepare(-1, input_size=(640, 640), det_thresh=0.5)
    boxes, landmarks = library.detect(picture)
    found = make_detector("scrfd-500m", shared, 640).detect(picture)
    assert len(found) == len(boxes) > 2
    for face in found:
        nearest = int(np.abs(boxes[:, :4] - face.box_xyxy).sum(axis=1).argmin())
        np.testing.assert_allclose(face.box_xyxy, boxes[nearest, :4], atol=0.05)
        np.testing.assert_allclose(face.landmarks, landmarks[nearest], atol=0.05)
        assert face.confidence == pytest.approx(boxes[nearest, 4], abs=1e-3)


def test_an_empty_picture_has_no_faces(detector: OnnxDetector) -> None:
    assert detector.detect(np.zeros((720, 1280, 3), np.uint8)) == ()


def test_gate_sized_faces_are_found_at_24_pixels(shared: Path, astronaut_bgr: NDArray[np.uint8]) -> None:
    """1280 x 720 with eyes 24 pixels apart is the smallest face that a lane may have to guide closer."""
    scale = 24 / 44
    small = cv2.resize(astronaut_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((720, 1280, 3), 90, np.uint8)
    picture[200 : 200 + small.shape[0], 500 : 500 + small.shape[1]] = small
    faces = make_detector("scrfd-500m", shared).detect(picture)
    assert len(faces) == 1
    assert faces[0].eye_distance_px == pytest.approx(24, abs=3)


def test_the_canvas_follows_the_picture() -> None:
    canvas, scale = letterbox(np.full((720, 1280, 3), 7, np.uint8), 480)
    assert canvas.shape == (288, 480, 3)
    assert scale == (480 / 1280, 270 / 720)
    assert canvas[:270].min() == 7
    assert canvas[270:].max() == 0


def test_of_overlapping_boxes_the_best_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 0, 30, 10], [0, 0, 10, 4.1]], np.float32)
    assert suppress(boxes, np.array([0.6, 0.9, 0.5, 0.8], np.float32)).tolist() == [1, 3, 2]
    assert suppress(boxes[:0], np.empty(0, np.float32)).tolist() == []


@pytest.mark.parametrize("axis", ["with", "without"])
def test_scrfd_outputs_with_and_without_a_batch_axis(axis: str) -> None:
    """InsightFace's own files leave it out; the exported ones here have it."""
    cells = {8: 32 * 2, 16: 8 * 2, 32: 2 * 2}
    outputs = [np.zeros((1, count, width), np.float32) for width in (1, 4, 10) for count in cells.values()]
    # Stride 8, second row, third column of a canvas of 64 x 32: its second anchor.
    index = (1 * 8 + 2) * 2 + 1
    outputs[0][0, index] = 0.9
    outputs[3][0, index] = (1, 0.5, 2, 3)
    outputs[6][0, index] = np.arange(10)
    if axis == "without":
        outputs = [output[0] for output in outputs]
    found = ScrfdHead().decode(outputs, (64, 32), 0.5)
    np.testing.assert_allclose(found.boxes_xyxy, [[8, 4, 32, 32]])
    np.testing.assert_allclose(found.landmarks[0, 4], [16 + 8 * 8, 8 + 9 * 8])
    np.testing.assert_allclose(found.scores, [0.9])


@pytest.mark.parametrize(("head", "widths"), [(ScrfdHead(), (1, 4, 10)), (YunetHead(), (1, 1, 4, 10))])
def test_scores_that_are_not_numbers_are_a_fault(head: ScrfdHead | YunetHead, widths: tuple[int, ...]) -> None:
    """NaN reaches no threshold: a broken model would pass for an empty picture."""
    anchors = 2 if isinstance(head, ScrfdHead) else 1
    outputs = [np.zeros((1, cells * anchors, width), np.float32) for width in widths for cells in (32, 8, 2)]
    assert head.decode(outputs, (64, 32), 0.5).scores.size == 0
    outputs[1][0, 3] = np.nan
    with pytest.raises(EngineFault):
        head.decode(outputs, (64, 32), 0.5)


def test_places_that_are_not_numbers_are_a_fault() -> None:
    boxes = np.array([[0, 0, np.inf, 10]], np.float32)
    with pytest.raises(EngineFault):
        to_faces(Candidates(boxes, np.zeros((1, 5, 2), np.float32), np.ones(1, np.float32)), (1, 1))


@pytest.mark.parametrize("head", [ScrfdHead(), YunetHead()])
def test_a_model_of_another_family_is_refused(head: ScrfdHead | YunetHead) -> None:
    with pytest.raises(ModelPackError) as caught:
        OnnxDetector(
            OrtSession(tiny_model(), name="tiny"),
            head,
            InputScaling(0, 1, rgb=True),
            detect_size_px=320,
            threshold=0.5,
        )
    assert caught.value.code is Code.MODEL_INVALID


def test_a_registry_that_swaps_families_is_refused(shared: Path) -> None:
    """A YuNet file read as SCRFD would give boxes, only wrong ones."""
    from gate.vision.registry import DetectorFile, load_registry

    entry = load_registry().detectors["yunet-n"]
    data = (shared / "models" / entry.file).read_bytes()
    wrong = DetectorFile.model_validate({**entry.model_dump(), "family": "scrfd"})
    with pytest.raises(ModelPackError) as caught:
        load_detector(
            VerifiedModel("yunet-n", Path(entry.file), wrong, data),
            provider=Provider.CPU,
            threads=1,
            detect_size_px=320,
        )
    assert caught.value.code is Code.MODEL_INVALID


def areas(faces: tuple[Face, ...]) -> list[float]:
    return [(f.box_xyxy[2] - f.box_xyxy[0]) * (f.box_xyxy[3] - f.box_xyxy[1]) for f in faces]
