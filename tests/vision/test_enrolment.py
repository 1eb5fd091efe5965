"""A photograph that cannot be compared with later must be refused now, and say why."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gate.errors import Code, EnrolmentError, FrameError
from gate.vision.enrolment import EnrolmentRules
from gate.vision.pipeline import VisionPipeline
from tests.vision.fakes import FakeDetector, FakeEmbedder

TEXTURE = np.random.default_rng(2).integers(60, 200, (480, 480, 3), np.uint8)


def jpeg(picture: NDArray[np.generic]) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


def enrol(*places: tuple[float, float, float], rules: EnrolmentRules | None = None) -> None:
    vision = VisionPipeline(FakeDetector(*places), FakeEmbedder(), None, "fake-0", rules=rules)
    vision.enrol_photo(jpeg(TEXTURE))


def refused(wanted: Code, *places: tuple[float, float, float]) -> str:
    with pytest.raises(EnrolmentError) as caught:
        enrol(*places)
    assert caught.value.code is wanted, caught.value.message
    return caught.value.message


def test_one_frontal_face_is_taken() -> None:
    enrol((240, 240, 90))


def test_a_small_face_in_the_background_is_no_second_person() -> None:
    enrol((240, 240, 90), (60, 60, 40))


def test_a_second_face_of_half_the_size_is() -> None:
    message = refused(Code.PHOTO_SEVERAL_FACES, (240, 240, 90), (60, 60, 46))
    assert "2 faces" in message


def test_no_face() -> None:
    assert "480 x 480" in refused(Code.PHOTO_NO_FACE)


@pytest.mark.parametrize("eyes", [10, 23.9])
def test_eyes_too_close_together(eyes: float) -> None:
    assert "at least 24" in refused(Code.PHOTO_LOW_QUALITY, (240, 240, eyes))


def test_every_fault_is_named_at_once() -> None:
    """An integrator who repairs one fault must not learn of the next only then."""
    message = refused(Code.PHOTO_LOW_QUALITY, (0, 240, 20))
    assert "eye distance" in message
    assert "inside the picture" in message


def test_real_photographs_of_several_people_and_of_none(pipeline: VisionPipeline, six_people_jpeg: bytes) -> None:
    with pytest.raises(EnrolmentError) as caught:
        pipeline.enrol_photo(six_people_jpeg)
    assert caught.value.code is Code.PHOTO_SEVERAL_FACES
    with pytest.raises(EnrolmentError) as caught:
        pipeline.enrol_photo(jpeg(np.full((400, 300, 3), 180, np.uint8)))
    assert caught.value.code is Code.PHOTO_NO_FACE


def test_a_real_photograph_out_of_focus(pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8]) -> None:
    with pytest.raises(EnrolmentError, match="sharpness") as caught:
        pipeline.enrol_photo(jpeg(cv2.GaussianBlur(astronaut_bgr, (0, 0), 4)))
    assert caught.value.code is Code.PHOTO_LOW_QUALITY


@pytest.mark.parametrize("factor", [0.1, 0.4])
def test_a_real_photograph_underexposed_or_small(
    pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8], factor: float
) -> None:
    if factor == 0.1:
        with pytest.raises(EnrolmentError, match="brightness"):
            pipeline.enrol_photo(jpeg(astronaut_bgr * factor))
    else:
        small = cv2.resize(astronaut_bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        with pytest.raises(EnrolmentError, match="eye distance"):
            pipeline.enrol_photo(jpeg(small))


def test_a_portrait_that_the_face_fills(pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8]) -> None:
    """Passport photographs are cropped tightly; small anchors alone would miss such a face."""
    tight = cv2.resize(astronaut_bgr[50:175, 165:285], None, fx=6, fy=6)
    probe, sighting = pipeline.enrol_photo(jpeg(tight))
    wide, _ = pipeline.enrol_photo(jpeg(astronaut_bgr))
    assert sighting.quality is not None
    assert sighting.quality.eye_distance_px > 200
    assert float(probe.embedding @ wide.embedding) > 0.6


def test_a_photograph_that_cannot_be_read(pipeline: VisionPipeline) -> None:
    with pytest.raises(FrameError) as caught:
        pipeline.enrol_photo(b"")
    assert caught.value.code is Code.FRAME_EMPTY
