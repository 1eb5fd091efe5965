"""MiniFASNet: the crop, the colours and the class must be those of its training, or its answer means nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.frame import Encoding, Frame
from gate.vision.load import build_pipeline, find_pack, load_liveness_model
from gate.vision.minifasnet import CROP_SIZE_PX, MiniFasNet, ScaledNetwork, surroundings
from gate.vision.pack import load_liveness, load_pack
from gate.vision.pipeline import VisionPipeline
from gate.vision.session import OrtSession, Provider
from tests.vision.fakes import FakeDetector, FakeEmbedder, FakeLiveness
from tests.vision.tiny import bias_model

BOX = (100.0, 60.0, 180.0, 160.0)
FACE = (160.0, 120.0, 40.0)


def ramp(height: int = 720, width: int = 1280) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Column in the blue channel, row in the green one, both over eight: a crop says where it was taken."""
    rows, columns = np.mgrid[0:height, 0:width] // 8
    return np.stack((columns, rows, np.zeros_like(rows)), axis=2).astype(np.uint8)


def shown(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what a crop of `ramp` shows, pixels, to within eight."""
    return (
        int(picture[0, 0, 0]) * 8,
        int(picture[0, 0, 1]) * 8,
        int(picture[-1, -1, 0]) * 8,
        int(picture[-1, -1, 1]) * 8,
    )


@pytest.mark.parametrize(
    ("box", "scale", "expected"),
    [
        pytest.param((600, 300, 680, 400), 2.7, (532, 215, 748, 485), id="about the centre"),
        pytest.param((0, 0, 80, 100), 2.7, (0, 0, 216, 270), id="moved in at the upper left"),
        pytest.param((1200, 620, 1280, 720), 2.7, (1063, 449, 1279, 719), id="moved in at the lower right"),
        pytest.param((500, 200, 700, 500), 4.0, (360, 0, 839, 719), id="smaller where the picture is too low"),
        pytest.param((-40, 300, 40, 400), 2.7, (0, 215, 216, 485), id="a face half outside"),
    ],
)
def test_the_crop_shows_the_face_and_its_surroundings(
    box: tuple[float, float, float, float], scale: float, expected: tuple[int, int, int, int]
) -> None:
    found = shown(surroundings(ramp(), box, scale))
    assert np.abs(np.subtract(found, expected)).max() <= 8, found


@given(
    box=st.tuples(*[st.floats(-500, 1500, width=32)] * 4),
    scale=st.sampled_from((2.7, 4.0)),
    height=st.integers(32, 300),
    width=st.integers(32, 300),
)
def test_a_crop_never_leaves_the_picture(
    box: tuple[float, float, float, float], scale: float, height: int, width: int
) -> None:
    """A black border is something that the networks have never seen."""
    picture = np.full((height, width, 3), 200, np.uint8)
    crop = surroundings(picture, box, scale)
    assert crop.shape == (CROP_SIZE_PX, CROP_SIZE_PX, 3)
    assert (crop == 200).all()


@pytest.mark.parametrize("logits", [(0.0, 5.0), (0.0, 5.0, 1.0, 1.0)])
def test_networks_of_another_shape_are_refused(logits: tuple[float, ...]) -> None:
    session = OrtSession(bias_model(logits, size_px=CROP_SIZE_PX), name="pad")
    with pytest.raises(ModelPackError) as caught:
        MiniFasNet([ScaledNetwork(session, 2.7)])
    assert caught.value.code is Code.MODEL_INVALID


def fixed(*logits: float) -> ScaledNetwork:
    return ScaledNetwork(OrtSession(bias_model(logits, size_px=CROP_SIZE_PX), name="pad"), 2.7)


def test_networks_are_averaged_as_probabilities() -> None:
    """The mean of logits lets one network that is very sure outvote the other."""
    net = MiniFasNet([fixed(-50, 50, -50), fixed(0, 0, 0)])
    assert net.score(ramp(), BOX) == pytest.approx((1 + 1 / 3) / 2)


@pytest.mark.parametrize(("logits", "score"), [((9, 0, 0), 0), ((0, 9, 0), 1), ((0, 0, 9), 0)])
def test_the_middle_class_is_live(logits: tuple[float, ...], score: float) -> None:
    assert MiniFasNet([fixed(*logits)]).score(ramp(), BOX) == pytest.approx(score, abs=1e-3)


def test_an_answer_that_is_no_number_is_a_fault() -> None:
    with pytest.raises(EngineFault) as caught:
        MiniFasNet([fixed(float("nan"), 0, 0)]).score(ramp(), BOX)
    assert caught.value.code is Code.INFERENCE_FAILED


@pytest.fixture(scope="module")
def judge(shared: Path, pipeline: VisionPipeline) -> Callable[[str], float]:
    """Scores of the sample pictures, by name."""
    net = load_liveness_model(
        load_liveness("minifasnet", folders=(shared / "models",)), provider=Provider.CPU, threads=1
    )

    def score(name: str) -> float:
        data = (shared / "data" / "faces" / "pad-samples" / f"{name}.jpg").read_bytes()
        sighting = pipeline.look(Frame(1, 0, Encoding.JPEG, 0, 0, data))
        assert sighting.traveller is not None
        assert sighting.picture is not None
        return net.score(sighting.picture.full(), sighting.traveller.box_xyxy)

    return score


@pytest.mark.parametrize("name", ["live-doubango", "live-minivision"])
def test_live_samples_pass(judge: Callable[[str], float], name: str) -> None:
    assert judge(name) > 0.9


@pytest.mark.parametrize("name", ["printed-photo-minivision", "recaptured-photo-doubango", "tablet-replay-minivision"])
def test_photographs_and_a_screen_do_not_pass(judge: Callable[[str], float], name: str) -> None:
    """With red and blue swapped all three pass; scaled to 0..1 nothing passes."""
    assert judge(name) < 0.5


@pytest.mark.parametrize("name", ["disguise-doubango", "synthetic-face-doubango"])
def test_what_the_model_does_not_see_is_written_down(judge: Callable[[str], float], name: str) -> None:
    """docs/models.md says so; the day a better model sees it, that text must change."""
    assert judge(name) > 0.9


def frame_of(brightness: int) -> Frame:
    pixels = np.full((240, 320, 3), brightness, np.uint8).tobytes()
    return Frame(1, 0, Encoding.BGR24, 320, 240, pixels)


def faked(liveness: FakeLiveness | None, *faces: tuple[float, float, float]) -> VisionPipeline:
    return VisionPipeline(FakeDetector(*faces), FakeEmbedder(), None, "fake-0", liveness=liveness)


def test_only_who_is_asked_looks_for_life() -> None:
    """At every frame it would cost what it costs at the few that are compared."""
    model = FakeLiveness()
    vision = faked(model, FACE)
    sighting = vision.look(frame_of(255))
    vision.probe(sighting)
    assert (sighting.liveness, model.asked) == (None, 0)
    asked = vision.with_liveness(sighting)
    assert (asked.liveness, model.asked) == (1.0, 1)
    assert asked.timings_ms["liveness"] >= 0
    assert "liveness" not in sighting.timings_ms


@pytest.mark.parametrize(
    ("vision", "why"),
    [(faked(None, FACE), "no model is loaded"), (faked(FakeLiveness()), "there is no face")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_without_model_or_face_there_is_no_score(vision: VisionPipeline, why: str) -> None:
    """A score out of nothing would be taken for a judgement."""
    sighting = vision.look(frame_of(255))
    assert vision.with_liveness(sighting) is sighting, why


def test_a_sighting_without_its_picture_has_no_score() -> None:
    vision = faked(FakeLiveness(), FACE)
    assert vision.with_liveness(replace(vision.look(frame_of(255)), picture=None)).liveness is None


def test_a_set_goes_with_any_pack(shared: Path, astronaut_bgr: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    pack = replace(
        load_pack("edgeface-xxs", folders=(shared / "models",)),
        liveness=load_liveness("minifasnet", folders=(shared / "models",)),
    )
    assert [role for role in pack.models if role.startswith("liveness")] == ["liveness-1", "liveness-2"]
    vision = build_pipeline(pack)
    data = cv2.imencode(".jpg", astronaut_bgr)[1].tobytes()
    score = vision.with_liveness(vision.look(Frame(1, 0, Encoding.JPEG, 0, 0, data))).liveness
    assert score is not None
    assert 0 <= score <= 1


def test_an_unknown_set_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelPackError, match="minifasnet") as caught:
        find_pack("egate-s", liveness="nobody-wrote-this")
    assert caught.value.code is Code.PACK_UNKNOWN


def test_an_altered_network_is_refused(tmp_path: Path, shared: Path) -> None:
    """A network that always says "live" must not take this one's place."""
    for file in ("minifasnet_2.7_80x80.onnx", "minifasnet_4.0_80x80.onnx"):
        (tmp_path / file).write_bytes((shared / "models" / file).read_bytes() + b"\0")
    with pytest.raises(ModelPackError) as caught:
        load_liveness("minifasnet", folders=(tmp_path,))
    assert caught.value.code is Code.MODEL_ALTERED
