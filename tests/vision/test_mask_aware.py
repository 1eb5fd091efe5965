"""An embedder that says everything itself: all it says arrives, and a model of another shape is refused."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.detector import InputScaling
from gate.vision.mask_aware import MaskAwareEmbedder
from gate.vision.probe import ImageBGR, MaskState
from gate.vision.session import OrtSession

SCALING = InputScaling(127.5, 127.5, rgb=True)
OUTPUTS: dict[str, list[str | int | None]] = {
    "embedding": ["n", 3],
    "mask": ["n", 2],
    "attention": ["n", 7, 7],
    "recognisability": ["n"],
}


def tiny_embedder(names: tuple[str, ...] = tuple(OUTPUTS), recognisability: float = 0.7) -> bytes:
    """Embedding: mean of each channel. Mask: worn. Attention: mean of each cell. Recognisability: as given."""
    nodes = [
        helper.make_node("ReduceMean", ["crop"], ["embedding"], axes=[2, 3], keepdims=0),
        helper.make_node("AveragePool", ["crop"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("ReduceMean", ["cells"], ["attention"], axes=[1], keepdims=0),
        helper.make_node("ReduceMean", ["crop"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "score"], ["recognisability"]),
        helper.make_node("Identity", ["probabilities"], ["mask"]),
    ]
    graph = helper.make_graph(
        nodes,
        "embedder",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, OUTPUTS[name]) for name in names],
        [
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
            numpy_helper.from_array(np.array(recognisability, np.float32), "score"),
            numpy_helper.from_array(np.array([[0.9, 0.1]], np.float32), "probabilities"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def embedder(model: bytes) -> MaskAwareEmbedder:
    return MaskAwareEmbedder(OrtSession(model, name="tiny"), SCALING)


@pytest.fixture
def crop() -> ImageBGR:
    return np.random.default_rng(5).integers(0, 256, (112, 112, 3), dtype=np.uint8)


def test_everything_that_the_model_says_arrives_in_its_place(crop: ImageBGR) -> None:
    # Outputs taken by position would otherwise pass for one another.
    view = embedder(tiny_embedder()).view(crop[None])
    rgb = (crop[..., ::-1].astype(np.float32) - 127.5) / 127.5
    mean = rgb.mean(axis=(0, 1))
    np.testing.assert_allclose(view.embedding[0], mean / np.linalg.norm(mean), atol=1e-4)
    np.testing.assert_allclose(
        view.attention[0], rgb.reshape(7, 16, 7, 16, 3).mean(axis=(1, 3)).mean(axis=2), atol=1e-5
    )
    assert view.recognisability.tolist() == pytest.approx([0.7])
    assert embedder(tiny_embedder()).state(crop) is MaskState.WORN


def test_a_model_that_does_not_judge_recognisability_calls_every_face_recognisable(crop: ImageBGR) -> None:
    view = embedder(tiny_embedder(("embedding", "mask", "attention"))).view(crop[None])
    assert view.recognisability.tolist() == [1.0]


@pytest.mark.parametrize(
    "names",
    [("embedding",), ("embedding", "attention", "mask"), ("mask", "embedding", "attention"), ("embedding", "mask")],
)
def test_a_model_with_other_outputs_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ModelPackError) as caught:
        embedder(tiny_embedder(names))
    assert caught.value.code is Code.MODEL_INVALID


def test_a_recognisability_that_is_no_probability_is_a_fault_of_the_engine(crop: ImageBGR) -> None:
    with pytest.raises(EngineFault):
        embedder(tiny_embedder(recognisability=float("nan"))).view(crop[None])
