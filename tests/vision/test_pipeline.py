"""The whole way from a picture to a probe, on real models and photographs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, FrameError
from gate.vision.frame import Encoding, Frame
from gate.vision.pipeline import Vision, VisionPipeline
from gate.vision.probe import Face, ImageBGR, MaskState
from tests.vision.fakes import FakeDetector, FakeEmbedder

Lfw = Callable[[str, int], bytes]


def jpeg_frame(data: bytes) -> Frame:
    return Frame(1, 0, Encoding.JPEG, 0, 0, data)


def test_a_frame_resembles_the_photograph_of_the_same_person(pipeline: VisionPipeline, lfw: Lfw) -> None:
    enrolled, _ = pipeline.enrol_photo(lfw("Abel_Pacheco", 1))
    seen = pipeline.probe(pipeline.look(jpeg_frame(lfw("Abel_Pacheco", 4))))
    other, _ = pipeline.enrol_photo(lfw("Angela_Bassett", 1))
    assert float(enrolled.embedding @ seen.embedding) > 0.5
    assert float(enrolled.embedding @ other.embedding) < 0.3
    assert enrolled.pack_id == seen.pack_id == pipeline.pack_id


def test_every_encoding_gives_the_same_face(pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8]) -> None:
    """Channels swapped in one decoder would lower that camera's similarities, and nothing else would show it."""
    i420 = cv2.cvtColor(astronaut_bgr, cv2.COLOR_BGR2YUV_I420)
    chroma = np.stack((i420[512:640].reshape(-1), i420[640:].reshape(-1)), axis=1)
    frames = [
        Frame(1, 0, Encoding.BGR24, 512, 512, astronaut_bgr.tobytes()),
        Frame(2, 0, Encoding.PNG, 512, 512, cv2.imencode(".png", astronaut_bgr)[1].tobytes()),
        Frame(3, 0, Encoding.JPEG, 512, 512, cv2.imencode(".jpg", astronaut_bgr)[1].tobytes()),
        Frame(4, 0, Encoding.NV12, 512, 512, i420[:512].tobytes() + chroma.tobytes()),
    ]
    first, *others = (pipeline.probe(pipeline.look(frame)).embedding for frame in frames)
    assert [float(first @ other) > 0.97 for other in others] == [True] * 3


def test_a_sighting_without_a_face_says_so(pipeline: VisionPipeline) -> None:
    sighting = pipeline.look(Frame(1, 0, Encoding.GREY8, 640, 480, b"\x50" * 640 * 480))
    assert (sighting.faces, sighting.traveller, sighting.quality, sighting.aligned) == ((), None, None, None)
    assert (sighting.width_px, sighting.height_px, sighting.rival_ratio) == (640, 480, 0)
    assert set(sighting.timings_ms) == {"decode", "detect"}
    with pytest.raises(ValueError, match="without"):
        pipeline.probe(sighting)


def test_every_stage_is_timed(pipeline: VisionPipeline, astronaut_jpeg: bytes) -> None:
    sighting = pipeline.look(jpeg_frame(astronaut_jpeg))
    assert list(sighting.timings_ms) == ["decode", "detect", "align", "quality"]
    probe = pipeline.probe(sighting)
    assert list(probe.timings_ms) == ["embed", "mask"]
    assert min(*sighting.timings_ms.values(), *probe.timings_ms.values()) > 0


def test_two_people_are_both_reported(pipeline: VisionPipeline, six_people_jpeg: bytes) -> None:
    sighting = pipeline.look(jpeg_frame(six_people_jpeg))
    assert len(sighting.faces) == 6
    assert sighting.rival_ratio > 0.6


def test_a_pack_without_a_mask_model_says_unknown() -> None:
    """Saying "none" would apply the looser threshold to a masked face."""
    probe = look_and_probe(VisionPipeline(FakeDetector((100, 100, 60)), FakeEmbedder(), None, "fake-0"))
    assert probe is MaskState.UNKNOWN


def test_the_mask_model_is_asked() -> None:
    class Worn:
        def state(self, aligned_bgr: ImageBGR) -> MaskState:
            assert aligned_bgr.shape == (112, 112, 3)
            return MaskState.WORN

        def warm(self) -> None:
            pass

    pipeline = VisionPipeline(FakeDetector((100, 100, 60)), FakeEmbedder(), Worn(), "fake-0")
    pipeline.warm()
    assert look_and_probe(pipeline) is MaskState.WORN


def look_and_probe(pipeline: Vision) -> MaskState:
    picture = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    return pipeline.probe(pipeline.look(Frame(1, 0, Encoding.BGR24, 200, 200, picture.tobytes()))).mask


def test_a_broken_detector_is_never_no_face() -> None:
    class Broken:
        detect_size_px = 480

        def detect(self, image_bgr: ImageBGR) -> tuple[Face, ...]:
            raise EngineFault(Code.INFERENCE_FAILED, f"cannot look at {image_bgr.shape}")

        def warm(self) -> None:
            pass

    with pytest.raises(EngineFault):
        look_and_probe(VisionPipeline(Broken(), FakeEmbedder(), None, "fake-0"))


def test_a_bad_frame_leaves_the_pipeline_usable(pipeline: VisionPipeline, astronaut_jpeg: bytes) -> None:
    with pytest.raises(FrameError):
        pipeline.look(jpeg_frame(astronaut_jpeg[:-900]))
    assert pipeline.look(jpeg_frame(astronaut_jpeg)).traveller is not None


def test_threads_see_their_own_frames(pipeline: VisionPipeline, astronaut_jpeg: bytes, lfw: Lfw) -> None:
    """Shared buffers would give one lane's traveller the face of another lane's."""
    frames = [jpeg_frame(data) for data in (astronaut_jpeg, lfw("Abel_Pacheco", 1), lfw("Angela_Bassett", 1))]
    expected = [pipeline.probe(pipeline.look(frame)).embedding for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda index: pipeline.probe(pipeline.look(frames[index % 3])), range(18)))
    for index, probe in enumerate(found):
        np.testing.assert_allclose(probe.embedding, expected[index % 3], atol=1e-5)


def test_a_face_is_found_where_it_is_also_in_half_a_picture(pipeline: VisionPipeline, astronaut_bgr: ImageBGR) -> None:
    """Faces are looked for, and cut out where they are large, in a JPEG decoded at half its size."""
    large = cv2.resize(astronaut_bgr, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    raw = pipeline.look(Frame(1, 0, Encoding.BGR24, 1024, 1024, large.tobytes()))
    jpeg = pipeline.look(jpeg_frame(cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()))
    assert raw.traveller is not None
    assert jpeg.traveller is not None
    assert jpeg.picture is not None
    assert jpeg.picture.reduced(2.0)[1] == 2
    assert (jpeg.width_px, jpeg.height_px) == (1024, 1024)
    moved = jpeg.traveller.landmarks - raw.traveller.landmarks
    assert np.abs(moved).max() < 0.02 * raw.traveller.eye_distance_px
    assert float(pipeline.probe(jpeg).embedding @ pipeline.probe(raw).embedding) > 0.99
