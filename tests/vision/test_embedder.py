"""One contract for every embedder: a fake without weights, and each real one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.align import align
from gate.vision.detector import InputScaling
from gate.vision.embedder import ArcFaceEmbedder, Embedder
from gate.vision.frame import DecodeLimits, decode_photo
from gate.vision.pack import read_verified
from gate.vision.registry import load_registry, registry_folder
from gate.vision.session import OrtSession
from tests.vision.conftest import make_detector
from tests.vision.fakes import FakeEmbedder
from tests.vision.tiny import bias_model, tiny_model

SCALING = InputScaling(127.5, 127.5, rgb=True)


@pytest.fixture(scope="module", params=["fake", "tiny", "edgeface-xs", "edgeface-xxs", "w600k-mbf"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "fake":
        return FakeEmbedder()
    if request.param == "tiny":
        return ArcFaceEmbedder(OrtSession(tiny_model(16), name="tiny"), SCALING)
    shared: Path = request.getfixturevalue("shared")
    home = registry_folder()
    model = read_verified(request.param, load_registry(home).embedders[request.param], home, (shared / "models",))
    return ArcFaceEmbedder(OrtSession(model.data, name=model.name), SCALING)


@pytest.fixture(scope="module")
def crops() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 255, (3, 112, 112, 3), np.uint8)


class TestContract:
    def test_rows_are_unit_vectors_of_the_stated_length(self, embedder: Embedder, crops: NDArray[np.uint8]) -> None:
        found = embedder.embed(crops)
        assert found.shape == (3, embedder.dimensions)
        assert found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)

    def test_a_batch_is_the_same_as_its_members(self, embedder: Embedder, crops: NDArray[np.uint8]) -> None:
        """Order lost in a batch would give one traveller the face of the next."""
        single = np.concatenate([embedder.embed(crop[None]) for crop in crops])
        np.testing.assert_allclose(embedder.embed(crops), single, atol=2e-4)

    def test_nobody_in_nobody_out(self, embedder: Embedder, crops: NDArray[np.uint8]) -> None:
        assert embedder.embed(crops[:0]).shape == (0, embedder.dimensions)

    def test_the_crop_is_left_as_it_was(self, embedder: Embedder, crops: NDArray[np.uint8]) -> None:
        before = crops.copy()
        embedder.embed(crops)
        assert np.array_equal(crops, before)

    def test_colour_order_matters(self, embedder: Embedder, crops: NDArray[np.uint8]) -> None:
        """RGB fed as BGR still gives plausible vectors, only worse ones."""
        swapped = np.ascontiguousarray(crops[..., ::-1])
        assert not np.allclose(embedder.embed(crops), embedder.embed(swapped), atol=1e-3)

    @pytest.mark.parametrize("shape", [(112, 112, 3), (1, 3, 112, 112), (1, 128, 112, 3)])
    def test_other_shapes_are_refused(self, embedder: Embedder, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="expected uint8"):
            embedder.embed(np.zeros(shape, np.uint8))

    def test_floats_are_refused(self, embedder: Embedder) -> None:
        with pytest.raises(ValueError, match="float32"):
            embedder.embed(np.zeros((1, 112, 112, 3), np.float32))  # type: ignore[arg-type]

    def test_threads_get_their_own_answers(self, embedder: Embedder, crops: NDArray[np.uint8]) -> None:
        embedder.warm()
        expected = [embedder.embed(crop[None]) for crop in crops]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda index: embedder.embed(crops[index % 3][None]), range(24)))
        for index, row in enumerate(found):
            np.testing.assert_allclose(row, expected[index % 3], atol=1e-5)


@pytest.mark.parametrize("name", ["edgeface-xs", "edgeface-xxs", "w600k-mbf"])
def test_people_are_told_apart(name: str, shared: Path, lfw: Callable[[str, int], bytes]) -> None:
    """Wrong scaling or colour order shows here as mated pairs that hardly resemble each other."""
    home = registry_folder()
    model = read_verified(name, load_registry(home).embedders[name], home, (shared / "models",))
    real = ArcFaceEmbedder(OrtSession(model.data, name=name), SCALING)
    detector = make_detector("scrfd-500m", shared)
    pairs = [("Abel_Pacheco", 1, 4), ("Akhmed_Zakayev", 1, 3), ("Amber_Tamblyn", 1, 2), ("Angela_Bassett", 1, 5)]
    crops = []
    for person, *numbers in pairs:
        for number in numbers:
            picture = decode_photo(lfw(person, number), DecodeLimits())
            crops.append(align(picture, detector.detect(picture)[0].landmarks))
    vectors = real.embed(np.stack(crops))
    similarity = vectors @ vectors.T
    mated = [similarity[i, i + 1] for i in range(0, 8, 2)]
    strangers = [similarity[i, j] for i in range(8) for j in range(8) if i // 2 != j // 2]
    assert min(mated) > 0.4
    assert max(strangers) < 0.35


@pytest.mark.parametrize("values", [(0.0, 0.0, 0.0, 0.0), (1.0, float("nan"), 0.0, 0.0), (float("inf"), 0, 0, 0)])
def test_an_answer_without_direction_is_a_fault(values: tuple[float, ...]) -> None:
    """It would resemble nobody: a broken model must not look like "no match"."""
    broken = ArcFaceEmbedder(OrtSession(bias_model(values), name="broken"), SCALING)
    with pytest.raises(EngineFault) as caught:
        broken.embed(np.zeros((1, 112, 112, 3), np.uint8))
    assert caught.value.code is Code.INFERENCE_FAILED


def test_a_detector_is_no_embedder(shared: Path) -> None:
    data = (shared / "models" / "yunet_n_dynamic.onnx").read_bytes()
    with pytest.raises(ModelPackError) as caught:
        ArcFaceEmbedder(OrtSession(data, name="yunet"), SCALING)
    assert caught.value.code is Code.MODEL_INVALID
